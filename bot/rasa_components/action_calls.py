"""Calls to the action server: with a deadline, over a kept connection, and with failures that can be seen.

Rasa waits five minutes for an action, opens a connection for each call, swallows the failure of an action,
and checks each answer against a JSON schema that it first checks against the meta-schema (72 % of its CPU
time in a dialogue with actions). Turns of the `firstline` channel go without all that; what comes by Rasa's
own channels is handled as Rasa does.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import Any, ClassVar, List, Optional

import aiohttp
from jsonschema.validators import validator_for  # type: ignore[import-untyped]
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

action_failures: ContextVar[Optional[List[str]]] = ContextVar("action_failures", default=None)
"""Collects what failed during the turn that is being processed."""

DEADLINE = 12.0
KEPT_EVENTS = 200
REJECTED = 400  # how the SDK says "this form does not want the message"; no failure
log = logging.getLogger(__name__)


def note_failure(what: str) -> None:
    """Remember that something failed during this turn."""
    failures = action_failures.get()
    if failures is not None:
        failures.append(what)


class ActionCalls(EndpointConfig):  # type: ignore[misc]
    """An endpoint that reports failures and is bounded by DEADLINE seconds."""

    _session: ClassVar[Optional[aiohttp.ClientSession]] = None
    _plain: EndpointConfig

    @classmethod
    def around(cls, endpoint: EndpointConfig) -> ActionCalls:
        """The same endpoint, with these manners."""
        calls = cls(
            endpoint.url,
            endpoint.params,
            endpoint.headers,
            endpoint.basic_auth,
            endpoint.token,
            endpoint.token_name,
            endpoint.cafile,
            **endpoint.kwargs,
        )
        calls.type = endpoint.type
        calls._plain = endpoint
        return calls

    def session(self) -> Any:
        """A session that outlives the call (Rasa would close it)."""
        if ActionCalls._session is None or ActionCalls._session.closed:
            # One for the process: a swap of models makes new endpoints and would leave sessions open.
            ActionCalls._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=DEADLINE, connect=3.0),
                connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=10.0),
            )
        return _Borrowed(ActionCalls._session)

    async def request(self, *arguments: Any, **named: Any) -> Any:
        """Send one call. Raises what Rasa expects: ClientResponseError, or another aiohttp.ClientError."""
        if action_failures.get() is None:
            return await self._plain.request(*arguments, **named)
        named.pop("timeout", None)
        body = named.get("json")
        if isinstance(body, dict) and isinstance(body.get("tracker"), dict):
            tracker = body["tracker"]
            if len(tracker.get("events") or []) > KEPT_EVENTS:
                named["json"] = {**body, "tracker": {**tracker, "events": tracker["events"][-KEPT_EVENTS:]}}
        try:
            try:
                return await super().request(*arguments, **named)
            except aiohttp.ServerDisconnectedError:
                # A kept connection that the server had closed; actions are idempotent within a turn.
                return await super().request(*arguments, **named)
        except ClientResponseError as error:
            if error.status != REJECTED:
                note_failure(f"http_{error.status}")
            raise
        except asyncio.TimeoutError as error:
            note_failure("timeout")
            raise aiohttp.ClientConnectionError("the action server did not answer in time") from error
        except aiohttp.ClientError as error:
            note_failure(type(error).__name__)
            raise


class _Borrowed:
    """Lends a session to `async with` without closing it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __aenter__(self) -> aiohttp.ClientSession:
        return self._session

    async def __aexit__(self, *error: Any) -> None:
        return None


class SwallowedErrors(logging.Handler):
    """Notices the errors of actions that Rasa logs and goes on from (a malformed answer, for example)."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note one swallowed exception."""
        if record.exc_info and record.exc_info[0] is not None:
            note_failure(record.exc_info[0].__name__)


def check_answers_quickly() -> None:
    """Check answers of actions with a validator that is made once; the check itself stays the same."""
    if getattr(RemoteAction._validate_action_result, "quick", False):
        return
    as_shipped = RemoteAction._validate_action_result
    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def quick(self: Any, result: Any) -> Any:
        if action_failures.get() is None:
            return as_shipped(self, result)
        validator.validate(result)
        return True

    quick.quick = True  # type: ignore[attr-defined]
    RemoteAction._validate_action_result = quick


def watch_swallowed_errors() -> None:
    """Start noticing; safe to call again."""
    logger = logging.getLogger("rasa.core.processor")
    if not any(isinstance(handler, SwallowedErrors) for handler in logger.handlers):
        logger.addHandler(SwallowedErrors(logging.ERROR))
