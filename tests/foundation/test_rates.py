"""Rates over Valkey and without it: windows, keys, several apps, and a server that does not answer."""

import asyncio
import socket

import pytest
import redis.asyncio as redis
from limits import parse

from foundation.ids import new_id
from foundation.rates import Rates

TWO = [parse("2 per 10 seconds")]


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def cache(valkey_url):
    client = redis.Redis.from_url(valkey_url)
    yield client
    await client.aclose()


@pytest.fixture(params=["shared", "alone"])
def rates(request, cache) -> Rates:
    return Rates(cache if request.param == "shared" else None, prefix=new_id("test"), deadline=20)


async def test_one_too_many_is_told_how_long_to_wait_and_others_are_not_touched(rates) -> None:
    assert [await rates.take(TWO, "message", "ada") for _ in range(2)] == [None, None]
    assert await rates.take(TWO, "message", "ada") in range(1, 11)
    assert await rates.take(TWO, "message", "ben") is None
    assert await rates.take(TWO, "feedback", "ada") is None


async def test_at_the_same_moment_no_more_are_let_through(rates) -> None:
    taken = await asyncio.gather(*(rates.take(TWO, "message", "ada") for _ in range(30)))
    assert taken.count(None) == 2


async def test_all_rates_hold_and_what_the_long_one_refuses_leaves_the_burst_alone(cache) -> None:
    rates = Rates(cache, prefix=new_id("test"), deadline=20)
    long = [parse("1 per 10 seconds"), parse("1 per hour")]
    assert await rates.take(long, "a") is None
    assert await rates.take(long, "a") is not None


async def test_two_apps_count_together(cache) -> None:
    prefix = new_id("test")
    one, two = Rates(cache, prefix=prefix, deadline=20), Rates(cache, prefix=prefix, deadline=20)
    assert await one.take(TWO, "ada") is None
    assert await two.take(TWO, "ada") is None
    assert await one.take(TWO, "ada") is not None
    assert await two.take(TWO, "ada") is not None


async def test_a_window_that_has_passed_is_forgotten(monkeypatch) -> None:
    time = Time()
    monkeypatch.setattr("limits.aio.storage.memory.time.time", time)
    rates = Rates(None, now=time)
    assert [await rates.take(TWO, "ada") for _ in range(2)] == [None, None]
    seconds = await rates.take(TWO, "ada")
    assert seconds is not None
    time.now += 0.5
    assert await rates.take(TWO, "ada") is not None
    time.now += 25
    assert await rates.take(TWO, "ada") is None


async def test_without_a_valkey_that_answers_it_is_counted_here_and_nobody_waits_each_time(
    monkeypatch,
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    client = redis.Redis.from_url(f"redis://127.0.0.1:{silent.getsockname()[1]}")
    time = Time()
    rates = Rates(client, deadline=0.05, now=time)
    asked = 0
    counted = rates._ask_shared

    async def count(ask):
        nonlocal asked
        asked += time.now >= rates._asleep_until
        return await counted(ask)

    monkeypatch.setattr(rates, "_ask_shared", count)
    assert [await rates.take(TWO, "ada") for _ in range(2)] == [None, None]
    assert await rates.take(TWO, "ada") is not None
    assert asked == 1
    await client.aclose()
    silent.close()


async def test_what_is_refused_is_not_asked_of_valkey_again_until_its_time(cache) -> None:
    time = Time()
    rates = Rates(cache, prefix=new_id("test"), deadline=20, now=time)
    assert [await rates.take(TWO, "ada") for _ in range(2)] == [None, None]
    seconds = await rates.take(TWO, "ada")
    assert seconds is not None
    rates._shared = None  # from here on it would be counted anew, and let through
    assert await rates.take(TWO, "ada") is not None
    time.now += seconds
    assert await rates.take(TWO, "ada") is None
