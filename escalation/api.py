"""HTTP API of the desk, for staff with the role agent."""

import asyncio
import json
from dataclasses import replace

import structlog
from aiohttp import web
from pydantic import BaseModel

from bot.conversation.events import MessagePayload
from bot.conversation.schemas import EventOut, event_out
from escalation.agent_access import agent_of
from escalation.desk import QUEUE_TOPIC, CaseDesk
from escalation.domain import JoinedConversation
from escalation.permissions import CaseAction
from escalation.ports import Conversations
from escalation.schemas import (
    AgentMessageIn,
    AgentTypingIn,
    CaseDetail,
    CaseListView,
    CasesQuery,
    CaseView,
    ClaimIn,
    JoinedView,
    ResolveIn,
    case_view,
    conversation_view,
)
from foundation.clock import Clock
from foundation.errors import FirstlineError, InvalidInput
from foundation.http import Authenticator, Call, Endpoint, NoBody, Reply
from foundation.http.bodies import SMALL_BODY
from foundation.http.endpoints import Handler
from foundation.http.fields import IDEMPOTENCY_KEY, HeaderField, id_field
from foundation.wakeups import Wakeups

log = structlog.get_logger(__name__)
HEARTBEAT = 15.0
"""Seconds between signs of life on the stream; at each one it is checked who listens."""
_EVENTS_SHOWN = 500
_JOINED_SHOWN, _JOINED_EVENTS, _JOINED_SAID = 10, 20, 3
_TAG = ("cases",)
_ID = {"id": id_field("cas", "the case")}
_MESSAGE = 32 * 1024
_KEY = replace(IDEMPOTENCY_KEY, required=True)


