"""Who may do what with a case; pure, so that the desk only has to ask."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.domain import Event
from escalation.domain import ASKED, BY_ASSISTANT, Case
from foundation.errors import Conflict, Forbidden
from foundation.ids import StaffId


@dataclass(frozen=True)
class Agent:
    """Who acts on a case."""

    id: StaffId
    name: str
    is_admin: bool = False


@dataclass(frozen=True)
class Sent:
    """An agent's message that is committed; `replayed` when it already was."""

    event: Event
    replayed: bool


def check_withdraw(case: Case) -> None:
    """Let a user withdraw what nobody has taken up.

    Raises:
        Conflict: when an agent has the case.
    """
    if case.status != "queued":
        raise Conflict(
            "A person has your request already.",
            hint="Tell them in the conversation that it is settled.",
            code="case_claimed",
        )


def case_to_join(reason: str, open_cases: Sequence[Case], at_most: int) -> Case | None:
    """The open case of the same user that a further conversation joins; None when it gets one of its own.

    `open_cases` come newest first. Of the assistant's making there is one, asked for there are `at_most`.
    """
    if reason in BY_ASSISTANT:
        return next((case for case in open_cases if not case.asked), None)
    asked = [case for case in open_cases if case.asked]
    return asked[0] if reason == ASKED and len(asked) >= at_most else None


def check_claim(case: Case, agent: Agent, take_over: bool) -> None:
    """Refuse a claim of a case that somebody else has or that is resolved.

    Raises:
        Conflict: saying who has it.
        Forbidden: when somebody who is no admin wants to take over.
    """
    if case.status == "resolved":
        raise Conflict("This case is resolved.", code="case_resolved")
    if case.status == "assigned" and case.assignee is not None:
        if take_over and agent.is_admin:
            return
        if take_over:
            raise Forbidden(
                f"{case.assignee.name} has this case.", hint="Only an admin may take a case over."
            )
        raise Conflict(
            f"{case.assignee.name} has this case.",
            hint="Take another one; an admin may take it over.",
            code="case_taken",
            extra={"assignee": {"id": case.assignee.staff_id, "name": case.assignee.name}},
        )


def check_assignee(case: Case, agent: Agent, *, admin_may: bool = False) -> None:
    """Refuse what only the person who has the case may do.

    Raises:
        Conflict: when nobody has it, or it is resolved.
        Forbidden: saying who has it.
    """
    if case.status == "resolved":
        raise Conflict("This case is resolved.", code="case_resolved")
    if case.assignee is None:
        raise Conflict("Nobody has this case yet.", hint="Claim it first.", code="case_not_claimed")
    if case.assignee.staff_id != agent.id and not (admin_may and agent.is_admin):
        raise Forbidden(
            f"{case.assignee.name} has this case.",
            hint="Only who has a case may answer in it.",
            code="not_your_case",
            extra={"assignee": {"id": case.assignee.staff_id, "name": case.assignee.name}},
        )


def replay(event: Event, agent: Agent, text: str) -> Sent:
    """Return what was sent under a key before.

    Raises:
        Conflict: when it was another text or another agent.
    """
    if event.author.staff_id != agent.id or event.payload.get("text") != text:
        raise Conflict(
            "This idempotency key was used for another message.", hint="Use a new key for a new message."
        )
    return Sent(event, replayed=True)
