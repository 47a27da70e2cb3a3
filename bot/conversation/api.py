"""The user's HTTP API: conversations, messages, events (JSON and SSE)."""

import asyncio
import contextlib
import json

import structlog
from aiohttp import web

from bot.conversation.domain import Conversation
from bot.conversation.event_stream import EventStream, reached
from bot.conversation.permissions import ConversationAction
from bot.conversation.schemas import (
    ConversationOut,
    ConversationsOut,
    EventOut,
    EventsOut,
    EventsQuery,
    FeedbackIn,
    HandoffIn,
    HandoffOut,
    MessageIn,
    StartIn,
    TypingIn,
    conversation_out,
    event_out,
)
from bot.conversation.service import Conversations
from bot.conversation.user_access import UserAccess
from bot.conversation.websocket import LiveSocket
from foundation.clock import Clock
from foundation.errors import InvalidInput
from foundation.http import Call, Caller, Endpoint, NoBody, Reply
from foundation.http.fields import IDEMPOTENCY_KEY, INT32, HeaderField, id_field
from foundation.ids import ConversationId

_TAG = ("conversations",)
_ID = {"id": id_field("cnv", "your conversation")}
_MESSAGE = 32 * 1024
_KEY = (IDEMPOTENCY_KEY,)
_RESUME = HeaderField(
    "Last-Event-ID",
    "Where an event stream goes on",
    pattern="[0-9]{1,10}",
)
_SHORTEST_STREAM = 1.0
"""Seconds that a stream lasts whose token was good a moment ago."""
log = structlog.get_logger(__name__)


