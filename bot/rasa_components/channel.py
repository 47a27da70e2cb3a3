"""The `firstline` channel: a turn in, messages and the reading out, or why there are none.

POST /webhooks/firstline/turn with `Authorization: Bearer <service token>`:
    {"conversation": id, "turn": id, "text": "..."} or {"conversation", "turn", "payload": "/intent{...}"}
answers 200 with
    {"status": "ok"|"failed", "reason": null|"action_failed"|"no_response"|"paused"|"internal_error",
     "messages": [{"text"?, "buttons"?, "custom"?}], "nlu": {"intent", "ranking", "entities"}, "model": id}
400 for a malformed request, 401 without the token, 503 while no model is loaded. GET / tells whether one is.

Text is never an intent trigger, whatever it starts with; only `payload` is. A turn that comes again is
processed anew from the state before it (`turns`).
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from typing import Any, Awaitable, Callable, Dict, List, NamedTuple, Optional

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME as FALLBACK
from rasa.shared.core.constants import DEFAULT_INTENTS
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, response

from bot.rasa_components.action_calls import (
    ActionCalls,
    action_failures,
    check_answers_quickly,
    watch_swallowed_errors,
)
from bot.rasa_components.history import TURN
from bot.rasa_components.passages import read_passages
from bot.rasa_components.turns import rewind_before

PAYLOAD = re.compile(r"^/([A-Za-z0-9_]{1,64})\s*(\{.*\})?$", re.DOTALL)
LARGEST_BODY = 64 * 1024
READ_CHARACTERS = 2000  # the encoder reads 256 tokens; more text than this cannot change the reading
LONGEST_ID = 200
MODEL = "model"
"""Where the message's metadata names the model that read it; another may be live before the turn ends."""
RANKED = 5
ALSO = "also"
"""Where the message's metadata names the intents that it holds besides."""
log = logging.getLogger(__name__)


class Malformed(ValueError):
    """The request is not a turn; the message says what is wrong with it."""


class Turn(NamedTuple):
    """One request."""

    conversation: str
    turn: str
    text: Optional[str]
    payload: Optional[str]

    @classmethod
    def parse(cls, body: bytes) -> Turn:
        """Read a request body. Raises Malformed."""
        if len(body) > LARGEST_BODY:
            raise Malformed(f"the body is larger than {LARGEST_BODY} bytes")
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            raise Malformed("the body is not JSON") from None
        if not isinstance(values, dict):
            raise Malformed("the body is not an object")
        for name in ("conversation", "turn"):
            if not isinstance(values.get(name), str) or not 0 < len(values[name]) <= LONGEST_ID:
                raise Malformed(f"{name} must be a string of 1 to {LONGEST_ID} characters")
        text, payload = values.get("text"), values.get("payload")
        if (text is None) == (payload is None):
            raise Malformed("exactly one of text and payload must be given")
        said = payload if text is None else text
        if not isinstance(said, str) or not said.strip():
            raise Malformed("text or payload must be a string that is not empty")
        return cls(values["conversation"], values["turn"], text, payload)


class FirstlineInput(InputChannel):  # type: ignore[misc]
    """Rasa's side of the contract with `bot.conversation`."""

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def name(cls) -> str:
        """The channel's name, which is also its part of the address."""
        return "firstline"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> FirstlineInput:
        """Make the channel from `credentials.yml`. Raises RasaException without a token."""
        token = str((credentials or {}).get("token") or "")
        if not token:
            raise RasaException("The firstline channel needs a token: set FIRSTLINE_SERVICE_TOKEN.")
        return cls(token)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's two routes."""
        watch_swallowed_errors()
        check_answers_quickly()
        routes = Blueprint("firstline_channel")

        async def health(request: Any) -> Any:
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"status": "no_model"}, status=503)
            return response.json({"status": "ok", "model": _model(agent)})

        async def turn(request: Any) -> Any:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                return response.json({"detail": "The service token is missing or wrong."}, status=401)
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"detail": "No model is loaded yet."}, status=503)
            try:
                wanted = Turn.parse(request.body)
            except Malformed as error:
                return response.json({"detail": f"This is no turn: {error}."}, status=400)
            return response.json(await answer(agent, wanted))

        routes.add_route(health, "/", methods=["GET"])
        routes.add_route(turn, "/turn", methods=["POST"])
        return routes


