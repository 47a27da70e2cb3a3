"""Actions for endpoints that tests make up, one for each kind of caller."""

from foundation.authorization import (
    AccessRule,
    Action,
    Rulebook,
    Rules,
    anybody,
    own_services,
    staff,
    this_machine,
    users,
)


class MadeUp(Action):
    """What the endpoints of tests do."""

    PUBLIC = "made_up.public"
    LOCAL = "made_up.local"
    USER = "made_up.user"
    STAFF = "made_up.staff"
    AGENT = "made_up.agent"
    SERVICE = "made_up.service"


RULES: Rules = {
    MadeUp.PUBLIC: AccessRule(anybody()),
    MadeUp.LOCAL: AccessRule(this_machine()),
    MadeUp.USER: AccessRule(users()),
    MadeUp.STAFF: AccessRule(staff()),
    MadeUp.AGENT: AccessRule(staff("agent")),
    MadeUp.SERVICE: AccessRule(own_services()),
}
MADE_UP = Rulebook(RULES)
