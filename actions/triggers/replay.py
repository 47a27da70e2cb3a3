"""What a policy would have done on recorded behaviour, and how well.

One JSON object a line, in the order of time: {"user", "type", "at", "step"?, "code"?, "page"?, "id"?}, where
`at` is ISO 8601 or seconds. Two types are labels, no behaviour: `asked_for_help` (the user opened the chat,
wrote to support or called) and `solved` (they got on by themselves).

precision   offers after which help was wanted, of all offers. Wanted: within `horizon` seconds the user asks
            for help, or fails again (`action_failed`, `error_shown`, `rage_click`) before `solved`.
annoyance   offers that were not wanted, per active user-hour: an hour of the clock with something done in it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast, get_args

from actions.triggers.domain import BehaviourEvent, EventType, Policy, may_offer
from actions.triggers.evaluator import Evaluator
from bot.foundation.errors import InvalidInput

HORIZON = 900.0
_TYPES = frozenset(get_args(EventType))
_WANTED = frozenset({"asked_for_help", "action_failed", "error_shown", "rage_click"})
_LABELS = frozenset({"asked_for_help", "solved"})
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
class Report:
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
        self.report = Report(triggers={one.id: Tally() for one in policy.triggers})

    def feed(self, event: BehaviourEvent) -> None:
        """Take the next event."""
        self._note(event)
        self._judge(event)
        if event.type in _LABELS or not self._policy.enabled:
            return
        for fired in self._evaluator.feed(event):
            made = self._made.setdefault(event.user, [])
            if may_offer(fired.trigger, self._policy.limits, made, fired.at):
                # Nobody answered then, so nothing counts as refused: the upper bound of what is offered.
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
        waiting = self._open.get(event.user)
        if not waiting:
            return
        waiting = [one for one in waiting if event.at - one.at <= self._horizon]
        if event.type in _WANTED:
            for one in waiting:
                self.report.triggers[one.trigger].wanted += 1
            waiting = []
        elif event.type == "solved":
            waiting = []
        self._open[event.user] = waiting


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
