"""Who may see and do what with the assistant's attempts, self-healing and offers."""

from foundation.authorization import (
    AccessRule,
    Action,
    Resource,
    Rules,
    anybody,
    own_or_missing,
    own_services,
    staff,
    users,
)


class AutomationAction(Action):
    """The actions of this room."""

    RUN = "rasa_action.run"
    LIST_ATTEMPTS = "attempt.list"
    LIST_WORKFLOWS = "workflow.list"
    TELL_EVENTS = "host_event.tell"
    READ_HEALING = "healing.read"
    SWITCH_HEALING = "healing.switch"
    LIST_NOTICES = "notice.list"
    MARK_NOTICE_SEEN = "notice.mark_seen"
    TELL_BEHAVIOUR = "behaviour.tell"
    ANSWER_OFFER = "offer.answer"
    COUNT_OFFERS = "offer.count"


_own_notice = own_or_missing("There is no such notice.")
_own_offer = own_or_missing("There is no such offer.", "It may have been made to somebody else.")
RULES: Rules = {
    AutomationAction.RUN: AccessRule(own_services()),
    AutomationAction.LIST_ATTEMPTS: AccessRule(staff("trainer")),
    AutomationAction.LIST_WORKFLOWS: AccessRule(staff()),
    # Signed by the application, which is checked before the body is read.
    AutomationAction.TELL_EVENTS: AccessRule(anybody()),
    AutomationAction.READ_HEALING: AccessRule(staff()),
    AutomationAction.SWITCH_HEALING: AccessRule(staff("admin")),
    AutomationAction.LIST_NOTICES: AccessRule(users()),
    AutomationAction.MARK_NOTICE_SEEN: AccessRule(users(), (_own_notice,)),
    AutomationAction.TELL_BEHAVIOUR: AccessRule(users()),
    AutomationAction.ANSWER_OFFER: AccessRule(users(), (_own_offer,)),
    AutomationAction.COUNT_OFFERS: AccessRule(staff()),
}


def users_own(kind: str, id_: str, user: tuple[str, str] | None) -> Resource:
    """Something made for a user (host, ref) for authorization; None is one that is not there."""
    host, ref = user or (None, None)
    return Resource(kind, id_, host=host, owner=ref)
