"""Changing the encoder: the index is made anew beside the live one, and the search never stops."""

import asyncio
import threading
from dataclasses import dataclass

import pytest

from kb_index.domain import Draft
from tests.kb_index.conftest import CountingEncoder, House, Room, fill

ZEPPELIN = Draft("Zeppelins", "billing", "en", "A zeppelin is not sold here.\n")


@dataclass
class Slow(CountingEncoder):
    """Waits in `encode` until it may go on, and tells that it waits."""

    def __post_init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()

    def encode(self, texts, *, purpose=None):
        self.begun.set()
        assert self.goes_on.wait(60)
        return super().encode(texts, purpose=purpose)


def turned(room: Room, name: str) -> CountingEncoder:
    return CountingEncoder(room.encoder.encoder, name)


async def test_the_former_encoder_serves_until_everything_is_made(room: Room) -> None:
    await fill(room)
    slow = Slow(room.encoder.encoder, "slow")
    change = asyncio.create_task(room.search.use_encoder(slow))
    await asyncio.to_thread(slow.begun.wait)
    assert await room.found("money back") == ["refunds", "reset-password", "pause"]
    await room.write("zeppelins", ZEPPELIN)
    assert (await room.found("zeppelin"))[0] == "zeppelins", "publishing goes on meanwhile"
    await room.articles.unpublish("pause", by="Erin")
    assert room.indexes.maker.encoder is room.encoder
    slow.goes_on.set()
    await change
    assert room.indexes.maker.encoder is slow
    assert sorted(room.indexes.vectors.contents()) == ["refunds", "reset-password", "zeppelins"]
    before = room.encoder.encoded
    assert (await room.found("zeppelin"))[0] == "zeppelins"
    await room.articles.publish("pause", by="Erin")
    assert (await room.found("holiday"))[0] == "pause"
    assert room.encoder.encoded == before, "the former one is not used any more"


async def test_what_was_made_beside_equals_a_rebuild_and_is_not_made_again(house: House, room: Room) -> None:
    await fill(room)
    await room.search.use_encoder(turned(room, "other"))
    held = room.indexes.vectors.contents()
    again = await house.open("b", alias="other")
    assert again.encoder.encoded == 0
    assert again.indexes.vectors.contents() == held
    await room.search.stop()
    restarted = await house.open("a", alias="other")
    assert restarted.indexes.vectors.contents() == held
    assert (await restarted.found("money back"))[0] == "refunds"


async def test_a_change_that_fails_leaves_the_former_encoder(room: Room) -> None:
    await fill(room)

    class Broken(CountingEncoder):
        def encode(self, texts, *, purpose=None):
            raise MemoryError

    with pytest.raises(MemoryError):
        await room.search.use_encoder(Broken(room.encoder.encoder, "broken"))
    assert room.indexes.maker.encoder is room.encoder
    assert (await room.found("money back"))[0] == "refunds"
    await room.search.use_encoder(turned(room, "other"))
    assert room.indexes.maker.encoder.fingerprint == "other"


async def test_a_process_with_the_former_encoder_goes_on_through_all_of_it(house: House, room: Room) -> None:
    await fill(room)
    second = await house.open("b")
    await room.search.use_encoder(turned(room, "other"))
    assert (await second.found("money back"))[0] == "refunds"
    await room.write("zeppelins", ZEPPELIN)
    await second.indexes.keep_up()
    assert (await second.found("zeppelin"))[0] == "zeppelins", "it makes what it lacks"
    await room.indexes.sweep()
    await second.indexes.keep_up()
    assert sorted(second.indexes.vectors.contents()) == sorted(room.indexes.vectors.contents())
    assert (await second.found("money back"))[0] == "refunds"
    assert (await room.found("money back"))[0] == "refunds"


async def test_an_article_published_with_the_former_encoder_at_the_last_moment_is_found(room: Room) -> None:
    await fill(room)
    made = await room.indexes.make(ZEPPELIN)
    await room.search.use_encoder(turned(room, "other"))
    assert {one.made_by.split("/")[0] for one in made} == {room.encoder.fingerprint}
    await room.articles.create("zeppelins", ZEPPELIN, by="Erin")
    present = room.indexes.make

    async def former(draft: Draft):
        return made

    room.indexes.make = former  # type: ignore[method-assign]
    await room.articles.publish("zeppelins", by="Erin")
    room.indexes.make = present  # type: ignore[method-assign]
    await room.indexes.keep_up()
    assert (await room.found("zeppelin"))[0] == "zeppelins"
