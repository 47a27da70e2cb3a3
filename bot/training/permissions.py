"""Who may review conversations."""

from foundation.authorization import AccessRule, Action, Rules, staff


class ReviewAction(Action):
    """The actions of this room."""

    LIST = "review.list"
    READ = "review.read"


RULES: Rules = {
    ReviewAction.LIST: AccessRule(staff("trainer")),
    ReviewAction.READ: AccessRule(staff("trainer")),
}
