"""Single services for commands that need no more: the whole of `bootstrap` takes seconds to import."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from actions.attempts.export import AttemptExport
from actions.attempts.log import AttemptLog
from actions.framework.registry import Registry
from actions.healing.control import HealingControl
from actions.healing.policy import HealingPolicyFile
from app.adapters.user_erasure import Forgetting
from app.settings import Settings
from bot.conversation import turn_storage
from bot.conversation.limit_policy import LimitPolicy
from connectors.hosts.registry import HostRegistry
from escalation import storage as case_storage
from escalation.domain import Case
from foundation.clock import Clock, SystemClock
from foundation.database import Database
from insights.outcomes import Outcomes
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

    async def words_of(turn_ids: Sequence[str]) -> Mapping[str, str]:
        async with database.connect() as connection:
            return await turn_storage.texts_of(connection, turn_ids)

    outcomes = Outcomes(database, SystemClock())
    return AttemptExport(database, mask_confidences, outcomes.of, secret, words_of)


def forgetting(database: Database, settings: Settings) -> Forgetting:
    """What erases a user."""
    clock = SystemClock()
    return Forgetting(database, AuditLog(audit_keys(settings), clock), clock)


def attempt_log(database: Database) -> AttemptLog:
    """The log of attempts."""
    return AttemptLog(database, SystemClock(), mask_json)


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


def case_list(database: Database) -> Callable[[str, int], Awaitable[list[Case]]]:
    """A function that lists cases of a status, without their packets."""

    async def listed(status: str, limit: int) -> list[Case]:
        statuses = ("queued", "assigned") if status == "open" else (status,)
        async with database.connect() as connection:
            return await case_storage.list_cases(connection, statuses, assignee_id=None, limit=limit)

    return listed
