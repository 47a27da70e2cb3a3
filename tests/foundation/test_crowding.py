"""Tokens, places and lanes: what is held is given back, and keys do not influence each other."""

import asyncio

import pytest

from foundation.crowding import Bucket, Full, Lanes, Places


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_what_it_holds_and_refills_by_time_to_the_brim() -> None:
    time = Time()
    bucket = Bucket(2, 3, now=time)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == pytest.approx(0.5)
    time.now += 0.25
    assert bucket.take() == pytest.approx(0.25)
    time.now += 0.25
    assert bucket.take() == 0
    time.now += 1000
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_places_are_for_each_and_in_all_and_given_back() -> None:
    places = Places(2, 3)
    with places.hold("a"), places.hold("a"):
        with pytest.raises(Full), places.hold("a"):
            pass
        with places.hold("b"), pytest.raises(Full), places.hold("c"):
            pass
        assert places.held == 2
    with pytest.raises(RuntimeError), places.hold("a"):
        raise RuntimeError
    assert places.held == 0


async def test_a_lane_lets_a_few_through_and_refuses_who_would_wait_too_long() -> None:
    lanes, through, go = Lanes(2, 1), 0, asyncio.Event()

    async def use(key: str) -> bool:
        nonlocal through
        try:
            async with lanes.through(key):
                through += 1
                await go.wait()
        except Full:
            return False
        return True

    tasks = [asyncio.create_task(use("a")) for _ in range(5)] + [asyncio.create_task(use("b"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert through == 3
    go.set()
    assert await asyncio.gather(*tasks) == [True, True, True, False, False, True]
    assert await use("a")


async def test_who_stops_waiting_leaves_the_lane() -> None:
    lanes = Lanes(1, 1)
    async with lanes.through("a"):
        waiting = asyncio.create_task(_pass(lanes))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        again = asyncio.create_task(_pass(lanes))
        await asyncio.sleep(0)
    await again


async def _pass(lanes: Lanes) -> None:
    async with lanes.through("a"):
        pass
