"""The WebSocket: one conversation, both ways, resumed from a cursor.

The first frame says who calls (a user's token, or nothing for staff with a session cookie), which
conversation, and the last event number the client has.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, Field

from bot.conversation.domain import MAX_TEXT, Conversation
from bot.conversation.event_stream import EventStream, reached
from bot.conversation.limits import HangUp
from bot.conversation.permissions import ConversationAction
from bot.conversation.ports import StaffLine
from bot.conversation.schemas import MessageIn, conversation_out
from bot.conversation.user_access import UserAccess
from foundation.clock import Clock
from foundation.database_errors import explain
from foundation.errors import (
    ClientError,
    Conflict,
    FirstlineError,
    InvalidInput,
    Unauthenticated,
    Unavailable,
)
from foundation.http import Authenticator, Call, Caller
from foundation.http.bodies import validate
from foundation.http.connections import waiting_for
from foundation.ids import ConversationId
from foundation.strict_json import parse_json

log = structlog.get_logger(__name__)
_HELLO_DEADLINE = 10.0
_MAX_FRAME = 64 * 1024
_MAX_VALUES = 40
_MAX_DEPTH = 4
_WARNING = 45.0
_LOOK = 15.0
_CLOSING = 2.0
"""Seconds that a client has to answer when we hang up."""


class _Hello(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: str = Field(pattern="^hello$")
    token: str | None = Field(default=None, max_length=8192)
    conversation: str = Field(max_length=64)
    after: int = Field(default=0, ge=0, le=2_147_483_647)


class _Frame(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: str = Field(max_length=32)
    client_key: str | None = Field(default=None, max_length=128)
    text: str = Field(default="", max_length=MAX_TEXT)
    choice: str | None = Field(default=None, max_length=300)
    active: bool = False
    token: str | None = Field(default=None, max_length=8192)


class LiveSocket:
    """Serves `/api/v1/ws`."""

    def __init__(
        self,
        line: UserAccess,
        staff: StaffLine,
        follower: EventStream,
        authenticator: Authenticator,
        clock: Clock,
    ) -> None:
        self._line = line
        self._staff = staff
        self._follower = follower
        self._authenticator = authenticator
        self._clock = clock
        self._limits = line.limits
        self._open: set[web.WebSocketResponse] = set()
        self._hanging_up: set[asyncio.Task[None]] = set()

    async def close_all(self) -> None:
        """Say goodbye to every client; they will come back to whoever serves next."""
        goodbyes = [socket.close(code=1012, message=b"restarting") for socket in self._open]
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def handle(self, call: Call) -> web.StreamResponse:
        """Serve one socket until it closes."""
        socket = web.WebSocketResponse(heartbeat=25, max_msg_size=_MAX_FRAME, timeout=_CLOSING)
        no_handshake = InvalidInput(
            "This address speaks WebSocket only.", hint="Connect with a WebSocket client."
        )
        try:
            if not socket.can_prepare(call.request).ok:
                raise no_handshake
            await socket.prepare(call.request)
        except ValueError:
            # Headers of the handshake that are no text.
            raise no_handshake from None
        self._open.add(socket)
        try:
            await self._serve(call.request, socket)
        except FirstlineError as error:
            await _problem(socket, error, None)
            await socket.close(code=4000 + error.status)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            # A ConnectionError may be the client's, who hears nothing of this, or the database's.
            log.warning("socket_failed", reason=type(error).__name__)
            await _problem(socket, Unavailable("A part of Firstline does not answer."), None)
            await socket.close(code=1013)
        finally:
            self._open.discard(socket)
        return socket

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        async def hang_up() -> None:
            await socket.close(code=1013, message=b"too many wait")

        with self._limits.unknown_socket(hang_up) as evicted:
            self._hang_up_on(evicted)
            with waiting_for(request):
                hello = await self._hello(socket)
            caller = await self._identify(request, hello)
        with self._limits.socket(caller):
            await self._converse(request, socket, hello, caller)

    def _hang_up_on(self, evicted: list[HangUp]) -> None:
        for hang_up in evicted:
            # Aside: saying goodbye takes a moment, and the newcomer is not to wait for it.
            task = asyncio.create_task(_quietly(hang_up))
            self._hanging_up.add(task)
            task.add_done_callback(self._hanging_up.discard)

    async def _converse(
        self, request: web.Request, socket: web.WebSocketResponse, hello: _Hello, caller: Caller
    ) -> None:
        conversation = await self._admit(caller, hello)
        case = await self._follower.case(conversation.id)
        welcome = conversation_out(conversation, case).model_dump(mode="json")
        await socket.send_json({"type": "welcome", "conversation": welcome})
        session = _Session(socket, caller, conversation)
        if caller.kind == "staff":
            session.recheck = lambda: self._still_staff(request, hello.conversation)
        tasks = [
            asyncio.create_task(self._send(socket, conversation.id, reached(conversation, hello.after))),
            asyncio.create_task(session.watch_credentials(self._clock)),
        ]
        try:
            await self._receive(session)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hello(self, socket: web.WebSocketResponse) -> _Hello:
        try:
            first = await socket.receive(timeout=_HELLO_DEADLINE)
        except TimeoutError:
            raise Unauthenticated("No hello came in time.", hint="Send a hello frame first.") from None
        if first.type is not WSMsgType.TEXT:
            raise InvalidInput("The first frame must be a hello in JSON text.")
        hello = validate(_Hello, _parsed(first.data))
        assert isinstance(hello, _Hello)
        return hello

    async def _identify(self, request: web.Request, hello: _Hello) -> Caller:
        if hello.token is not None:
            return await self._authenticator.user_from_token(hello.token)
        staff = await self._authenticator.staff(request)
        if staff is None:
            raise Unauthenticated("You are not signed in.", hint="Send `token` in the hello frame.")
        await self._authenticator.check_origin(request)
        return staff

    async def _admit(self, caller: Caller, hello: _Hello) -> Conversation:
        if caller.kind == "staff":
            return await self._staff.follow(caller, hello.conversation)
        async with self._limits.lane(caller):
            return await self._line.own(caller, ConversationAction.FOLLOW, hello.conversation)

    async def _still_staff(self, request: web.Request, conversation_id: str) -> None:
        staff = await self._authenticator.staff(request)
        if staff is None:
            raise Unauthenticated("Your session has ended.", hint="Sign in again.")
        await self._staff.follow(staff, conversation_id)

    async def _send(self, socket: web.WebSocketResponse, conversation_id: ConversationId, after: int) -> None:
        try:
            async for frame in self._follower.frames(conversation_id, after):
                if frame["type"] != "idle":
                    await socket.send_json(frame)
        except Exception as error:
            # The client reconnects and resumes from its cursor. A ConnectionError may be the database's: left
            # alone, the socket would go on answering pings and tell nothing more.
            log.warning("following_failed", reason=type(error).__name__)
            await socket.close(code=1013)

    async def _receive(self, session: "_Session") -> None:
        frames = self._limits.frames()
        async for received in session.socket:
            # What comes too fast is not read yet, so that nothing is lost and the sender is slowed down.
            while (seconds := frames.take()) > 0:  # noqa: ASYNC110 - time is what is waited for
                await asyncio.sleep(seconds)
            if received.type is not WSMsgType.TEXT:
                continue
            key: str | None = None
            try:
                frame = validate(_Frame, _parsed(received.data))
                assert isinstance(frame, _Frame)
                key = frame.client_key
                await self._act(session, frame)
            except FirstlineError as error:
                await _problem(session.socket, error, key)
            except Exception as error:
                told = explain(error)
                if not isinstance(told, ClientError):
                    raise
                log.warning("database_refused", code=told.code)
                await _problem(session.socket, told, key)

    async def _act(self, session: "_Session", frame: _Frame) -> None:
        caller, conversation = session.caller, session.conversation
        match frame.type:
            case "message":
                await session.socket.send_json(await self._message(caller, conversation, frame))
            case "typing" if not self._limits.passes_typing(caller, conversation.id, frame.active):
                pass
            case "typing" if caller.kind == "staff":
                await self._staff.typing(caller, conversation.id, frame.active)
            case "typing":
                async with self._limits.lane(caller):
                    current = await self._line.own(caller, ConversationAction.TYPE, conversation.id)
                await self._line.typing(caller, current, frame.active)
            case "token" if frame.token is not None:
                renewed = await self._authenticator.user_from_token(frame.token)
                if renewed.id != caller.id:
                    raise Conflict("The new token is another user's.", hint="Open a new connection.")
                session.caller = renewed
            case "ping":
                await session.socket.send_json({"type": "pong"})
            case _:
                raise InvalidInput("There is no frame of that type.")

    async def _message(self, caller: Caller, conversation: Conversation, frame: _Frame) -> dict[str, Any]:
        if frame.client_key is None:
            raise InvalidInput("A message needs a `client_key`.", hint="A UUID, the same when sent again.")
        if caller.kind == "staff":
            event = await self._staff.post(caller, conversation.id, frame.text, frame.client_key)
        else:
            wanted = MessageIn(text=frame.text, choice=frame.choice)
            async with self._limits.lane(caller):
                current = await self._line.own(caller, ConversationAction.POST, conversation.id)
                event = (await self._line.post(caller, current, wanted, frame.client_key)).event
        return {"type": "ack", "client_key": frame.client_key, "seq": event.seq}


def _parsed(text: str) -> Any:
    return parse_json(text.encode("utf-8", "surrogatepass"), max_values=_MAX_VALUES, max_depth=_MAX_DEPTH)


@dataclass
class _Session:
    socket: web.WebSocketResponse
    caller: Caller
    conversation: Conversation
    recheck: Callable[[], Awaitable[None]] | None = None

    async def watch_credentials(self, clock: Clock) -> None:
        """Hang up when the caller's credentials have ended: a user's token that was not renewed in time, a
        member of staff who was signed out or may no longer look."""
        try:
            if self.recheck is not None:
                await self._watch_staff(self.recheck)
            else:
                await self._watch_token(clock)
        except FirstlineError as error:
            await _problem(self.socket, error, None)
            await self.socket.close(code=4000 + error.status)

    async def _watch_staff(self, recheck: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await recheck()

    async def _watch_token(self, clock: Clock) -> None:
        warned_for: datetime | None = None
        while (expires := self.caller.expires_at) is not None:
            left = (expires - clock.now()).total_seconds()
            if left <= 0:
                raise Unauthenticated("Your token has expired.", hint="Connect again with a new one.")
            if left <= _WARNING and warned_for != expires:
                warned_for = expires
                await self.socket.send_json({"type": "token_expiring"})
            await asyncio.sleep(min(_LOOK, max(left - (0 if warned_for == expires else _WARNING), 0.2)))


async def _quietly(hang_up: HangUp) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await hang_up()


async def _problem(socket: web.WebSocketResponse, error: FirstlineError, key: str | None) -> None:
    body = {
        "type": "problem",
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "hint": error.hint,
        "client_key": key,
        "retry_after": getattr(error, "retry_after", None),
    }
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.send_str(json.dumps(body))
