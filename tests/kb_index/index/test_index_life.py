"""The index on disk is a cache: lost, damaged, old or foreign, it comes out as PostgreSQL has it."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import redis.asyncio as redis
import sqlalchemy as sa

from foundation.database import Database
from foundation.wakeups import Wakeups
from kb_index.articles import storage
from kb_index.domain import Draft
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.index.faiss_index import FaissFiles, FaissIndex
from kb_index.ports import Filter, StoredPassage
from tests.kb_index.conftest import REFUND, RESET, House, Room, fill

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def closed(house: House, name: str = "a") -> tuple[Path, dict[str, list[tuple[int, bytes]]]]:
    """Fill a knowledge base, stop it, and give its snapshot and what it held."""
    room = await house.open(name)
    await fill(room)
    await room.search.stop()
    return room.snapshot, room.indexes.vectors.contents()


async def test_a_restart_encodes_nothing_and_holds_the_same(house: House) -> None:
    snapshot, held = await closed(house)
    again = await house.open()
    assert again.encoder.encoded == 0
    assert again.indexes.vectors.contents() == held
    assert len(held) == 3
    assert (await again.found("money back"))[0] == "refunds"
    assert [path.name for path in snapshot.parent.iterdir()] == [snapshot.name], "nothing is left aside"


def _truncated(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _flipped(raw: bytes) -> bytes:
    return raw[:-100] + bytes([raw[-100] ^ 1]) + raw[-99:]


def _header_changed(raw: bytes) -> bytes:
    return raw.replace(b'"revision": ', b'"revision": 9', 1)


def _resealed(raw: bytes) -> bytes:
    """A well-formed snapshot that does not hold what PostgreSQL does."""
    begins = int(raw[:128].split()[1])
    head = json.loads(raw[begins:])
    head["entries"]["refunds"][0] = "bat_of_another_database"
    head["revision"] = 10**6
    body = raw[128:begins] + json.dumps(head).encode()
    digest = hashlib.sha256(body + str(begins).encode()).hexdigest()
    return f"{digest} {begins}".ljust(127).encode() + b"\n" + body


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "newline": lambda _: b"\n",
    "garbage": lambda _: b"garbage" * 99,
    "zeros": lambda _: b"\x00" * 5000,
    "truncated": _truncated,
    "bit": _flipped,
    "header": _header_changed,
    "foreign": _resealed,
    "longer": lambda raw: raw + b"more",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_a_damaged_snapshot_is_made_again(house: House, damage: Callable[[bytes], bytes]) -> None:
    snapshot, held = await closed(house)
    snapshot.write_bytes(damage(snapshot.read_bytes()))
    again = await house.open()
    assert again.indexes.vectors.contents() == held
    assert again.encoder.encoded == 0, "the vectors are in PostgreSQL"
    await again.articles.publish("refunds", by="Erin")
    await again.articles.update(
        "refunds", Draft("Zeppelins", "billing", "en", "Zeppelin."), base_version=1, by="E"
    )
    await again.articles.publish("refunds", by="Erin")
    assert (await again.found("zeppelin"))[0] == "refunds", "later changes are taken in"


async def test_a_missing_snapshot_is_made_again(house: House) -> None:
    snapshot, held = await closed(house)
    snapshot.unlink()
    again = await house.open()
    assert again.indexes.vectors.contents() == held
    assert snapshot.exists(), "and is there for the next start"


async def test_a_folder_that_cannot_be_written_does_not_stop_the_search(house: House) -> None:
    snapshot, _ = await closed(house)
    snapshot.unlink()
    snapshot.mkdir()
    again = await house.open()
    assert (await again.found("money back"))[0] == "refunds"


async def _encoders(database: Database) -> set[str]:
    async with database.connect() as connection:
        made = await connection.execute(sa.select(storage.passages.c.encoder).distinct())
        return {row.encoder.split("/")[0] for row in made}


async def test_another_encoder_encodes_anew(house: House) -> None:
    _, held = await closed(house)
    other = await house.open(alias="other")
    assert other.encoder.encoded > 0
    assert sorted(other.indexes.vectors.contents()) == sorted(held)
    assert (await other.found("money back"))[0] == "refunds"
    assert len(await _encoders(house.database)) == 2, "another process may still search with the former one"
    await other.indexes.sweep()
    assert await _encoders(house.database) == {"other"}
    assert (await other.found("money back"))[0] == "refunds"


async def test_what_was_lost_in_the_database_is_lost_in_the_index(house: House) -> None:
    _, held = await closed(house)
    async with house.database.begin() as tx:
        await tx.execute(storage.passages.delete().where(storage.passages.c.article_id == "refunds"))
        await tx.execute(sa.update(storage.articles).values(published_version=None).where(
            storage.articles.c.id == "refunds"))  # fmt: skip
    again = await house.open()
    assert sorted(again.indexes.vectors.contents()) == ["pause", "reset-password"]
    async with house.database.begin() as tx:
        await tx.execute(storage.articles.update().values(published_version=1))
    await again.search.stop()
    mended = await house.open("b")
    assert sorted(mended.indexes.vectors.contents()) == ["pause", "refunds", "reset-password"]
    assert mended.indexes.vectors.contents()["pause"] == held["pause"]


async def test_two_processes_see_each_other_s_changes(
    house: House, valkey_url: str, eventually: Eventually
) -> None:
    clients = [redis.Redis.from_url(valkey_url) for _ in range(2)]
    wakes = [Wakeups(client) for client in clients]
    for wake in wakes:
        await wake.start()
    first = await house.open("a", wakeups=wakes[0])
    second = await house.open("b", wakeups=wakes[1])

    async def second_finds() -> bool:
        return await second.found("money back") == ["refunds"]

    async def second_lost_it() -> bool:
        return await second.found("money back") == []

    await first.write("refunds", REFUND)
    await eventually(second_finds)
    await first.articles.unpublish("refunds", by="Erin")
    await eventually(second_lost_it)
    for room in (first, second):
        await room.search.stop()
    for wake, client in zip(wakes, clients, strict=True):
        await wake.stop()
        await client.aclose()


async def test_a_missed_wake_up_is_made_good(house: House) -> None:
    first, second = await house.open("a"), await house.open("b")
    await first.write("refunds", REFUND)
    assert await second.found("money back") == [], "nothing has told the second one"
    await second.indexes.refresh()
    assert await second.found("money back") == ["refunds"]
    await first.articles.unpublish("refunds", by="Erin")
    await first.write("reset-password", RESET)
    # Even before it hears of it, the second one shows nothing that was taken back.
    assert await second.found("money back") == []
    await second.indexes.refresh()
    assert await second.found("money back") == ["reset-password"]


async def test_every_process_comes_to_the_same_index(house: House) -> None:
    rooms = [await house.open(name) for name in "abc"]
    for number in range(12):
        writer = rooms[number % 3]
        await writer.write(
            f"article-{number}", Draft(f"Tea {number}", "features", "en", f"Tea number {number}.")
        )
        if number % 4 == 1:
            await rooms[(number + 1) % 3].articles.unpublish(f"article-{number}", by="Ed")
    for room in rooms:
        await room.indexes.refresh()
    contents = [room.indexes.vectors.contents() for room in rooms]
    assert contents[0] == contents[1] == contents[2]
    assert len(contents[0]) == 9


async def test_a_change_published_while_the_index_cannot_follow_is_taken_in_later(room: Room) -> None:
    closed_pool = Database.open("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    room.indexes._database, kept = closed_pool, room.indexes._database
    await room.write("refunds", REFUND)
    assert (await room.articles.get("refunds")).status == "published", "it is committed, so no error is told"
    room.indexes._database = kept
    assert await room.found("money back") == []
    await room.indexes.refresh()
    assert await room.found("money back") == ["refunds"]


def test_an_index_by_itself(encoder: OnnxEncoder, tmp_path: Path) -> None:
    index = FaissIndex(encoder.dimension, "test", tmp_path / "i")
    assert index.nearest(encoder.encode(["x"])[0], 3, Filter()) == []
    index.keep()
    loaded = FaissIndex.load(tmp_path / "i", dimension=encoder.dimension, made_by="test")
    assert len(loaded) == 0
    assert loaded.nearest(encoder.encode(["x"])[0], 3, Filter()) == []
    other = FaissIndex.load(tmp_path / "i", dimension=encoder.dimension, made_by="another")
    assert other.made_by == "another"


@pytest.mark.parametrize("damage", ["lost", "cut", "changed"])
async def test_lists_that_are_lost_or_damaged_are_made_again(tmp_path: Path, damage: str) -> None:
    random = np.random.default_rng(1)
    vectors = random.standard_normal((300, 16)).astype(np.float32)
    rows = [
        StoredPassage(number, f"a{number}", "bat", "en", "any", "text", vector.tobytes())
        for number, vector in enumerate(vectors)
    ]
    files = FaissFiles(tmp_path / "i.faiss", exact_up_to=100)
    index = files.open(16, "test")
    index.replace([], rows, 7)
    index.keep()
    (lists,) = tmp_path.glob("*.lists")
    raw = lists.read_bytes()
    if damage == "lost":
        lists.unlink()
    else:
        lists.write_bytes(raw[:-50] if damage == "cut" else raw[:-9] + b"\xff" + raw[-8:])
    again = files.open(16, "test")
    assert (len(again), again.revision) == (300, 7)
    assert again.nearest(vectors[5], 1, Filter())[0].article_id == "a5"
    again.keep()
    (made,) = tmp_path.glob("*.lists")
    assert made.read_bytes() == raw, "and nothing else is left beside it"
