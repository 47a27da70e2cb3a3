"""What self-healing needs from others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from actions.healing.domain import Breaker


class UserPageView(Protocol):
    """One page of users: their references, and where the next page begins (None: this was the last)."""

    @property
    def refs(self) -> Sequence[str]: ...
    @property
    def next(self) -> str | None: ...


class ScannableHost(Protocol):
    """An application that tells who its users are."""

    async def users(self, after: str | None = None, limit: int = 100) -> UserPageView:
        """Return users after a reference, in a stable order. Raises `HostUnavailable`, `HostRefused`."""
        ...


ScannableByName = Callable[[str], ScannableHost | None]
"""Gives the application of a name; None when none is connected under it."""

HostNames = Callable[[], Iterable[str]]
"""Names the connected applications."""


@dataclass(frozen=True)
class SignedRequest:
    """What a signature is made over; `path` is path and query as on the request line."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Signatures(Protocol):
    """Checks that an application sent what came in its name."""

    def expect(self, host: str, headers: Mapping[str, str]) -> None:
        """Return when the headers may be those of a signed request; before its body is read.

        Raises:
            NotFound, Unauthenticated: as `check` does.
        """
        ...

    def check(self, host: str, request: SignedRequest) -> None:
        """Return when the application signed it, just now.

        Raises:
            NotFound: when no such application is connected.
            Unauthenticated: when it is not signed, wrongly signed, or too old.
        """
        ...


class Cases(Protocol):
    """Opens a case about a fix that stopped itself."""

    async def open(self, breaker: Breaker, title: str) -> str:
        """Return the id of the one case about this; called again, it is the same as long as it is open."""
        ...


class Messenger(Protocol):
    """Tells users something in a conversation of theirs."""

    async def post(self, host: str, user_ref: str, key: str, payload: Mapping[str, Any]) -> str | None:
        """Append a notice to the user's latest conversation when the assistant has it, once for `key`.

        Returns the conversation's id, or None when there is none to put it into.
        """
        ...
