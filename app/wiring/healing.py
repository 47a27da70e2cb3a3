"""What self-healing needs of the other rooms: conversations for notices, the desk, the applications' keys."""

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from actions.assembly import ActionsRoom
from actions.healing.assembly import HealingRoom, build_healing
from actions.healing.domain import Breaker
from actions.healing.ports import SignedRequest
from app.settings import Settings
from app.wiring.single_services import healing_policy
from bot.conversation.domain import SYSTEM, Conversation, NewEvent, message
from bot.conversation.service import Conversations
from connectors.hosts.registry import HostRegistry
from connectors.hosts.signing import signature
from escalation.desk import CaseDesk
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import NotFound, Unauthenticated
from security.identity.keyring import KeyRing
from security.privacy.masking import mask_json

CHANNEL = "system"
CASE_REASON = "self_healing_stopped"
TOLERANCE = 300
"""Seconds that the clocks of the application and of Firstline may differ."""


class ConversationMessenger:
    """Puts notices into the user's latest conversation, when the assistant has it."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def post(self, host: str, user_ref: str, key: str, payload: Mapping[str, Any]) -> str | None:
        """Append the notice, once; None when there is no conversation that it could interrupt."""
        found = await self._conversations.of_contact(host, user_ref, limit=1)
        if not found or found[0].owner.kind != "bot" or found[0].channel == CHANNEL:
            return None
        event = NewEvent("notice", SYSTEM, dict(payload), client_key=f"notice:{key}")
        await self._conversations.append(found[0].id, event)
        return found[0].id


class DeskCases:
    """Opens the case about a fix that stopped itself, in a conversation of its own, once."""

    def __init__(self, desk: CaseDesk, conversations: Conversations) -> None:
        self._desk = desk
        self._conversations = conversations

    async def open(self, breaker: Breaker, title: str) -> str:
        """Return the id of the open case about this fix; the caller sees to it that nobody else is at it."""
        conversation = await self._conversation(breaker, title)
        summary = (
            f'The automatic fix "{title}" failed too often and has stopped itself '
            f"(last reason: {breaker.reason or 'not known'}). It is tried again from time to time; "
            "docs/self-healing.md says what to do."
        )
        if (existing := await self._desk.open_case(conversation.id)) is not None:
            return str(existing.id)
        told = NewEvent("message", SYSTEM, message(summary), client_key=f"breaker:{breaker.opened}")
        await self._conversations.append(conversation.id, told)
        prepared = await self._desk.prepare(
            conversation.id, reason=CASE_REASON, priority="high", summary=summary
        )
        async with self._conversations.transaction() as tx:
            case = await self._desk.open(prepared, tx)
        await self._desk.after_open(case)
        return str(case.id)

    async def _conversation(self, breaker: Breaker, title: str) -> Conversation:
        ref = f"self-healing:{breaker.workflow}"
        found = await self._conversations.of_contact(breaker.host, ref, limit=1)
        if found:
            return found[0]
        return await self._conversations.start(
            host=breaker.host,
            ref=ref,
            name=f"Self-healing: {title}",
            email=None,
            channel=CHANNEL,
            page={},
            client={},
        )


class KeyRingSignatures:
    """Checks signatures with the key ring that is shared with each application."""

    def __init__(self, ring: Callable[[str], KeyRing | None], clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def expect(self, host: str, headers: Mapping[str, str]) -> None:
        """Return when a known application's valid key is named, less than five minutes ago."""
        self._key(host, headers)

    def check(self, host: str, request: SignedRequest) -> None:
        """Return when the application signed the request, less than five minutes ago."""
        headers = request.headers
        secret = self._key(host, headers)
        try:
            expected = signature(
                secret,
                timestamp=int(headers["Firstline-Timestamp"]),
                method=request.method,
                path=request.path,
                body=request.body,
                idempotency_key=headers.get("Idempotency-Key", ""),
            )
            given = headers.get("Firstline-Signature", "").encode("ascii")
        except UnicodeEncodeError:
            raise _unsigned("The signature does not fit.") from None
        if not hmac.compare_digest(expected.encode(), given):
            raise _unsigned("The signature does not fit.")

    def _key(self, host: str, headers: Mapping[str, str]) -> bytes:
        ring = self._ring(host)
        if ring is None:
            raise NotFound("No such application is connected.", hint="Its name is the one in hosts.yml.")
        now = self._clock.now()
        moment = headers.get("Firstline-Timestamp", "")
        if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
            raise _unsigned("The request is not signed.")
        if abs(now.timestamp() - int(moment)) > TOLERANCE:
            raise _unsigned("The signature is too old, or the clocks differ.")
        kid = headers.get("Firstline-Key-Id", "")
        key = next((key for key in ring.keys if key.kid == kid and key.valid_at(now)), None)
        if key is None or key.secret is None:
            raise _unsigned("The key is not known.")
        return key.secret


def _unsigned(sentence: str) -> Unauthenticated:
    return Unauthenticated(
        sentence, hint="Sign it as Firstline signs what it asks you; docs/connect-your-app.md shows how."
    )


def wire_healing(
    settings: Settings,
    database: Database,
    clock: Clock,
    actions: ActionsRoom,
    hosts: HostRegistry,
    conversations: Conversations,
    desk: CaseDesk,
) -> HealingRoom:
    """Build self-healing on the services that there are."""
    known = set(hosts)
    rings: dict[str, KeyRing] = {}

    def ring(name: str) -> KeyRing | None:
        if name not in known:
            return None
        if name not in rings:
            rings[name] = KeyRing.load(Path(hosts.hosts[name].keyring), clock)
        return rings[name]

    return build_healing(
        database=database,
        clock=clock,
        mask=mask_json,
        policy=healing_policy(settings, actions.registry),
        registry=actions.registry,
        attempts=actions.log,
        access=actions.access,
        actor=actions.actor,
        hosts=lambda name: hosts.get(name) if name in known else None,
        names=lambda: known,
        messenger=ConversationMessenger(conversations),
        cases=DeskCases(desk, conversations),
        signatures=KeyRingSignatures(ring, clock),
    )
