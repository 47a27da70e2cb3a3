"""The actions room on a real PostgreSQL, called as Rasa does, and an application that can misbehave."""

import asyncio
import copy
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actions.assembly import ActionsRoom, build_actions
from actions.attempts.model import Attempt
from actions.framework.intents import IntentCatalogue
from actions.host import HostUnavailable, Operation, OperationResult, UserState
from actions.policy import AssistantPolicy
from actions.ports import Hit, TurnContext
from app.permissions import house_rules
from foundation.callers import SERVICE
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.errors import FirstlineError
from foundation.http import Caller
from foundation.http.server import build_http
from foundation.ids import new_id
from security.privacy.masking import mask_json

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUICK = AssistantPolicy(state_timeout=0.2, operation_timeout=0.2, settle_pause=0.01, search_timeout=0.2)


def healthy() -> dict[str, Any]:
    """The state of a user without any trouble."""
    return {
        "account": {
            "email": "ada@kettle.example",
            "name": "Ada",
            "status": "active",
            "email_verified": True,
            "locked": False,
            "lock_reason": None,
            "failed_sign_ins": 0,
            "password_expired": False,
            "password_reset_sent_at": None,
            "verification_sent_at": "2026-02-27T09:00:00+00:00",
            "second_factor": {"enabled": False, "method": None, "lost_device": False},
        },
        "billing": {
            "plan": "Morning Coffee",
            "status": "active",
            "currency": "EUR",
            "amount_due_cents": 0,
            "last_payment": {"id": "pay_1", "status": "paid", "failure_code": None},
            "payment_method": {"kind": "Visa", "last4": "4242", "expires": "2028-01"},
            "invoices": [],
            "payments": [],
            "invoice_sent": {},
        },
        "orders": [],
        "preferences": {
            "saved": {"grind": "filter", "delivery_day": "saturday"},
            "applied": {"grind": "filter", "delivery_day": "saturday"},
            "sync": {"state": "in_sync", "error": None},
        },
        "exports": [],
        "features": {"brew_guides": True, "gift_boxes": True, "roast_radar": False},
        "entitlements": {"brew_guides": True, "gift_boxes": True, "roast_radar": False},
        "notifications": {
            "email": {"enabled": True, "state": "ok", "reason": None},
            "sms": {"enabled": False, "number": None, "state": "ok"},
            "last_sent_at": "2026-02-28T09:00:00+00:00",
        },
        "sessions": [
            {"id": "ses_1", "device": "Firefox on Linux", "last_seen": "2026-03-02", "current": True}
        ],
        "subscription": {
            "plan": "Morning Coffee",
            "shown_plan": "Morning Coffee",
            "state": "active",
            "paused_until": None,
            "next_delivery": {"number": "BOX-7", "date": "2026-03-09", "skipped": False},
            "migration": {"state": "done", "steps_done": 4, "steps": 4},
        },
    }


