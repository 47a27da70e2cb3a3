"""Rasa's action server as one endpoint of the app: the rasa-sdk protocol without a server of its own.

Rasa posts `{"next_action", "sender_id", "tracker", "domain"?, "version"}`; it gets `{"events", "responses"}`.
400 with `{"error", "action_name"}` rejects the action, 404 says that there is no such action, 500 that it
failed.
"""

import asyncio
import zlib
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import from_json
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

from actions.permissions import AutomationAction
from foundation.errors import TooLarge
from foundation.http import Call, Endpoint
from foundation.http.bodies import read_limited

log = structlog.get_logger(__name__)

MAX_CALL = 16 * 1024 * 1024
"""Bytes of a call: Rasa sends the whole history of a conversation with each."""
DEADLINE = 11.5
"""Seconds for one action; Rasa waits for 12, and a turn has 15."""


_LARGE = 64 * 1024
"""Bytes from which a call is unpacked and parsed off the event loop."""
_Object = dict[str, JsonValue]


class TrackerIn(BaseModel):
    """Rasa's tracker, as far as the SDK relies on its shape; Rasa sends null for what it does not have."""

    model_config = ConfigDict(extra="allow")
    sender_id: str
    slots: _Object | None = None
    latest_message: _Object | None = None
    events: list[_Object] | None = None
    active_loop: _Object | None = None


class ActionCallIn(BaseModel):
    """A call of an action."""

    model_config = ConfigDict(extra="allow")
    next_action: str
    tracker: TrackerIn
    domain: _Object | None = None


class ActionResultOut(BaseModel):
    """What the action did."""

    events: list[_Object]
    responses: list[_Object]


class ActionFailedOut(BaseModel):
    """Why there is no result."""

    error: str
    action_name: str


class ActionServer:
    """Hosts the executor's actions for Rasa."""

    def __init__(self, executor: ActionExecutor) -> None:
        self._executor = executor

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoint that Rasa calls with the internal service token."""
        return [
            Endpoint(
                "POST",
                "/internal/rasa/actions",
                self.run,
                AutomationAction.RUN,
                "Run an action for Rasa",
                response=ActionResultOut,
                tags=("internal",),
                raw=True,
                max_body=MAX_CALL,
                takes=("application/json",),
                failure=ActionFailedOut,
            )
        ]

    async def run(self, call: Call) -> web.StreamResponse:
        """Run the action that the body names."""
        raw = await read_limited(call.request, MAX_CALL)
        try:
            body = await asyncio.to_thread(_parse, raw) if len(raw) > _LARGE else _parse(raw)
        except (ValueError, zlib.error):
            return _answer(400, {"error": "The body is not a call of an action.", "action_name": ""})
        name = body["next_action"]
        try:
            async with asyncio.timeout(DEADLINE):
                result = await self._executor.run(body)
        except ActionExecutionRejection as error:
            return _answer(400, {"error": error.message, "action_name": error.action_name})
        except ActionNotFoundException:
            return _answer(404, {"error": "There is no such action.", "action_name": name})
        except Exception as error:
            # Rasa reports it to its channel, and the turn goes to a person.
            log.exception("action_failed", action=name, reason=type(error).__name__)
            return _answer(500, {"error": "The action failed.", "action_name": name})
        return _answer(200, result.model_dump() if result else {"events": [], "responses": []})


def _parse(raw: bytes) -> dict[str, Any]:
    body = from_json(_unpacked(raw))
    # Raises a ValueError when it does not fit; what is handed on is what Rasa sent.
    ActionCallIn.model_validate(body)
    # With `enable_selective_domain` Rasa 3.6 leaves the domain out; the SDK would ask for it with a 449.
    body.setdefault("domain", {})
    return dict(body)


def _unpacked(raw: bytes) -> bytes:
    # Rasa's Content-Encoding is a bare zlib stream ("deflate").
    if raw[:1] != b"\x78":
        return raw
    inflate = zlib.decompressobj()
    plain = inflate.decompress(raw, MAX_CALL)
    if inflate.unconsumed_tail:
        raise TooLarge("The call is too large.")
    return plain


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.json_response(body, status=status)
