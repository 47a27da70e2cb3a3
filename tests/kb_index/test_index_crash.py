"""`kill -9` while another encoder is taken into use: the index always loads, and equals a rebuild."""

import asyncio
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.foundation.database import Database
from bot.foundation.wakeups import Wakeups
from kb_index.domain import Draft
from kb_index.index.following import FollowedIndexes
from kb_index.index.making import PassageMaker
from kb_index.ports import Vectors
from kb_index.retrieval.normalising import Normaliser
from kb_index.retrieval.search import ArticleSearch
from tests.kb_index.conftest import House

KILLS = int(os.environ.get("KB_KILLS", "10"))


@dataclass(frozen=True)
class Hashed:
    """An encoder whose vectors follow from its name and the text alone; a process can be forked with it."""

    fingerprint: str
    dimension: int = 16

    def encode(self, texts: Sequence[str]) -> Vectors:
        found = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            digest = hashlib.sha256(f"{self.fingerprint} {text}".encode()).digest()
            found[row] = np.frombuffer(digest, np.uint8)[: self.dimension].astype(np.float32) + 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def indexes_on(database: Database, encoder: Hashed, snapshot: Path) -> FollowedIndexes:
    return FollowedIndexes(database, PassageMaker(encoder, Normaliser()), Wakeups(None), snapshot, poll=3600)


async def _change_forever(url: str, schema: str, snapshot: Path, begins: str) -> None:
    database = Database.open(url, schema=schema)
    search = ArticleSearch(database, indexes_on(database, Hashed(begins), snapshot))
    await search.start()
    for number in range(1_000_000):
        await search.use_encoder(Hashed(f"encoder-{number % 3}"))
        with snapshot.with_name("changes").open("a") as file:
            file.write("x")
        if number % 2:
            await search.indexes.sweep()


def _child(url: str, schema: str, snapshot: Path, begins: str) -> None:
    os.close(1)
    asyncio.run(_change_forever(url, schema, snapshot, begins))


async def test_killed_while_it_changes_the_index_loads_and_equals_a_rebuild(
    house: House, postgres_url: str
) -> None:
    room = await house.open("writer")
    for number in range(12):
        await room.write(f"article-{number}", Draft(f"Title {number}", "any", "en", f"Text of {number}.\n"))
    await room.search.stop()
    async with house.database.connect() as connection:
        schema = (await connection.exec_driver_sql("select current_schema()")).scalar_one()
    snapshot = house.home / "crash" / "passages.faiss"
    changes = snapshot.with_name("changes")
    for number in range(KILLS):
        begins = f"encoder-{number % 3}"
        child = multiprocessing.get_context("fork").Process(
            target=_child, args=(postgres_url, schema, snapshot, begins)
        )
        before = changes.stat().st_size if changes.exists() else 0
        child.start()
        # From the first change on, at a moment that is another one each time.
        while not changes.exists() or changes.stat().st_size == before:
            assert child.is_alive()
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.007 * (number % 25))
        os.kill(child.pid or 0, signal.SIGKILL)
        await asyncio.to_thread(child.join)
        loaded = indexes_on(house.database, Hashed(begins), snapshot)
        rebuilt = indexes_on(house.database, Hashed(begins), house.home / "none" / f"{number}.faiss")
        for one in (loaded, rebuilt):
            await one.start()
            await one.stop()
        assert len(loaded.vectors.contents()) == 12
        assert loaded.vectors.contents() == rebuilt.vectors.contents()
