"""Finds in a stream of behaviour when a trigger is met. Incremental, with bounded memory, and no clock.

Per user and trigger only the times of events that match a condition are kept, and no more than can matter.
Events may come late or twice: times are kept in order, and the ids of those that matched are remembered, the
latest 64 a user.
"""

from bisect import insort
from collections import OrderedDict
from collections.abc import Sequence

from actions.triggers.domain import BehaviourEvent, Condition, Fired, Trigger

MAX_USERS = 50_000
"""Users whose behaviour is remembered; the one who was quiet longest is forgotten first."""
_IDS = 64
_KEPT = 64
"""Matches kept for a trigger, at least; more when the trigger takes more."""


class _User:
    __slots__ = ("matches", "seen")

    def __init__(self) -> None:
        self.seen: OrderedDict[str, None] = OrderedDict()
        # Of each trigger: when an event matched, and which conditions (a bit each; it may fit several).
        self.matches: dict[str, list[tuple[float, int]]] = {}

    def new(self, event: BehaviourEvent) -> bool:
        if not event.id:
            return True
        if event.id in self.seen:
            return False
        self.seen[event.id] = None
        if len(self.seen) > _IDS:
            self.seen.popitem(last=False)
        return True


class Evaluator:
    """Takes events one by one. What fires starts counting anew for that user."""

    def __init__(self, triggers: Sequence[Trigger], *, max_users: int = MAX_USERS) -> None:
        self._by_type: dict[str, list[tuple[Trigger, int, Condition]]] = {}
        for trigger in triggers:
            for place, condition in enumerate(trigger.conditions):
                self._by_type.setdefault(condition.event, []).append((trigger, place, condition))
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._max_users = max_users

    def __len__(self) -> int:
        return len(self._users)

    def feed(self, event: BehaviourEvent) -> list[Fired]:
        """Take an event; returns the triggers that it completes, in the order of the policy."""
        concerned = self._by_type.get(event.type)
        if concerned is None:
            return []
        touched: dict[str, tuple[Trigger, int]] = {}
        for trigger, place, condition in concerned:
            if condition.holds(event):
                touched[trigger.id] = trigger, touched.get(trigger.id, (trigger, 0))[1] | 1 << place
        if not touched:
            return []
        user = self._user(event.user)
        if not user.new(event):
            return []
        found: list[Fired] = []
        for trigger, places in touched.values():
            kept = user.matches.setdefault(trigger.id, [])
            insort(kept, (event.at, places))
            if len(kept) > max(_KEPT, 2 * trigger.length):
                del kept[0]
            if _met(trigger, kept):
                del user.matches[trigger.id]
                found.append(Fired(trigger, kept[-1][0], trigger.length))
        return found

    def forget(self, user: str) -> None:
        """Forget a user, who has withdrawn consent."""
        self._users.pop(user, None)

    def _user(self, name: str) -> _User:
        user = self._users.get(name)
        if user is None:
            user = self._users[name] = _User()
            if len(self._users) > self._max_users:
                self._users.popitem(last=False)
        else:
            self._users.move_to_end(name)
        return user


def _met(trigger: Trigger, kept: list[tuple[float, int]]) -> bool:
    oldest = kept[-1][0] - trigger.within
    while kept[0][0] < oldest:
        del kept[0]
    if len(kept) < trigger.length:
        return False
    size = len(trigger.conditions)
    return size == 1 or _in_order(kept, size, trigger.length)


def _in_order(kept: list[tuple[float, int]], size: int, wanted: int) -> bool:
    """Whether the conditions are met round and round in order, by an event each; others may be between."""
    done = 0
    for _, places in kept:
        if places >> done % size & 1:
            done += 1
            if done == wanted:
                return True
    return False
