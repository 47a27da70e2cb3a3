"""Who may do what with a case; pure, so that the desk only has to ask."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.domain import Event
from escalation.domain import ASKED, BY_ASSISTANT, Case
from foundation.authorization import (
    AccessRule,
    Action,
    AssignedTo,
    Denial,
    Principal,
    Requirement,
    Resource,
    Rules,
    StaffMember,
    staff,
)
from foundation.errors import Conflict, Forbidden, NotFound


class CaseAction(Action):
    """The actions of this room."""

    LIST = "case.list"
    LISTEN = "case.listen"
    READ = "case.read"
    CLAIM = "case.claim"
    TAKE_OVER = "case.take_over"
    RELEASE = "case.release"
    SEND = "case.send"
    TYPE = "case.type"
    RESOLVE = "case.resolve"
    FOLLOW = "case.follow"


@dataclass(frozen=True)
class Sent:
    """An agent's message that is committed; `replayed` when it already was."""

    event: Event
    replayed: bool


def case_to_join(reason: str, open_cases: Sequence[Case], at_most: int) -> Case | None:
    """The open case of the same user that a further conversation joins; None when it gets one of its own.

    `open_cases` come newest first. Of the assistant's making there is one, asked for there are `at_most`.
    """
    if reason in BY_ASSISTANT:
        return next((case for case in open_cases if not case.asked), None)
    asked = [case for case in open_cases if case.asked]
    return asked[0] if reason == ASKED and len(asked) >= at_most else None


def case_resource(case: Case) -> Resource:
    """The case for authorization."""
    has_it = AssignedTo(case.assignee.staff_id, case.assignee.name) if case.assignee else None
    return Resource(
        "case", case.id, host=case.contact.host, owner=case.contact.ref, assignee=has_it, status=case.status
    )


def followed_resource(conversation_id: str, *, had_case: bool) -> Resource:
    """A conversation that staff want to follow, for authorization; its status says whether it had a case."""
    return Resource("conversation", conversation_id, status="had_case" if had_case else None)


_RESOLVED = Denial("case_resolved", Conflict, "This case is resolved.", code="case_resolved")
_UNCLAIMED = Denial(
    "case_not_claimed", Conflict, "Nobody has this case yet.", "Claim it first.", "case_not_claimed"
)
_NO_CASE = Denial("not_among_cases", NotFound, "There is no such conversation among the cases.")


def _taken(case: Resource) -> AssignedTo | None:
    return case.assignee if case.status == "assigned" else None


def _not_resolved(_: Principal, case: Resource) -> Denial | None:
    return _RESOLVED if case.status == "resolved" else None


def _not_taken(_: Principal, case: Resource) -> Denial | None:
    if (other := _taken(case)) is None:
        return None
    return Denial(
        "case_taken",
        Conflict,
        f"{other.name} has this case.",
        "Take another one; an admin may take it over.",
        "case_taken",
        _assignee(other),
    )


def _admin_if_taken(principal: Principal, case: Resource) -> Denial | None:
    other = _taken(case)
    if other is None or _is_admin(principal):
        return None
    return Denial(
        "not_admin", Forbidden, f"{other.name} has this case.", "Only an admin may take a case over."
    )


def _claimed(_: Principal, case: Resource) -> Denial | None:
    return _UNCLAIMED if case.assignee is None else None


def _has_it(principal: Principal, case: Resource) -> Denial | None:
    other = case.assignee
    if other is None or (isinstance(principal, StaffMember) and principal.id == other.id):
        return None
    return Denial(
        "not_your_case",
        Forbidden,
        f"{other.name} has this case.",
        "Only who has a case may answer in it.",
        "not_your_case",
        _assignee(other),
    )


def _has_it_or_admin(principal: Principal, case: Resource) -> Denial | None:
    return None if _is_admin(principal) else _has_it(principal, case)


def _had_case(_: Principal, conversation: Resource) -> Denial | None:
    return None if conversation.status == "had_case" else _NO_CASE


def _is_admin(principal: Principal) -> bool:
    return isinstance(principal, StaffMember) and principal.is_admin


def _assignee(one: AssignedTo) -> dict[str, object]:
    return {"assignee": {"id": one.id, "name": one.name}}


_OPEN = Requirement("not resolved", _not_resolved)
_FREE = Requirement("nobody has it", _not_taken)
_FREE_OR_ADMIN = Requirement("nobody has it, or they are admin", _admin_if_taken)
_CLAIMED = Requirement("somebody has it", _claimed)
_MINE = Requirement("they have it", _has_it)
_MINE_OR_ADMIN = Requirement("they have it or are admin", _has_it_or_admin)
_HAD_CASE = Requirement("the conversation has or had a case (else 404)", _had_case)
_AGENT = staff("agent")
_THEIRS = AccessRule(_AGENT, (_OPEN, _CLAIMED, _MINE))
RULES: Rules = {
    CaseAction.LIST: AccessRule(_AGENT),
    CaseAction.LISTEN: AccessRule(_AGENT),
    CaseAction.READ: AccessRule(_AGENT),
    CaseAction.CLAIM: AccessRule(_AGENT, (_OPEN, _FREE)),
    CaseAction.TAKE_OVER: AccessRule(_AGENT, (_OPEN, _FREE_OR_ADMIN)),
    CaseAction.RELEASE: AccessRule(_AGENT, (_OPEN, _CLAIMED, _MINE_OR_ADMIN)),
    CaseAction.SEND: _THEIRS,
    CaseAction.TYPE: _THEIRS,
    CaseAction.RESOLVE: _THEIRS,
    CaseAction.FOLLOW: AccessRule(staff("agent", "admin"), (_HAD_CASE,)),
}


def replay(event: Event, agent: StaffMember, text: str) -> Sent:
    """Return what was sent under a key before.

    Raises:
        Conflict: when it was another text or another agent.
    """
    if event.author.staff_id != agent.id or event.text != text:
        raise Conflict(
            "This idempotency key was used for another message.", hint="Use a new key for a new message."
        )
    return Sent(event, replayed=True)
