"""What an action wants to say and to leave behind, before any channel or framework has a part in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.conversation.case_words import Priority, Reason

Tally = Literal["keep", "reset", "count"]


@dataclass(frozen=True)
class Button:
    """A choice: `title` is what the user reads, `payload` what is sent, such as `/affirm`."""

    title: str
    payload: str


@dataclass(frozen=True)
class Say:
    """One message; `card` is an article, a resolution or a list of orders shown with it."""

    text: str
    buttons: tuple[Button, ...] = ()
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Handoff:
    """The wish that a person takes over, with what they should know in a few lines."""

    reason: Reason
    priority: Priority
    summary: str


@dataclass(frozen=True)
class Result:
    """What an action comes to.

    `pending` is the workflow that waits for a yes, or for an answer when it is `asking`; `answers` are those
    it has. `verified` tells that a second look showed a repair. `tally` says what becomes of the count of
    failures in a row: `reset` after something that helped, `count` after something that did not.
    """

    says: tuple[Say, ...]
    pending: str | None = None
    attempt_id: str | None = None
    tally: Tally = "keep"
    offers_person: bool = False
    handoff: Handoff | None = None
    asking: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False


PERSON = Button("Talk to a person", "/talk_to_person")
NO_THANKS = Button("No, thanks", "/deny")
SOMETHING_ELSE = Button("Something else", "/ask_capabilities")
HELPED = Button("Yes, thanks", "/helped")
NOT_HELPED = Button("No", "/not_helped")
OFFER = (PERSON, NO_THANKS)


def confirm_buttons(yes: str) -> tuple[Button, ...]:
    """The two buttons under a question; `yes` says what will be done."""
    return (Button(yes, "/affirm"), Button("Not now", "/deny"))
