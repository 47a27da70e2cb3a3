"""Which endpoints have database connections of their own; all others share those of requests."""

from collections.abc import Iterable
from dataclasses import replace

from foundation.database import Lane, always_on_lane
from foundation.http import Access, Endpoint

_CALLS_A_PERSON = "/handoff"


def on_their_lanes(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return the endpoints: those that call a person use the reserved connections, what Rasa calls uses those
    of turns."""
    return [
        replace(endpoint, handler=always_on_lane(lane, endpoint.handler))
        if (lane := _lane_of(endpoint)) is not None
        else endpoint
        for endpoint in endpoints
    ]


def _lane_of(endpoint: Endpoint) -> Lane | None:
    if endpoint.access == Access.service():
        return Lane.TURNS
    if endpoint.access == Access.user() and endpoint.path.endswith(_CALLS_A_PERSON):
        return Lane.RESERVED
    return None
