"""What a page tells of a user's behaviour, when that calls for help, and what is then offered. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

EventType = Literal["action_failed", "rage_click", "hesitation", "error_shown", "page_view"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
Label = Literal["asked_for_help", "helped", "solved", "dismissed"]
LABELS: tuple[Label, ...] = get_args(Label)
"""What recordings say of how it went on; no behaviour, so no trigger sees it and no page can send it."""
LONGEST_REST = 2_592_000.0
"""Seconds that refusals can keep offers away."""
OfferKind = Literal["tooltip", "article", "workflow", "tutorial", "person"]
OFFER_KINDS: tuple[OfferKind, ...] = get_args(OfferKind)
Outcome = Literal["accepted", "dismissed", "ignored"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class BehaviourEvent:
    """Something that a user did or saw; `at` is in seconds since 1970. Never what was typed."""

    id: str
    type: EventType | Label
    user: str
    at: float
    step: str | None = None
    code: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What an event must be: empty fields do not matter; a `page` may end in * for all that begin so."""

    event: EventType
    step: str | None = None
    code: str | None = None
    page: str | None = None

    def holds(self, event: BehaviourEvent) -> bool:
        """Tell whether an event is such a one."""
        return (
            event.type == self.event
            and (self.step is None or event.step == self.step)
            and (self.code is None or event.code == self.code)
            and (self.page is None or _page_fits(self.page, event.page))
        )


def _page_fits(pattern: str, page: str | None) -> bool:
    if page is None:
        return False
    return page.startswith(pattern[:-1]) if pattern.endswith("*") else page == pattern


@dataclass(frozen=True)
class Offer:
    """What is offered: `text` is said, `label` stands on the button, and the rest depends on the kind.

    tooltip: `step` it stands beside. article: its id. workflow: the `intent` that starts it.
    tutorial: `steps`, one sentence each. person: nothing more.
    """

    kind: OfferKind
    text: str
    label: str = ""
    intent: str | None = None
    article: str | None = None
    step: str | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trigger:
    """A rule. `conditions` one after the other within `within` seconds, the whole `count` times.

    One condition and a count: it happened so often. Several: in this order, other events between them do not
    matter. `loop` (then `conditions` are its pages): from page to page in a circle, `count` times round.
    After an offer it rests `cool_down` seconds for the user.
    """

    id: str
    conditions: tuple[Condition, ...]
    count: int
    within: float
    cool_down: float
    offer: Offer

    @property
    def length(self) -> int:
        """How many events it takes at least."""
        return len(self.conditions) * self.count


@dataclass(frozen=True)
class OfferLimits:
    """How much may be offered to one user, whatever the triggers say.

    After `dismissals` refusals with nothing accepted between them nothing is offered for `rest` seconds, and
    each further refusal doubles that, up to 30 days. An offer that is not answered for `ignored_after`
    seconds counts as ignored.
    """

    per_hour: int = 2
    dismissals: int = 2
    rest: float = 86_400.0
    ignored_after: float = 120.0


@dataclass(frozen=True)
class Policy:
    """All triggers, and the limits; `fingerprint` names this version of the file."""

    enabled: bool
    limits: OfferLimits
    triggers: tuple[Trigger, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger has been met, by these events (their number and the last one's time)."""

    trigger: Trigger
    at: float
    events: int


@dataclass(frozen=True)
class MadeOffer:
    """An offer that was made to a user."""

    id: str
    host: str
    user_ref: str
    trigger: str
    offer: Mapping[str, Any]
    policy: str
    outcome: Outcome | None
    created_at: datetime
    decided_at: datetime | None = None
    attempt_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def may_offer(
    trigger: Trigger, limits: OfferLimits, earlier: "list[tuple[str, float, Outcome | None]]", now: float
) -> bool:
    """Tell whether an offer may be made now; `earlier`: (trigger, time, outcome), the newest first."""
    for name, at, _ in earlier:
        if name == trigger.id and now - at < trigger.cool_down:
            return False
    if sum(now - at < 3600 for _, at, _ in earlier) >= limits.per_hour:
        return False
    if any(outcome is None and now - at < limits.ignored_after for _, at, outcome in earlier):
        return False
    refused = _refused(earlier)
    return len(refused) < limits.dismissals or now - refused[0] >= _rest(limits, len(refused))


def _refused(earlier: "list[tuple[str, float, Outcome | None]]") -> list[float]:
    """When offers were refused since one was last accepted, the latest first; silence is no refusal."""
    times: list[float] = []
    for _, at, outcome in earlier:
        if outcome == "accepted":
            break
        if outcome == "dismissed":
            times.append(at)
    return times


def _rest(limits: OfferLimits, refused: int) -> float:
    doubled: float = limits.rest * 2.0 ** (refused - limits.dismissals)
    return max(limits.rest, min(LONGEST_REST, doubled))
