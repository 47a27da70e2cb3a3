"""Which endpoints have database connections of their own; all others share those of requests."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from actions.permissions import AutomationAction
from bot.conversation.permissions import ConversationAction
from foundation.authorization import Action
from foundation.database import Lane, always_on_lane
from foundation.http import Endpoint

_LANES: Mapping[Action, Lane] = {
    AutomationAction.RUN: Lane.TURNS,
    ConversationAction.ASK_FOR_PERSON: Lane.RESERVED,
}


def on_their_lanes(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return the endpoints: those that call a person use the reserved connections, what Rasa calls uses those
    of turns."""
    return [
        replace(endpoint, handler=always_on_lane(lane, endpoint.handler))
        if (lane := _LANES.get(endpoint.action)) is not None
        else endpoint
        for endpoint in endpoints
    ]
