"""Single services for commands that need no more: the whole of `bootstrap` takes seconds to import."""

import hashlib
from pathlib import Path

from actions.attempts.export import AttemptExport
from actions.attempts.log import AttemptLog
from actions.framework.registry import Registry
from actions.healing.control import HealingControl
from actions.healing.erasure import HealingErasure
from actions.healing.policy import HealingPolicyFile
from actions.triggers.erasure import OfferErasure
from app.adapters.user_erasure import Forgetting
from app.settings import Settings
from bot.conversation.erasure import ConversationErasure
from bot.conversation.limit_policy import LimitPolicy
from bot.conversation.turn_texts import TurnTexts
from connectors.hosts.registry import HostRegistry
from escalation.case_reader import CaseReader
from escalation.erasure import CaseErasure
from foundation.clock import Clock, SystemClock
from foundation.database import Database
from insights.outcomes import Outcomes
from kb_index.questions.erasure import QuestionErasure
from security.audit.keys import AuditKeys
from security.audit.log import AuditLog
from security.identity.directory import StaffDirectory
from security.identity.keyring import HostKeys
from security.identity.passwords import Passwords
from security.privacy.confidences import mask_confidences
from security.privacy.masking import mask_json


def host_keys(settings: Settings, hosts: HostRegistry, clock: Clock) -> HostKeys:
    """The key rings that admit users: those of the applications in hosts.yml, and no other file."""
    return HostKeys(settings.host_keys, clock, {name: one.keyring for name, one in hosts.hosts.items()})


def audit_keys(settings: Settings) -> AuditKeys:
    """The keys of the audit chain."""
    return AuditKeys(settings.audit_keys)


def checkpoint_file(settings: Settings) -> Path:
    """Where signed checkpoints are noted."""
    return settings.home / "audit" / "checkpoints.jsonl"


def attempt_export(database: Database, settings: Settings) -> AttemptExport:
    """Attempts for trainers; the names of users follow from this installation's key."""
    _, key = audit_keys(settings).signing()
    secret = hashlib.sha256(b"names in exports" + key.private_bytes_raw()).digest()

    return AttemptExport(database, mask_confidences, outcomes(database).of, secret, TurnTexts(database))


def forgetting(database: Database, settings: Settings) -> Forgetting:
    """What erases a user."""
    clock = SystemClock()
    others = (CaseErasure(), QuestionErasure(), OfferErasure(), HealingErasure())
    journal = AuditLog(audit_keys(settings), clock)
    return Forgetting(database, ConversationErasure(), others, journal, clock)


def attempt_log(database: Database) -> AttemptLog:
    """The log of attempts."""
    return AttemptLog(database, SystemClock(), mask_json)


def outcomes(database: Database) -> Outcomes:
    """What became of conversations."""
    return Outcomes(database, SystemClock())


def healing_policy(settings: Settings, registry: Registry) -> HealingPolicyFile:
    """The deployment's own policy of self-healing, in its home; while there is none, the product's."""
    shipped = settings.root / "data" / "policies" / "self_healing.yml"
    return HealingPolicyFile(shipped, registry, settings.home / "self_healing.yml")


def healing_overview(settings: Settings, database: Database) -> HealingControl:
    """What can be asked of self-healing, and its switch."""
    return HealingControl(database, SystemClock(), healing_policy(settings, Registry.load()))


def limit_policy(settings: Settings) -> LimitPolicy:
    """The deployment's own limits on users, in its home; while there are none, the product's."""
    return LimitPolicy.load(settings.home / "limits.yml", settings.root / "data" / "policies" / "limits.yml")


def staff_directory(database: Database) -> StaffDirectory:
    """The staff accounts."""
    return StaffDirectory(database, Passwords(), SystemClock())


def case_reader(database: Database) -> CaseReader:
    """What can be asked about cases."""
    return CaseReader(database)
