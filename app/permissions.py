"""The rules of the whole house: who may do what. `docs/security.md` has them as a table, under test."""

from typing import Literal

from actions import permissions as actions
from bot.conversation import permissions as conversation
from bot.training import permissions as training
from escalation import permissions as escalation
from foundation.authorization import AccessRule, Action, Rulebook, Rules, anybody, this_machine
from insights import permissions as insights
from kb_index import permissions as kb_index
from security.identity import permissions as identity


class OperationsAction(Action):
    """What operators and browsers need besides the product."""

    PROBE = "operations.probe"
    READ_METRICS = "operations.read_metrics"
    READ_DESCRIPTION = "operations.read_description"
    READ_PAGE = "page.read"


def house_rules(metrics: Literal["local", "public", "off"] = "local") -> Rulebook:
    """Return every room's rules. `metrics` is who may read them, as in the settings."""
    own: Rules = {
        OperationsAction.PROBE: AccessRule(anybody()),
        OperationsAction.READ_DESCRIPTION: AccessRule(anybody()),
        OperationsAction.READ_PAGE: AccessRule(anybody()),
        OperationsAction.READ_METRICS: AccessRule(anybody() if metrics == "public" else this_machine()),
    }
    rooms = (actions, conversation, training, escalation, insights, kb_index, identity)
    return Rulebook(own, *(room.RULES for room in rooms))
