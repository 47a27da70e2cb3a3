"""What a policy would have done on recorded behaviour, and how well.

One JSON object a line, in the order of time: {"user", "type", "at", "step"?, "code"?, "page"?, "id"?}, where
`at` is ISO 8601 or seconds. Four types are labels, no behaviour: `asked_for_help` (the user opened the chat,
wrote to support or called), `helped` (help was given and it worked), `solved` (they got on by themselves) and
`dismissed` (they waved an offer away).

precision   offers after which help was wanted, of all offers. Wanted: after the offer and within `horizon`
            seconds the first of these is `asked_for_help`, `helped` or another failure (`action_failed`,
            `error_shown`, `rage_click`), and not `solved` or `dismissed`.
annoyance   offers that were not wanted, per active user-hour: an hour of the clock with something done in it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from actions.triggers.domain import EVENT_TYPES, LABELS, BehaviourEvent, EventType, Policy, may_offer
from actions.triggers.evaluator import Evaluator
from foundation.errors import InvalidInput

HORIZON = 900.0
_TYPES = frozenset({*EVENT_TYPES, *LABELS})
_WANTED = frozenset({"asked_for_help", "helped", "action_failed", "error_shown", "rage_click"})
_UNWANTED = frozenset({"solved", "dismissed"})
_LABELS = frozenset(LABELS)
_LONGEST = 10_000


@dataclass
class Tally:
    """What became of one trigger's offers."""

    offers: int = 0
    wanted: int = 0

    @property
    def precision(self) -> float | None:
        """The share of offers that were wanted; None without offers."""
        return round(self.wanted / self.offers, 4) if self.offers else None


@dataclass
class _Open:
    trigger: str
    at: float


@dataclass
class ReplayReport:
    """The figures of a replay."""

    events: int = 0
    users: int = 0
    user_hours: int = 0
    triggers: dict[str, Tally] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return the figures as one JSON object."""
        offers = sum(one.offers for one in self.triggers.values())
        wanted = sum(one.wanted for one in self.triggers.values())
        return {
            "events": self.events,
            "users": self.users,
            "active_user_hours": self.user_hours,
            "offers": offers,
            "wanted": wanted,
            "precision": round(wanted / offers, 4) if offers else None,
            "annoyance_rate": round((offers - wanted) / self.user_hours, 4) if self.user_hours else None,
            "triggers": {
                name: {"offers": one.offers, "wanted": one.wanted, "precision": one.precision}
                for name, one in self.triggers.items()
            },
        }


class Replay:
    """Plays recorded events through a policy; memory grows with users, not with events."""

    def __init__(self, policy: Policy, *, horizon: float = HORIZON) -> None:
        self._policy = policy
        self._horizon = horizon
        self._evaluator = Evaluator(policy.triggers)
        self._triggers = {one.id: one for one in policy.triggers}
        self._made: dict[str, list[tuple[str, float, Any]]] = {}
        self._open: dict[str, list[_Open]] = {}
        self._last_hour: dict[str, int] = {}
        self.report = ReplayReport(triggers={one.id: Tally() for one in policy.triggers})

    def feed(self, event: BehaviourEvent) -> None:
        """Take the next event."""
        self._note(event)
        self._judge(event)
        if event.type in _LABELS or not self._policy.enabled:
            return
        for fired in self._evaluator.feed(event):
            made = self._made.setdefault(event.user, [])
            if may_offer(fired.trigger, self._policy.limits, made, fired.at):
                # Nobody answered then: only what the recording says was waved away quiets anybody.
                made.insert(0, (fired.trigger.id, fired.at, "ignored"))
                del made[20:]
                self.report.triggers[fired.trigger.id].offers += 1
                self._open.setdefault(event.user, []).append(_Open(fired.trigger.id, fired.at))
                break

    def _note(self, event: BehaviourEvent) -> None:
        self.report.events += 1
        hour = int(event.at // 3600)
        last = self._last_hour.get(event.user)
        if last is None:
            self.report.users += 1
        if last is None or hour > last:
            self.report.user_hours += 1
            self._last_hour[event.user] = hour

    def _judge(self, event: BehaviourEvent) -> None:
        if event.type == "dismissed" and (made := self._made.get(event.user)):
            made[0] = (*made[0][:2], "dismissed")
        waiting = self._open.get(event.user)
        if not waiting:
            return
        waiting = [one for one in waiting if event.at - one.at <= self._horizon]
        # What came no later than the offer (the failure behind it, told twice) says nothing of its use.
        judged = [one for one in waiting if event.at > one.at]
        if event.type in _WANTED:
            for one in judged:
                self.report.triggers[one.trigger].wanted += 1
        if event.type in _WANTED or event.type in _UNWANTED:
            waiting = [one for one in waiting if event.at <= one.at]
        if waiting:
            self._open[event.user] = waiting
        else:
            del self._open[event.user]


def read_events(lines: Iterable[str]) -> Iterator[BehaviourEvent]:
    """Read recorded events.

    Raises:
        InvalidInput: naming the line and what is wrong with it.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _event(number, line)


def _event(number: int, line: str) -> BehaviourEvent:
    try:
        value = json.loads(line) if len(line) <= _LONGEST else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"Line {number} is no JSON object of at most {_LONGEST} characters.")
    user, kind, at = value.get("user"), value.get("type"), _seconds(value.get("at"))
    if not isinstance(user, str) or not 1 <= len(user) <= 200:
        raise InvalidInput(f"Line {number} needs a `user`: a text of 1 to 200 characters.")
    if kind not in _TYPES:
        raise InvalidInput(f"Line {number}: `type` must be one of {', '.join(sorted(_TYPES))}.")
    if at is None:
        raise InvalidInput(f"Line {number}: `at` must be ISO 8601 with an offset, or seconds.")
    texts = {name: value.get(name) for name in ("step", "code", "page", "id")}
    if any(text is not None and not isinstance(text, str) for text in texts.values()):
        raise InvalidInput(f"Line {number}: step, code, page and id are texts.")
    return BehaviourEvent(
        texts["id"] or "", cast(EventType, kind), user, at, texts["step"], texts["code"], texts["page"]
    )


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11:
        return float(value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo else None
    return None
