"""What a scenario needs of the outside: the product as users reach it, the host application, the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Rates = Mapping[str, Mapping[str, float]]
"""Faults: how often (0 to 1) each kind strikes, by target."""


class Broken(Exception):
    """The product or the host application did not answer as it must; the text is for the report."""


@dataclass(frozen=True)
class MadeUser:
    """A user of the host application that was made for one scenario."""

    ref: str
    email: str
    state: Mapping[str, Any]


@dataclass(frozen=True)
class HostReport:
    """What the host application shows of a user: the whole state, and what support did, in order."""

    state: Mapping[str, Any]
    operations: list[dict[str, Any]]


@dataclass(frozen=True)
class PlayedTurn:
    """What came of one message: the assistant's events, and who has the conversation after it."""

    texts: list[str] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    handed_off: bool = False
    answered: bool = True


class HostApplication(Protocol):
    """The demo application, by its API for tests."""

    async def make_user(self, like: str, name: str | None, state: Mapping[str, Any]) -> MadeUser:
        """Make a throw-away user. Raises `Broken` with the application's words when it refuses."""

    async def change(self, ref: str, state: Mapping[str, Any]) -> None:
        """Change the user's state."""

    async def report(self, ref: str) -> HostReport:
        """Return state and record of operations."""

    async def token(self, ref: str) -> str:
        """Return a user token for Firstline, as the application's pages get it."""

    async def confirm_second_factor(self, ref: str) -> None:
        """Let the user confirm with the second factor now."""

    async def misbehave(self, ref: str, rates: Rates, hang_seconds: float) -> None:
        """Set the faults for this user alone; none when `rates` is empty."""

    async def remove_user(self, ref: str) -> None:
        """Remove the user and all that belongs to it."""


class Chat(Protocol):
    """One conversation of one user."""

    @property
    def conversation(self) -> str:
        """Its id."""

    async def say(self, text: str, choice: str | None = None) -> PlayedTurn:
        """Post a message and wait until the turn is over."""

    async def ask_for_person(self) -> PlayedTurn:
        """Press the hand-off."""

    async def leave_queue(self) -> None:
        """Withdraw the request for a person, if there is one. Raises `Broken` when a person has it."""


class Product(Protocol):
    """Firstline, by its public API."""

    async def begin(self, user: MadeUser, page: Mapping[str, str]) -> Chat:
        """Begin a conversation as this user."""


@dataclass(frozen=True)
class Logged:
    """What the log says of a conversation."""

    attempts: list[dict[str, Any]]
    outcome: str


class AttemptEvidence(Protocol):
    """The attempt log."""

    async def of(self, conversation: str) -> Logged:
        """Return the attempts of a conversation in order, and what it comes to."""