class ConversationApi:
    """Endpoints for users of host applications."""

    def __init__(
        self,
        line: UserAccess,
        conversations: Conversations,
        follower: EventStream,
        live: LiveSocket,
        clock: Clock,
    ) -> None:
        self._line = line
        self._conversations = conversations
        self._follower = follower
        self._live = live
        self._clock = clock
        self._limits = line.limits

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        base, one, may = "/api/v1/conversations", "/api/v1/conversations/{id}", ConversationAction
        return [
            Endpoint(
                "POST",
                base,
                self.start,
                may.START,
                "Begin a conversation",
                body=StartIn,
                response=ConversationOut,
                status=201,
                tags=_TAG,
                max_body=_MESSAGE,
            ),
            Endpoint(
                "GET",
                base,
                self.mine,
                may.LIST,
                "List your conversations",
                response=ConversationsOut,
                tags=_TAG,
            ),
            Endpoint(
                "GET",
                one,
                self.read,
                may.READ,
                "Read one of your conversations",
                response=ConversationOut,
                tags=_TAG,
                path_fields=_ID,
            ),
            Endpoint(
                "POST",
                one + "/messages",
                self.post,
                may.POST,
                "Send a message; repeated with the same Idempotency-Key it is stored once",
                body=MessageIn,
                response=EventOut,
                status=201,
                also=(200,),
                tags=_TAG,
                path_fields=_ID,
                headers=_KEY,
                max_body=_MESSAGE,
            ),
            Endpoint(
                "GET",
                one + "/events",
                self.events,
                may.FOLLOW,
                "Read events after a cursor; as server-sent events when asked for text/event-stream",
                query=EventsQuery,
                response=EventsOut,
                gives=("text/event-stream",),
                tags=_TAG,
                path_fields=_ID,
                headers=(_RESUME,),
            ),
            Endpoint(
                "POST",
                one + "/typing",
                self.typing,
                may.TYPE,
                "Show that you type",
                body=TypingIn,
                status=204,
                tags=_TAG,
                path_fields=_ID,
                max_body=1024,
            ),
            Endpoint(
                "POST",
                one + "/feedback",
                self.feedback,
                may.RATE,
                "Say whether an answer helped",
                body=FeedbackIn,
                response=EventOut,
                status=201,
                tags=_TAG,
                path_fields=_ID,
                headers=_KEY,
                max_body=_MESSAGE,
            ),
            Endpoint(
                "POST",
                one + "/handoff",
                self.handoff,
                may.ASK_FOR_PERSON,
                "Ask for a person",
                body=HandoffIn,
                response=HandoffOut,
                status=201,
                tags=_TAG,
                path_fields=_ID,
                headers=_KEY,
                max_body=_MESSAGE,
            ),
            Endpoint(
                "GET",
                "/api/v1/ws",
                self._live.handle,
                may.CONNECT,
                "WebSocket; the first frame says who calls",
                tags=_TAG,
                raw=True,
                status=101,
            ),
        ]

    async def start(self, call: Call) -> ConversationOut:
        """Begin a conversation."""
        return conversation_out(await self._line.start(call.caller, call.body))

    async def mine(self, call: Call) -> ConversationsOut:
        """List the caller's conversations."""
        async with self._limits.lane(call.caller):
            found = await self._conversations.of_contact(call.caller.host or "", call.caller.ref or "")
            return ConversationsOut(
                conversations=[conversation_out(item, await self._follower.case(item.id)) for item in found]
            )

    async def read(self, call: Call) -> ConversationOut:
        """Read one conversation."""
        async with self._limits.lane(call.caller):
            conversation = await self._line.own(call.caller, ConversationAction.READ, call.path["id"])
            return conversation_out(conversation, await self._follower.case(conversation.id))

    async def post(self, call: Call) -> Reply:
        """Send a message."""
        key = call.header("Idempotency-Key")
        async with self._limits.lane(call.caller):
            conversation = await self._line.own(call.caller, ConversationAction.POST, call.path["id"])
            posted = await self._line.post(call.caller, conversation, call.body, key)
        return Reply(event_out(posted.event), status=200 if posted.replayed else 201)

    async def events(self, call: Call) -> EventsOut | web.StreamResponse:
        """Read events."""
        async with self._limits.lane(call.caller):
            conversation = await self._line.own(call.caller, ConversationAction.FOLLOW, call.path["id"])
        query: EventsQuery = call.query
        if "text/event-stream" in (call.header("Accept") or ""):
            with self._limits.socket(call.caller):
                return await self._stream(call, conversation, query.after)
        after = reached(conversation, query.after)
        waiting = self._limits.poll(call.caller) if query.wait else contextlib.nullcontext()
        with waiting:
            events = await self._follower.wait_for_events(conversation.id, after, query.limit, query.wait)
        last = events[-1].seq if events else conversation.last_seq
        return EventsOut(events=[event_out(event) for event in events], last_seq=last)

    async def _stream(self, call: Call, conversation: Conversation, after: int) -> web.StreamResponse:
        resume = call.header("Last-Event-ID")
        if resume is not None:
            if int(resume) > INT32:
                raise InvalidInput("Last-Event-ID must be the number of an event.")
            after = int(resume)
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(call.request)
        try:
            async with asyncio.timeout(self._seconds_left(call.caller)):
                await self._send_frames(response, conversation.id, reached(conversation, after))
        except TimeoutError:
            log.debug("stream_ended_with_its_token")
        except asyncio.CancelledError:
            pass
        except Exception as error:
            # The headers are out, so nothing can be answered any more; the client resumes from its cursor.
            log.warning("stream_broke", reason=type(error).__name__)
        return response

    def _seconds_left(self, caller: Caller) -> float | None:
        if caller.expires_at is None:
            return None
        return max((caller.expires_at - self._clock.now()).total_seconds(), _SHORTEST_STREAM)

    async def _send_frames(
        self, response: web.StreamResponse, conversation_id: ConversationId, after: int
    ) -> None:
        await response.write(b"retry: 1000\n\n")
        async for frame in self._follower.frames(conversation_id, after):
            if frame["type"] == "event":
                body = json.dumps(frame["event"])
                await response.write(f"id: {frame['event']['seq']}\ndata: {body}\n\n".encode())
            elif frame["type"] == "idle":
                await response.write(b": idle\n\n")
            else:
                await response.write(f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n".encode())

    async def typing(self, call: Call) -> NoBody:
        """Show that the user types."""
        if self._limits.passes_typing(call.caller, call.path["id"], call.body.active):
            async with self._limits.lane(call.caller):
                conversation = await self._line.own(call.caller, ConversationAction.TYPE, call.path["id"])
            await self._line.typing(call.caller, conversation, call.body.active)
        return NoBody()

    async def feedback(self, call: Call) -> EventOut:
        """Note feedback."""
        key = call.header("Idempotency-Key")
        async with self._limits.lane(call.caller):
            conversation = await self._line.own(call.caller, ConversationAction.RATE, call.path["id"])
            return event_out(await self._line.feedback(call.caller, conversation, call.body, key))

    async def handoff(self, call: Call) -> HandoffOut:
        """Open a case."""
        key = call.header("Idempotency-Key")
        return await self._line.ask_for_person(call.caller, call.path["id"], call.body.text, key)
