"""The supported application, as Firstline sees it: what it knows about a user and what it can do.

    FirstlineError
    +-- Unavailable
    |   +-- HostUnavailable     it does not answer, answers too late, or answers nonsense
    +-- Forbidden
    |   +-- HostRefused         it refuses to do this for this user; its code and reason say why
    +-- NotFound
        +-- UnknownUser         it knows no such user

What the application refuses by its own rules it may also say in an `OperationResult` of status `refused`;
`HostRefused` is for a refusal of the call itself (not permitted, unknown operation, bad signature).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from foundation.errors import Forbidden, NotFound, Unavailable

OperationStatus = Literal["done", "accepted", "refused", "failed"]


@dataclass(frozen=True)
class UserState:
    """What the application holds about one user.

    `parts` maps the name of a part (account, billing, orders, ...) to JSON values; only parts that were asked
    for are there. `as_of` is the application's own time of reading.
    """

    ref: str
    as_of: datetime
    parts: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, Any]:
        """Return a part that is an object; an empty one when the application did not give it."""
        value = self.parts.get(name)
        return dict(value) if isinstance(value, Mapping) else {}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return a part that is a list of objects; an empty one when the application did not give it."""
        value = self.parts.get(name)
        return [dict(row) for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


@dataclass(frozen=True)
class Operation:
    """Something the application can do for this user, and whether it would now.

    `confirm_at` is where the user confirms that it is them, for an operation that waits for that.
    """

    name: str
    title: str
    allowed: bool
    reason: str | None = None
    changes: bool = True
    confirm_at: str | None = None


@dataclass(frozen=True)
class OperationResult:
    """What the application says about an operation it was asked for.

    `done`: it says it did it. `accepted`: it will. `refused`: its rules forbid it. `failed`: tried in vain.
    `code` is a stable word for programs, `message` a sentence that is fit for the user.
    """

    status: OperationStatus
    code: str | None = None
    message: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UserPage:
    """One page of an application's users: their references, and where the next begins (None: none does)."""

    refs: tuple[str, ...]
    next: str | None = None


class HostUnavailable(Unavailable):
    """The application does not answer, answers too late, or answers what cannot be understood."""

    code = "host_unavailable"

    def __init__(
        self, message: str = "The application does not answer.", *, reason: str = "unreachable"
    ) -> None:
        super().__init__(message, hint="Try again in a moment.")
        self.reason = reason


class HostRefused(Forbidden):
    """The application refuses the call; `reason_code` is its word for why, `message` is fit for the user."""

    code = "host_refused"

    def __init__(
        self, message: str = "The application does not allow this.", *, reason_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason_code = reason_code


class UnknownUser(NotFound):
    """The application knows no such user."""

    code = "unknown_user"

    def __init__(self, message: str = "The application knows no such user.") -> None:
        super().__init__(message)
