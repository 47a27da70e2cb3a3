"""Self-healing over HTTP: events from applications, the view for staff, and the users' notices."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from actions.healing.domain import Breaker, BreakerState, Run
from actions.healing.event_inbox import HostEvent
from actions.healing.ports import Signatures, SignedRequest
from actions.healing.service import Healing
from actions.healing.user_notices import UserNotices
from actions.permissions import AutomationAction, users_own
from foundation.errors import UnsupportedMedia
from foundation.http import Call, Endpoint, NoBody
from foundation.http.bodies import parse_body, read_limited
from foundation.http.fields import HeaderField, PathField, id_field

_TAG = ("self-healing",)
MAX_EVENTS = 200
MAX_BODY = 256 * 1024
_MAX_VALUES = 20_000
_HOST = PathField("[a-z0-9][a-z0-9-]{0,62}", "The application's name in hosts.yml")
_SIGNED = (
    HeaderField("Firstline-Key-Id", "The key that it is signed with", required=True),
    HeaderField("Firstline-Timestamp", "Whole seconds since 1970", required=True),
    HeaderField("Firstline-Signature", "See docs/host-api.openapi.yml", required=True),
)
Reference = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]


class EventIn(BaseModel):
    """Something that happened to a user; further fields are left alone."""

    model_config = ConfigDict(extra="ignore")
    id: Reference
    type: Word
    ref: Reference
    parts: tuple[Word, ...] = Field(default=(), max_length=50)
    at: AwareDatetime | None = None


class EventsIn(BaseModel):
    """A batch of events."""

    model_config = ConfigDict(extra="ignore")
    events: list[EventIn] = Field(min_length=1, max_length=MAX_EVENTS)


class ReceivedOut(BaseModel):
    """What became of a batch: new events, events that had come before, and events of unknown types."""

    accepted: int
    repeated: int
    unknown: int


class HealingQuery(BaseModel):
    """Which runs to list; `open` stands for those that have not ended."""

    model_config = ConfigDict(extra="forbid")
    status: Literal["open", "dry_run", "verified", "rolled_back", "failed", "refused", "skipped"] | None = (
        None
    )
    limit: int = Field(100, ge=1, le=1000)


class SwitchOut(BaseModel):
    """The kill switch."""

    model_config = ConfigDict(from_attributes=True)
    stopped: bool
    by: str
    reason: str | None
    at: datetime | None


class SwitchIn(BaseModel):
    """What the kill switch is to be."""

    model_config = ConfigDict(extra="forbid")
    stopped: bool
    reason: str | None = Field(default=None, max_length=500)


class RunOut(BaseModel):
    """One drift and what became of it."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    host: str
    user_ref: str
    workflow: str
    source: str
    mode: str
    status: str
    reason: str | None
    sightings: int
    tries: int
    found_at: datetime
    due_at: datetime
    applied_at: datetime | None
    closed_at: datetime | None


class BreakerOut(BaseModel):
    """The circuit breaker of one fix."""

    model_config = ConfigDict(from_attributes=True)
    host: str
    workflow: str
    state: BreakerState
    opened: int
    opened_at: datetime | None
    retry_at: datetime | None
    case_id: str | None
    reason: str | None
    recent: list[bool]


class ScanOut(BaseModel):
    """The latest look at all users of an application; `unreadable` and `drifts` are counts of users."""

    host: str
    started_at: datetime | None
    finished_at: datetime | None
    next_at: datetime
    users: int
    unreadable: int
    drifts: int
    problem: str | None


class HealingOut(BaseModel):
    """How self-healing stands: `counts.found` is the sum of the other counts."""

    active: bool
    enabled: bool
    problem: str | None
    workflows: dict[str, str]
    switch: SwitchOut
    counts: dict[str, int]
    breakers: list[BreakerOut]
    scans: list[ScanOut]
    events_waiting: int
    runs: list[RunOut]


class NoticeOut(BaseModel):
    """Something that was put right for the user; `card` is the proof."""

    id: str
    text: str
    card: dict[str, Any] | None
    at: datetime


class NoticesOut(BaseModel):
    """What the user has not been told yet, oldest first."""

    notices: list[NoticeOut]


