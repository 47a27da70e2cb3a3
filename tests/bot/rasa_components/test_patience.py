"""A cache that is started again within a moment is waited for; one that stays away is not."""

import pytest

from bot.rasa_components.patience import patiently


class Cache:
    """Is away for the first `away` calls."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.calls = 0

    async def get(self) -> str:
        self.calls += 1
        if self.calls <= self.away:
            raise ConnectionError
        return "kept"


async def test_a_cache_that_comes_back_gives_what_it_keeps() -> None:
    cache = Cache(3)
    assert await patiently(cache.get, (ConnectionError,), pause=0) == "kept"
    assert cache.calls == 4


async def test_a_cache_that_stays_away_is_given_up() -> None:
    cache = Cache(10**9)
    with pytest.raises(ConnectionError):
        await patiently(cache.get, (ConnectionError,), patience=0, pause=0)
    assert cache.calls == 1


async def test_what_is_no_such_error_is_not_tried_again() -> None:
    cache = Cache(1)
    with pytest.raises(ConnectionError):
        await patiently(cache.get, (TimeoutError,), pause=0)
    assert cache.calls == 1
