"""Puts self-healing together from its ports; bootstrap calls it once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from actions.attempts.log import AttemptLog
from actions.dialogue.act import Actor
from actions.framework.host_access import HostAccess
from actions.framework.registry import Registry
from actions.healing.admission import Admission
from actions.healing.api import HealingApi
from actions.healing.detector import Detector
from actions.healing.event_inbox import EventInbox
from actions.healing.policy import HealingPolicyFile
from actions.healing.ports import Cases, HostNames, Messenger, ScannableByName, Signatures
from actions.healing.run_worker import RunWorker
from actions.healing.scanner import Scanner
from actions.healing.service import Healing, Pace
from actions.healing.settlement import Settlement
from actions.healing.user_notices import UserNotices
from foundation.clock import Clock
from foundation.database import Database
from foundation.http import Endpoint
from foundation.ids import new_id

SCAN_LEASE = timedelta(minutes=5)
"""How long a scan may take for one page before another process takes it over."""


@dataclass(frozen=True)
class HealingRoom:
    """Self-healing, ready to start and to be asked."""

    service: Healing
    api: HealingApi

    def endpoints(self) -> list[Endpoint]:
        """Return its endpoints."""
        return self.api.endpoints()


def build_healing(
    *,
    database: Database,
    clock: Clock,
    mask: Callable[[Any], Any],
    policy: HealingPolicyFile,
    registry: Registry,
    attempts: AttemptLog,
    access: HostAccess,
    actor: Actor,
    hosts: ScannableByName,
    names: HostNames,
    messenger: Messenger,
    cases: Cases,
    signatures: Signatures,
    pace: Pace | None = None,
    lease: timedelta = timedelta(seconds=30),
    backoff: timedelta = timedelta(seconds=5),
) -> HealingRoom:
    """Build it. A run that a dead process held is taken up after `lease`; what the application does not
    answer is tried again after `backoff`, then twice that, and so on.
    """
    owner = new_id("wrk")
    looker = Detector(database, clock, access, registry)
    record = Settlement(database, clock, attempts, messenger, cases, looker)
    gate = Admission(database, clock, lease)
    inbox = EventInbox(database, clock, looker)
    worker = RunWorker(
        database, clock, looker, gate, actor, record, policy, mask, owner=owner, lease=lease, backoff=backoff
    )
    pace = pace or Pace()
    scanner = Scanner(database, clock, looker, hosts, names, owner=owner, lease=SCAN_LEASE, pause=pace.retry)
    service = Healing(database, clock, policy, inbox, scanner, worker, record, names, pace)
    return HealingRoom(service, HealingApi(service, UserNotices(database, clock), signatures))
