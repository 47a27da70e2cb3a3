"""Who may see counts."""

from foundation.authorization import AccessRule, Action, Rules, staff


class InsightAction(Action):
    """The actions of this room."""

    COUNT_OUTCOMES = "outcome.count"


RULES: Rules = {InsightAction.COUNT_OUTCOMES: AccessRule(staff("trainer"))}
