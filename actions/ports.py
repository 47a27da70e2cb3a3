"""What the actions room needs from others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actions.host import Operation, OperationResult, UserState
from foundation.database import Transaction
from security.audit.chain import Change


class HostApplication(Protocol):
    """The application being supported. Every call has a time-out of its own and may be tried again."""

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> UserState:
        """Read what the application holds about the user `ref`: the named parts, or all.

        Raises:
            HostUnavailable: when there is no usable answer in time.
            HostRefused: when the application does not let us read.
            UnknownUser: when it knows no such user.
        """
        ...

    async def operations(self, ref: str) -> list[Operation]:
        """List what the application can do for the user, and whether it would now. Raises as `state`."""
        ...

    async def run(
        self, ref: str, operation: str, parameters: Mapping[str, Any], *, idempotency_key: str
    ) -> OperationResult:
        """Have the application do `operation`; the same key again does nothing and gives the first result.

        Raises as `state`. After `HostUnavailable` it is not known whether it was done.
        """
        ...

    async def lookup(self, email: str) -> str | None:
        """Return the id of the user with this e-mail address, or None. Raises `HostUnavailable`."""
        ...


@dataclass(frozen=True)
class Hit:
    """A passage that may answer a question; `score`, 0 to 1, is in the measure of a cosine.

    `probability` is the calibrated probability that it answers. `quote` is the
    passage's text and `url` the article's page. `kb_index` gives objects of this shape.
    """

    article_id: str
    version: int
    title: str
    area: str
    quote: str
    url: str
    score: float
    passage_id: str
    probability: float


class HitView(Protocol):
    """What is read of a search result; `Hit` and the knowledge base's own class are such."""

    @property
    def article_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def probability(self) -> float: ...


class KnowledgeBase(Protocol):
    """Finds passages of published articles."""

    async def search(self, question: str, *, limit: int = 3) -> Sequence[HitView]:
        """Return the best passages, best first, at most `limit`."""
        ...


@dataclass(frozen=True)
class TurnContext:
    """For whom and in which turn an action runs. `user_ref` and `host` are the application's names."""

    conversation_id: str
    turn_id: str | None
    user_ref: str
    host: str
    user_name: str
    text: str = ""
    page: Mapping[str, Any] = field(default_factory=dict)


class Journal(Protocol):
    """Takes down every change of an attempt where it cannot be changed any more."""

    async def enter(self, tx: Transaction, changes: Sequence[Change], *, required: bool = False) -> None:
        """Enter the changes, in the transaction that makes them; what cannot be entered waits, and is told.

        Raises:
            NotEntered: when they cannot be entered and are `required`.
        """
        ...


class ConversationContext(Protocol):
    """Looks up the conversation behind a tracker; only this says who the user is, never the tracker."""

    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        """Return the context, with the latest turn's id when `turn_id` is None; None when there is none."""
        ...

    async def offered(self, conversation_id: str, turn_id: str | None) -> frozenset[str]:
        """Return the choices (payloads) under what the assistant said last before a turn."""
        ...
