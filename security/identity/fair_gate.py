"""Takes turns at a scarce resource: fair between networks, and within a network between addresses."""

from asyncio import Future, get_running_loop
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from foundation.errors import RateLimited
from security.identity.sources import Source

_Waiting = OrderedDict[str, deque["Future[None]"]]


class FairGate:
    """Lets `slots` callers in at once, of those `guest_slots` strangers; the others wait for their turn.

    Callers without a source (somebody who has proved who they are, or a known device) come first. Strangers
    take turns: one of each network that waits, and within it one of each address. Of one address `most_each`
    may wait, of all `most`; when that is full, whoever has the most waiting gives up a place.
    """

    def __init__(self, slots: int = 2, guest_slots: int = 1, *, most: int = 128, most_each: int = 4) -> None:
        self._slots, self._guest_slots = slots, guest_slots
        self._most, self._most_each = most, most_each
        self._busy = self._guests_busy = self._waiting = 0
        self._first: deque[Future[None]] = deque()
        self._networks: OrderedDict[str, _Waiting] = OrderedDict()

    @asynccontextmanager
    async def turn(self, source: Source | None = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Raises:
            RateLimited: when too many wait already.
        """
        await self._enter(source)
        try:
            yield
        finally:
            self._busy -= 1
            self._guests_busy -= source is not None
            self._admit()

    async def _enter(self, source: Source | None) -> None:
        place: Future[None] = get_running_loop().create_future()
        if source is None:
            self._first.append(place)
        else:
            self._queue(source, place)
        self._admit()
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._busy -= 1
                self._guests_busy -= source is not None
                self._admit()
            else:
                self._leave(source, place)
            raise

    def _queue(self, source: Source, place: "Future[None]") -> None:
        waiting = self._networks.get(source.network, OrderedDict())
        places = waiting.get(source.unit, deque())
        if len(places) >= self._most_each:
            raise _busy()
        places.append(place)
        waiting[source.unit] = places
        self._networks[source.network] = waiting
        self._waiting += 1
        if self._waiting > self._most:
            self._evict()

    def _evict(self) -> None:
        network = max(self._networks, key=lambda one: sum(map(len, self._networks[one].values())))
        unit, places = max(self._networks[network].items(), key=lambda one: len(one[1]))
        given_up = places[-1]
        self._leave(Source(unit, network), given_up)
        given_up.set_exception(_busy())

    def _leave(self, source: Source | None, place: "Future[None]") -> None:
        if source is None:
            if place in self._first:
                self._first.remove(place)
            return
        waiting = self._networks.get(source.network, OrderedDict())
        places = waiting.get(source.unit, deque())
        if place in places:
            places.remove(place)
            self._waiting -= 1
            self._tidy(source.network, source.unit)

    def _tidy(self, network: str, unit: str) -> None:
        if not self._networks[network][unit]:
            del self._networks[network][unit]
        if not self._networks[network]:
            del self._networks[network]

    def _admit(self) -> None:
        while self._busy < self._slots:
            if self._first:
                place, is_guest = self._first.popleft(), False
            elif self._networks and self._guests_busy < self._guest_slots:
                place, is_guest = self._next_guest(), True
            else:
                return
            if not place.done():  # Whoever waited here may just have been cancelled.
                self._busy += 1
                self._guests_busy += is_guest
                place.set_result(None)

    def _next_guest(self) -> "Future[None]":
        network, waiting = next(iter(self._networks.items()))
        unit, places = next(iter(waiting.items()))
        place = places.popleft()
        self._waiting -= 1
        waiting.move_to_end(unit)
        self._networks.move_to_end(network)
        self._tidy(network, unit)
        return place


def _busy() -> RateLimited:
    return RateLimited("Too many are signing in just now.", retry_after=5, hint="Try again in a few seconds.")