async def answer(agent: Any, turn: Turn) -> Dict[str, Any]:
    """Process one turn and say what came of it. Raises nothing but cancellation."""
    collector = CollectingOutputChannel()
    failures: List[str] = []
    action_failures.set(failures)
    rewind_before.set(turn.turn)
    read: Dict[str, Any] = {}
    model = _model(agent)
    reason: Optional[str] = None
    try:
        calls = agent.processor.action_endpoint
        if calls is not None and not isinstance(calls, ActionCalls):
            agent.processor.action_endpoint = ActionCalls.around(calls)
        read = await _read(agent, turn)
        also = list(read.pop(ALSO, []))
        message = UserMessage(
            turn.text if turn.text is not None else turn.payload,
            collector,
            turn.conversation,
            input_channel=FirstlineInput.name(),
            metadata={TURN: turn.turn, MODEL: model, **({ALSO: also} if also else {})},
            parse_data=read,
        )
        await agent.handle_message(message)
    except Exception:
        log.exception("a turn could not be processed")
        reason = "internal_error"
    messages = [_plain(message) for message in collector.messages]
    if reason is None and failures:
        reason = "action_failed"
    if reason is None and not messages:
        rewind_before.set(None)
        tracker = await agent.tracker_store.retrieve(turn.conversation)
        reason = "paused" if tracker is not None and tracker.is_paused() else "no_response"
    return {
        "status": "ok" if reason is None else "failed",
        "reason": reason,
        "messages": messages,
        "nlu": _reading(read),
        "model": model,
    }


async def _read(agent: Any, turn: Turn) -> Dict[str, Any]:
    """What the message means, as Rasa's parse data."""
    if turn.payload is not None:
        payload = turn.payload.strip()
        match = PAYLOAD.match(payload)
        known = set(agent.processor.domain.intents) - set(DEFAULT_INTENTS)
        if match and match.group(1) in known:
            return dict(await agent.processor.parse_message(UserMessage(payload)))
        # A button of another model, or no payload at all: it means nothing, and it must not be silent.
        return _parse_data(payload, FALLBACK, 1.0)
    text = str(turn.text)
    words = text[:READ_CHARACTERS].lstrip("/\\ \t\r\n")
    if not words:
        return _parse_data(text, FALLBACK, 1.0)

    async def parse(said: str) -> Dict[str, Any]:
        return dict(await agent.processor.parse_message(UserMessage(said)))

    read, also = await read_passages(parse, words, await parse(words))
    return {**read, "text": text, **({ALSO: also} if also else {})}


def _parse_data(text: str, intent: str, confidence: float) -> Dict[str, Any]:
    return {
        "text": text,
        "intent": {"name": intent, "confidence": confidence},
        "intent_ranking": [],
        "entities": [],
    }


def _plain(message: Dict[str, Any]) -> Dict[str, Any]:
    """A message without Rasa's recipient id and without empty parts."""
    return {key: value for key, value in message.items() if key != "recipient_id" and value}


def _reading(read: Dict[str, Any]) -> Dict[str, Any]:
    intent = read.get("intent") or {}
    return {
        "intent": {"name": intent.get("name"), "confidence": intent.get("confidence")},
        "ranking": [
            {"name": item.get("name"), "confidence": item.get("confidence")}
            for item in (read.get("intent_ranking") or [])[:RANKED]
        ],
        "entities": [
            {key: item.get(key) for key in ("entity", "value", "start", "end")}
            for item in read.get("entities") or []
        ],
    }


def _model(agent: Any) -> str:
    return str(agent.processor.model_filename).replace(".tar.gz", "")