class HealingApi:
    """The endpoints."""

    def __init__(self, healing: Healing, notices: UserNotices, signatures: Signatures) -> None:
        self._healing = healing
        self._notices = notices
        self._signatures = signatures

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of self-healing."""
        base, notices, seen = "/api/v1/healing", "/api/v1/notices", "/api/v1/notices/{id}/seen"
        return [
            Endpoint("POST", "/api/v1/hosts/{host}/events", self.events, AutomationAction.TELL_EVENTS,
                     "Tell what happened to users; signed by the application as it is asked itself",
                     response=ReceivedOut, status=202, tags=_TAG, raw=True, max_body=MAX_BODY,
                     takes=("application/json",), path_fields={"host": _HOST}, headers=_SIGNED),
            Endpoint("GET", base, self.show, AutomationAction.READ_HEALING, "See drifts, runs and breakers",
                     query=HealingQuery, response=HealingOut, tags=_TAG),
            Endpoint("POST", f"{base}/switch", self.switch, AutomationAction.SWITCH_HEALING,
                     "Stop or start self-healing", body=SwitchIn, response=SwitchOut, tags=_TAG),
            Endpoint("GET", notices, self.mine, AutomationAction.LIST_NOTICES,
                     "See what was put right for you",
                     response=NoticesOut, tags=_TAG),
            Endpoint("POST", seen, self.seen, AutomationAction.MARK_NOTICE_SEEN,
                     "Say that you have seen a notice",
                     status=204, tags=_TAG, path_fields={"id": id_field("ntc", "the notice")}),
        ]  # fmt: skip

    async def events(self, call: Call) -> ReceivedOut:
        """Check the signature, then the form, then store: an answer of 202 means that nothing gets lost."""
        host = call.path["host"]
        self._signatures.expect(host, call.request.headers)
        raw = await read_limited(call.request, MAX_BODY)
        request = SignedRequest(call.request.method, call.request.path_qs, call.request.headers, raw)
        self._signatures.check(host, request)
        if call.request.content_type != "application/json":
            raise UnsupportedMedia("The body must be JSON.", hint="Send Content-Type: application/json.")
        batch = await parse_body(raw, EventsIn, _MAX_VALUES)
        assert isinstance(batch, EventsIn)
        given = [HostEvent(one.id, one.type, one.ref, one.parts, one.at) for one in batch.events]
        received = await self._healing.inbox.receive(host, given)
        return ReceivedOut(accepted=received.accepted, repeated=received.repeated, unknown=received.unknown)

    async def show(self, call: Call) -> HealingOut:
        """Tell how it stands, with the newest runs."""
        query: HealingQuery = call.query
        status = await self._healing.overview.status()
        runs = await self._healing.overview.runs(query.limit, query.status)
        return HealingOut(
            active=status.active,
            enabled=status.enabled,
            problem=status.problem,
            workflows=status.workflows,
            switch=SwitchOut.model_validate(status.switch),
            counts=status.counts,
            breakers=[breaker_out(one) for one in status.breakers],
            scans=[ScanOut.model_validate(one) for one in status.scans],
            events_waiting=status.events_waiting,
            runs=[run_out(run) for run in runs],
        )

    async def switch(self, call: Call) -> SwitchOut:
        """Set the kill switch."""
        body: SwitchIn = call.body
        by = call.caller.name or call.caller.id
        value = await self._healing.overview.set_switch(stopped=body.stopped, by=by, reason=body.reason)
        return SwitchOut.model_validate(value)

    async def mine(self, call: Call) -> NoticesOut:
        """List what the user has not been told in a conversation and has not seen."""
        rows = await self._notices.kept(call.caller.host or "", call.caller.ref or "")
        return NoticesOut(notices=[NoticeOut.model_validate(row) for row in rows])

    async def seen(self, call: Call) -> NoBody:
        """Note that the user has seen a notice."""
        notice = call.path["id"]
        call.authorize(users_own("notice", notice, await self._notices.whose(notice)))
        await self._notices.seen(notice)
        return NoBody()


def run_out(run: Run) -> RunOut:
    """Put a run into the form it has on the wire."""
    return RunOut.model_validate(run)


def breaker_out(breaker: Breaker) -> BreakerOut:
    """Put a breaker into the form it has on the wire."""
    return BreakerOut.model_validate(breaker)
