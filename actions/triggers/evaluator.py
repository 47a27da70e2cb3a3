"""Finds in a stream of behaviour when a trigger is met. Incremental, with bounded memory, and no clock.

Per user and trigger only the times of events that match a condition are kept, and no more than can matter.
Events may come late or twice: times are kept in order, ids are remembered for a while.
"""

from bisect import insort
from collections import OrderedDict
from collections.abc import Sequence

from actions.triggers.domain import BehaviourEvent, Condition, EventType, Fired, Trigger

MAX_USERS = 50_000
"""Users whose behaviour is remembered; the one who was quiet longest is forgotten first."""
_IDS = 256
_KEPT = 64
"""Matches kept for a trigger, at least; more when the trigger takes more."""


class _User:
    __slots__ = ("matches", "seen")

    def __init__(self) -> None:
        self.seen: OrderedDict[str, None] = OrderedDict()
        self.matches: dict[str, list[tuple[float, int]]] = {}


class Evaluator:
    """Takes events one by one. What fires starts counting anew for that user."""

    def __init__(self, triggers: Sequence[Trigger], *, max_users: int = MAX_USERS) -> None:
        self._by_type: dict[EventType, list[tuple[Trigger, int, Condition]]] = {}
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
        user = self._user(event.user)
        if event.id:
            if event.id in user.seen:
                return []
            user.seen[event.id] = None
            if len(user.seen) > _IDS:
                user.seen.popitem(last=False)
        touched: dict[str, Trigger] = {}
        for trigger, place, condition in concerned:
            if condition.holds(event):
                kept = user.matches.setdefault(trigger.id, [])
                insort(kept, (event.at, place))
                if len(kept) > max(_KEPT, 2 * trigger.length):
                    del kept[0]
                touched[trigger.id] = trigger
        return [fired for trigger in touched.values() if (fired := _met(trigger, user.matches, event.at))]

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


def _met(trigger: Trigger, matches: dict[str, list[tuple[float, int]]], at: float) -> Fired | None:
    kept = matches[trigger.id]
    newest = kept[-1][0]
    while kept and kept[0][0] < newest - trigger.within:
        del kept[0]
    wanted = trigger.length
    if len(kept) < wanted:
        return None
    size = len(trigger.conditions)
    if size > 1 and not _in_order(kept, size, wanted):
        return None
    del matches[trigger.id]
    return Fired(trigger, max(newest, at), wanted)


def _in_order(kept: list[tuple[float, int]], size: int, wanted: int) -> bool:
    """Whether the places come round and round in order, other matches between them left out."""
    done = 0
    for _, place in kept:
        if place == done % size:
            done += 1
            if done == wanted:
                return True
    return False
