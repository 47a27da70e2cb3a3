"""Who comes when: strangers take turns by network and by address, those who are known come first."""

import asyncio
from collections.abc import Sequence

import pytest

from foundation.errors import RateLimited
from security.identity.fair_gate import FairGate
from security.identity.sources import Source


class Counter:
    """A resource that notes who used it, and how many at once."""

    def __init__(self, gate: FairGate) -> None:
        self.gate = gate
        self.served: list[str] = []
        self.refused: list[str] = []
        self.inside = self.most_inside = 0

    async def use(self, address: str | None) -> None:
        try:
            async with self.gate.turn(Source.of(address) if address else None):
                self.inside += 1
                self.most_inside = max(self.inside, self.most_inside)
                self.served.append(address or "known")
                await asyncio.sleep(0)
                self.inside -= 1
        except RateLimited:
            self.refused.append(address or "known")

    async def use_all(self, addresses: Sequence[str | None]) -> None:
        await asyncio.gather(*map(self.use, addresses))


async def test_a_flooding_network_does_not_keep_another_waiting() -> None:
    counter = Counter(FairGate())
    flood = [f"198.51.100.{number}" for number in range(60)]
    await counter.use_all([*flood, "203.0.113.7"])
    assert counter.served.index("203.0.113.7") <= 2
    assert len(counter.served) == 61


async def test_within_a_network_addresses_take_turns() -> None:
    counter = Counter(FairGate())
    await counter.use_all([*["198.51.100.1"] * 4, "198.51.100.2"])
    assert counter.served.index("198.51.100.2") <= 2


async def test_who_is_known_comes_first_and_strangers_use_one_place() -> None:
    counter = Counter(FairGate())
    strangers = [f"198.51.{number}.1" for number in range(20)]
    await counter.use_all([*strangers, None, None])
    assert [one for one in counter.served[:4] if one == "known"] == ["known"] * 2
    alone = Counter(FairGate())
    await alone.use_all(strangers)
    assert alone.most_inside == 1


async def test_a_full_queue_costs_the_greediest_a_place_and_not_the_newcomer() -> None:
    counter = Counter(FairGate(most=20, most_each=4))
    flood = [f"198.51.100.{number}" for number in range(40)]
    await counter.use_all([*flood, "203.0.113.7"])
    assert "203.0.113.7" in counter.served
    assert counter.refused
    assert set(counter.refused) <= set(flood)


async def test_an_address_may_have_few_waiting() -> None:
    counter = Counter(FairGate(most_each=4))
    await counter.use_all(["203.0.113.7"] * 10)
    assert (len(counter.served), len(counter.refused)) == (5, 5)


@pytest.mark.parametrize("address", ["203.0.113.7", None])
async def test_who_gives_up_leaves_no_place_taken(address: str | None) -> None:
    gate = FairGate(slots=1)
    counter = Counter(gate)
    async with gate.turn():
        waiting = [asyncio.create_task(counter.use(address)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting[:2]:
            task.cancel()
    # The one whose turn had just come is cancelled too.
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.wait_for(counter.use(address), 5)
    await asyncio.wait_for(counter.use(None), 5)
    assert len(counter.served) == 2


@pytest.mark.parametrize(
    ("address", "unit", "network"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_units(address: str, unit: str, network: str) -> None:
    assert Source.of(address) == Source(unit, network)