class FakeHost:
    """An application that really changes its state; `fault` makes it misbehave.

    lie: says done, does nothing. hang: never answers an operation. hang_after: acts, then never answers.
    refuse / fail: answers so, does nothing. no_state: cannot be read. no_second_look: not after an act.
    no_operations: does not tell what it would do. slow: shows the effect at the second reading only.
    """

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts
        self.fault: str | None = None
        self.refusal = ("not_permitted", "This is not allowed for the account.")
        self.forbidden: dict[str, str] = {}
        self.confirm_at: str | None = None
        self.more: dict[str, Callable[[Mapping[str, Any]], None]] = {}
        """Operations that a test adds: what each does with its parameters."""
        self.calls: list[tuple[str, dict[str, Any], str]] = []
        self.reads: list[tuple[str, ...]] = []
        self.acts = 0
        self._answers: dict[str, OperationResult] = {}
        self._stale: list[dict[str, Any]] = []
        self._now = START

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> UserState:
        self.reads.append(tuple(parts or ()))
        if self.fault == "no_state" or (self.fault == "no_second_look" and self.acts):
            raise HostUnavailable
        if self.fault == "state_hangs":
            await asyncio.sleep(60)
        source = self._stale.pop() if self._stale else self.parts
        self._now += timedelta(seconds=1)
        return UserState(ref, self._now, copy.deepcopy({name: source[name] for name in parts or source}))

    async def operations(self, ref: str) -> list[Operation]:
        names = [
            "unlock_account", "send_password_reset", "resend_verification", "resync_preferences",
            "retry_payment", "restart_export",
        ]  # fmt: skip
        if self.fault == "no_operations":
            raise HostUnavailable
        return [
            Operation(
                name, name, name not in self.forbidden, self.forbidden.get(name), confirm_at=self.confirm_at
            )
            for name in (*names, *self.more)
        ]

    async def run(
        self, ref: str, operation: str, parameters: Mapping[str, Any], *, idempotency_key: str
    ) -> OperationResult:
        self.calls.append((operation, dict(parameters), idempotency_key))
        if self.fault == "hang":
            await asyncio.sleep(60)
        if idempotency_key not in self._answers:
            self._answers[idempotency_key] = self._act(operation, parameters)
        if self.fault == "hang_after":
            await asyncio.sleep(60)
        return self._answers[idempotency_key]

    def _act(self, operation: str, parameters: Mapping[str, Any]) -> OperationResult:
        code, message = self.refusal
        if self.fault == "refuse":
            return OperationResult("refused", code, message)
        if self.fault == "fail":
            return OperationResult("failed", code, message)
        if self.fault == "lie":
            return OperationResult("done")
        self.acts += 1
        if self.fault == "slow":
            self._stale.append(copy.deepcopy(self.parts))
        if operation in self.more:
            self.more[operation](parameters)
        else:
            getattr(self, f"_{operation}")()
        return OperationResult("accepted" if operation == "restart_export" else "done")

    def _unlock_account(self) -> None:
        self.parts["account"].update(locked=False, lock_reason=None, failed_sign_ins=0, status="active")

    def _send_password_reset(self) -> None:
        self.parts["account"]["password_reset_sent_at"] = self._now.isoformat()

    def _resend_verification(self) -> None:
        self.parts["account"]["verification_sent_at"] = self._now.isoformat()

    def _resync_preferences(self) -> None:
        self.parts["preferences"]["applied"] = dict(self.parts["preferences"]["saved"])
        self.parts["preferences"]["sync"] = {"state": "in_sync", "error": None}

    def _retry_payment(self) -> None:
        self.parts["billing"].update(status="active", amount_due_cents=0)
        self.parts["billing"]["last_payment"] = {"id": "pay_2", "status": "paid", "failure_code": None}

    def _restart_export(self) -> None:
        for export in self.parts["exports"]:
            export["state"] = "running"

    async def lookup(self, email: str) -> str | None:
        return None


@dataclass
class FakeKnowledge:
    """Gives the hits that were laid out for words of the question."""

    by_word: dict[str, list[Hit]] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def lay_out(self, word: str, *hits: tuple[str, float]) -> None:
        self.by_word[word] = [article(name, score) for name, score in hits]

    async def search(self, question: str, *, limit: int = 3) -> Sequence[Hit]:
        self.asked.append(question)
        if self.down:
            raise FirstlineError("index not loaded")
        return next((hits for word, hits in self.by_word.items() if word in question.lower()), [])[:limit]


def article(name: str, score: float) -> Hit:
    """As the search gives it, with the curve that it comes with."""
    url, title = f"/help/{name}", name.replace("-", " ").title()
    probability = 1 / (1 + math.exp(4.58 - 7.15 * score))
    return Hit(name, 3, title, "billing", f"Quote of {name}.", url, score, "p1", probability)


SAID: dict[str, str] = {}
"""What was said in which turn, as the transcript would have it."""


