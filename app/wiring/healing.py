"""Self-healing, on conversations for its notices, the desk, and the applications' keys."""

from pathlib import Path

from actions.assembly import ActionsRoom
from actions.healing.assembly import HealingRoom, build_healing
from app.adapters.healing_desk import ConversationMessenger, DeskCases
from app.settings import Settings
from app.wiring.single_services import healing_policy
from bot.conversation.service import Conversations
from connectors.hosts.inbound_signatures import KeyRingSignatures
from connectors.hosts.registry import HostRegistry
from escalation.desk import CaseDesk
from foundation.clock import Clock
from foundation.database import Database
from security.identity.keyring import KeyRing
from security.privacy.masking import mask_json


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