class CaseApi:
    """Endpoints of the desk."""

    def __init__(
        self,
        desk: CaseDesk,
        conversations: Conversations,
        authenticator: Authenticator,
        wakeups: Wakeups,
        clock: Clock,
        *,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self._desk = desk
        self._conversations = conversations
        self._authenticator = authenticator
        self._wakeups = wakeups
        self._clock = clock
        self._heartbeat = heartbeat

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        base, one = "/api/v1/cases", "/api/v1/cases/{id}"

        return [
            _get(base, self.list, CaseAction.LIST, "List cases", query=CasesQuery, response=CaseListView),
            _get(
                f"{base}/stream",
                self.stream,
                CaseAction.LISTEN,
                "Server-sent events: the queue has changed",
                gives=("text/event-stream",),
            ),
            _get(one, self.read, CaseAction.READ, "Read a case with its context", response=CaseDetail),
            _post(one + "/claim", self.claim, CaseAction.CLAIM, "Take a case", ClaimIn),
            _post(one + "/release", self.release, CaseAction.RELEASE, "Put a case back into the queue", None),
            _post(
                one + "/messages",
                self.send,
                CaseAction.SEND,
                "Write to the user",
                AgentMessageIn,
                EventOut,
                201,
                also=(200,),
                headers=(_KEY,),
                max_body=_MESSAGE,
            ),
            _post(
                one + "/typing", self.typing, CaseAction.TYPE, "Show that you type", AgentTypingIn, None, 204
            ),
            _post(
                one + "/resolve",
                self.resolve,
                CaseAction.RESOLVE,
                "Close a case; the bot takes over",
                ResolveIn,
            ),
        ]

    async def list(self, call: Call) -> CaseListView:
        """List cases."""
        query: CasesQuery = call.query
        mine = call.caller.id if query.mine else None
        found = await self._desk.list(query.status, mine=mine, limit=query.limit)
        now = self._clock.now()
        counts = await self._desk.counts()
        return CaseListView(cases=[case_view(case, now) for case in found], **counts)

    async def read(self, call: Call) -> CaseDetail:
        """Read a case; this marks nothing."""
        case = await self._desk.get(call.path["id"])
        conversation = await self._conversations.get(case.conversation_id)
        after = max(0, conversation.last_seq - _EVENTS_SHOWN)
        events = await self._conversations.events(conversation.id, after, _EVENTS_SHOWN)
        return CaseDetail(
            case=case_view(case, self._clock.now()),
            packet=case.packet,
            conversation=conversation_view(conversation),
            events=[event_out(event) for event in events],
            joined=[await self._joined(one) for one in await self._desk.joined(case.id, _JOINED_SHOWN)],
        )

    async def _joined(self, one: JoinedConversation) -> JoinedView:
        conversation = await self._conversations.get(one.conversation_id)
        after = max(0, conversation.last_seq - _JOINED_EVENTS)
        events = await self._conversations.events(conversation.id, after, _JOINED_EVENTS)
        said = [
            event.payload.text
            for event in events
            if isinstance(event.payload, MessagePayload) and event.author.kind == "user"
        ]
        return JoinedView(
            conversation_id=conversation.id,
            reason=one.reason,
            joined_at=one.joined_at,
            said=said[-_JOINED_SAID:],
        )

    async def claim(self, call: Call) -> CaseView:
        """Take a case."""
        wanted: ClaimIn = call.body
        case = await self._desk.claim(call.path["id"], agent_of(call.caller), take_over=wanted.take_over)
        return case_view(case, self._clock.now())

    async def release(self, call: Call) -> CaseView:
        """Put a case back."""
        return case_view(await self._desk.release(call.path["id"], agent_of(call.caller)), self._clock.now())

    async def send(self, call: Call) -> Reply:
        """Write to the user."""
        key = call.header("Idempotency-Key")
        if key is None or not 1 <= len(key) <= 128 or any(not "!" <= letter <= "~" for letter in key):
            raise InvalidInput(
                "The header Idempotency-Key must be 1 to 128 visible ASCII characters.",
                hint="A UUID is a good key; send the same one again after a lost answer.",
            )
        wanted: AgentMessageIn = call.body
        sent = await self._desk.send(call.path["id"], agent_of(call.caller), wanted.text, key)
        return Reply(event_out(sent.event), status=200 if sent.replayed else 201)

    async def typing(self, call: Call) -> NoBody:
        """Show that the agent types."""
        await self._desk.typing(call.path["id"], agent_of(call.caller), call.body.active)
        return NoBody()

    async def resolve(self, call: Call) -> CaseView:
        """Close a case."""
        wanted: ResolveIn = call.body
        case = await self._desk.resolve(
            call.path["id"],
            agent_of(call.caller),
            outcome=wanted.outcome,
            note=wanted.note.strip(),
            tell_user=wanted.tell_user,
        )
        return case_view(case, self._clock.now())

    async def stream(self, call: Call) -> web.StreamResponse:
        """Send `queue` with the counts now and at every change, until the listener may no longer listen."""
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(call.request)
        try:
            await self._send_changes(call, response)
        except (ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:
            # The headers are out, so nothing can be answered any more; the client comes back by itself.
            log.warning("case_stream_broke", reason=type(error).__name__)
        return response

    async def _send_changes(self, call: Call, response: web.StreamResponse) -> None:
        await response.write(b"retry: 1000\n\n")
        async with self._wakeups.subscribe(QUEUE_TOPIC) as subscription:
            await response.write(await self._queue_frame(None))
            while await self._may_listen(call):
                for change in _last_of_each_case(await subscription.wait(self._heartbeat)):
                    await response.write(await self._queue_frame(change))
                await response.write(b": alive\n\n")

    async def _queue_frame(self, change: dict[str, str] | None) -> bytes:
        body = {**await self._desk.counts(), "case": None, "change": None, **(change or {})}
        return f"event: queue\ndata: {json.dumps(body)}\n\n".encode()

    async def _may_listen(self, call: Call) -> bool:
        try:
            now = await self._authenticator.staff(call.request)
        except FirstlineError:
            return False
        if now is None:
            return False
        return call.admitted.authorizer.authorize(agent_of(now), CaseAction.LISTEN).allowed


def _get(
    path: str,
    handler: Handler,
    action: CaseAction,
    summary: str,
    *,
    query: type[BaseModel] | None = None,
    response: type[BaseModel] | None = None,
    gives: tuple[str, ...] = (),
) -> Endpoint:
    return Endpoint(
        "GET", path, handler, action, summary, query=query, response=response, gives=gives,
        tags=_TAG, path_fields=_ID if "{id}" in path else {},
    )  # fmt: skip


def _post(
    path: str,
    handler: Handler,
    action: CaseAction,
    summary: str,
    body: type[BaseModel] | None,
    response: type[BaseModel] | None = CaseView,
    status: int = 200,
    *,
    also: tuple[int, ...] = (),
    headers: tuple[HeaderField, ...] = (),
    max_body: int = SMALL_BODY,
) -> Endpoint:
    return Endpoint(
        "POST", path, handler, action, summary, body=body, response=response, status=status,
        also=also, headers=headers, max_body=max_body, tags=_TAG, path_fields=_ID,
    )  # fmt: skip


def _last_of_each_case(messages: "list[dict[str, str]]") -> "list[dict[str, str]]":
    latest = {message.get("case"): message for message in messages}
    return [
        {"case": message.get("case", ""), "change": message.get("change", "")} for message in latest.values()
    ]