class FakeContext:
    """Knows one user for every conversation, except those named `nobody...`."""

    def __init__(self) -> None:
        self.last_offered: frozenset[str] = frozenset()

    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        if conversation_id.startswith("nobody"):
            return None
        return TurnContext(conversation_id, turn_id, "usr_ada", "kettle", "Ada", SAID.get(turn_id or "", ""))

    async def offered(self, conversation_id: str, turn_id: str | None) -> frozenset[str]:
        return self.last_offered


class ServiceOnly:
    """Everybody who sends the token is our own process; staff come by a header that says their role."""

    async def service(self, request: web.Request) -> Caller | None:
        return SERVICE if request.headers.get("Authorization") == "Bearer inner" else None

    async def user(self, request: web.Request) -> Caller | None:
        return None

    async def staff(self, request: web.Request) -> Caller | None:
        role = request.headers.get("X-Role")
        return Caller("staff", "stf_1", "Sam", roles=frozenset({role})) if role else None

    async def user_from_token(self, token: str) -> Caller:
        raise NotImplementedError

    async def check_origin(self, request: web.Request) -> None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        return None


@dataclass
class Reply:
    """What one action said."""

    messages: list[dict[str, Any]]
    slots: dict[str, Any]

    @property
    def text(self) -> str:
        parts = [m.get("text") or m.get("custom", {}).get("text", "") for m in self.messages]
        return " ".join(part for part in parts if part)

    @property
    def payloads(self) -> list[str]:
        return [b["payload"] for m in self.messages for b in m["buttons"] or m["custom"].get("buttons", [])]

    def card(self, kind: str) -> dict[str, Any]:
        return next(m["custom"] for m in self.messages if m["custom"].get("type") == kind)

    def has(self, kind: str) -> bool:
        return any(m["custom"].get("type") == kind for m in self.messages)


class Chat:
    """Plays Rasa: keeps a tracker, calls actions over HTTP, applies the slots that come back."""

    def __init__(self, client: TestClient[Any, Any], conversation: str) -> None:
        self.client = client
        self.conversation = conversation
        self.slots: dict[str, Any] = {
            "pending_workflow": None, "offered_person": None, "failed_attempts": None, "last_attempt": None,
            "workflow_answer": None, "workflow_answers": None, "requested_slot": None,
        }  # fmt: skip
        self.loop: str | None = None
        self.events: list[dict[str, Any]] = []
        self.turn = ""

    def lose(self) -> None:
        """What a cache that died or forgot leaves: a dialogue that has not begun."""
        self.__init__(self.client, self.conversation)  # type: ignore[misc]

    def hear(
        self, intent: str, text: str | None = None, confidence: float = 0.93,
        ranking: Sequence[tuple[str, float]] = (), turn: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        self.turn = turn or new_id("trn")
        SAID[self.turn] = text or ""
        listed = [{"name": intent, "confidence": confidence}] + [
            {"name": name, "confidence": value} for name, value in ranking
        ]
        latest = {
            "intent": listed[0], "entities": [], "text": f"/{intent}" if text is None else text,
            "message_id": new_id("mid"), "metadata": {"turn": self.turn}, "intent_ranking": listed,
        }  # fmt: skip
        self.events.append({"event": "user", "text": latest["text"], "metadata": {"model_id": "model-7"}})
        return latest

    async def act(self, action: str, latest: dict[str, Any]) -> Reply:
        """Call an action; when it opens the form, let the form ask, as Rasa does."""
        said = await self._call(action, latest)
        if self.loop is not None and action not in ("action_ask_workflow_answer", "validate_workflow_form"):
            self.slots["requested_slot"] = "workflow_answer"
            said += await self._call("action_ask_workflow_answer", latest)
        return Reply(said, dict(self.slots))

    async def _call(self, action: str, latest: dict[str, Any]) -> list[dict[str, Any]]:
        status, body = await self.post(action, latest)
        assert status == 200, body
        self.events.append({"event": "action", "name": action})
        for event in body["events"]:
            self.events.append(event)
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
            elif event["event"] == "active_loop":
                self.loop = event["name"]
        said: list[dict[str, Any]] = body["responses"]
        return said

    async def answer(self, text: str, *, intent: str = "nlu_fallback", pressed: str | None = None) -> Reply:
        """Speak inside the form. A message that it does not take is a question, and asked again after."""
        latest = self.hear(intent, text)
        if pressed is not None:
            latest["entities"] = [{"entity": "workflow_answer", "value": pressed}]
        before = len(self.events)
        said = await self._call("validate_workflow_form", latest)
        taken = any(e["event"] == "slot" for e in self.events[before:] if e.get("name") == "workflow_answer")
        if not taken:
            return await self.act("action_answer_question", latest)
        if self.slots["workflow_answer"] is None:
            said += await self._call("action_ask_workflow_answer", latest)
            return Reply(said, dict(self.slots))
        self.loop, self.slots["requested_slot"] = None, None
        self.events.append({"event": "active_loop", "name": None})
        more = await self.act("action_continue_workflow", latest)
        return Reply(said + more.messages, more.slots)

    async def post(self, action: str, latest: dict[str, Any]) -> tuple[int, Any]:
        tracker = {
            "sender_id": f"{self.conversation}:0", "slots": self.slots, "latest_message": latest,
            "latest_event_time": 1.0, "followup_action": None, "paused": False, "events": self.events,
            "latest_input_channel": "firstline", "active_loop": {"name": self.loop} if self.loop else {},
            "latest_action_name": "action_listen",
            "latest_action": {"action_name": "action_listen"},
        }  # fmt: skip
        call = {
            "next_action": action,
            "sender_id": tracker["sender_id"],
            "tracker": tracker,
            "version": "3.6.21",
        }
        async with self.client.post(
            "/internal/rasa/actions", data=json.dumps(call), headers={
                "Authorization": "Bearer inner", "Content-Type": "application/json"}
        ) as response:  # fmt: skip
            return response.status, await response.json()

    async def start(self, intent: str, text: str = "please help me with it") -> Reply:
        return await self.act("action_start_workflow", self.hear(intent, text))

    async def yes(self) -> Reply:
        return await self.act("action_confirm_workflow", self.hear("affirm"))

    async def no(self) -> Reply:
        return await self.act("action_decline_workflow", self.hear("deny"))

    async def misunderstood(self, text: str = "blorp", ranking: Sequence[tuple[str, float]] = ()) -> Reply:
        return await self.act("action_clarify", self.hear("nlu_fallback", text, 0.3, ranking))

    async def ask(self, intent: str, text: str | None) -> Reply:
        return await self.act("action_answer_question", self.hear(intent, text))


@dataclass
class Bench:
    """Everything a test needs."""

    host: FakeHost
    knowledge: FakeKnowledge
    room: ActionsRoom
    client: TestClient[Any, Any]
    clock: FixedClock
    chat: Chat
    context: FakeContext = field(default_factory=FakeContext)

    async def attempts(self) -> list[Attempt]:
        return await self.room.log.for_conversation(self.chat.conversation)

    def another_chat(self, conversation: str | None = None) -> Chat:
        return Chat(self.client, conversation or new_id("cnv"))


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    host, knowledge, clock = FakeHost(healthy()), FakeKnowledge(), FixedClock(START)
    context = FakeContext()
    room = build_actions(
        database=database,
        clock=clock,
        mask=mask_json,
        hosts=lambda name: host if name == "kettle" else None,
        knowledge=knowledge,
        context=context,
        intents=IntentCatalogue.load(ROOT / "data/policies/intents.yml"),
        policy=QUICK,
    )
    app = build_http(room.endpoints(), ServiceOnly(), house_rules(), allowed_origins=frozenset)
    async with TestClient(TestServer(app)) as client:
        yield Bench(host, knowledge, room, client, clock, Chat(client, new_id("cnv")), context)
