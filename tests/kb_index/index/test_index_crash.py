"""`kill -9` while the knowledge base is worked on: the index always loads, and equals a rebuild.

KB_KILLS sets how often each kind of work is killed.
"""

import asyncio
import faulthandler
import hashlib
import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from foundation.clock import SystemClock
from foundation.database import Database
from foundation.wakeups import Wakeups
from kb_index.articles import storage
from kb_index.articles.importing import import_folder
from kb_index.articles.service import Articles
from kb_index.domain import Draft
from kb_index.index.faiss_index import FaissFiles
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.synchroniser import SynchronisedIndexes
from kb_index.ports import Purpose, Vectors
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser
from tests.kb_index.conftest import House

KILLS = int(os.environ.get("KB_KILLS", "8"))


@dataclass(frozen=True)
class Hashed:
    """An encoder whose vectors follow from its name and the text alone."""

    fingerprint: str
    dimension: int = 16

    def encode(self, texts: Sequence[str], *, purpose: Purpose | None = None) -> Vectors:
        found = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            digest = hashlib.sha256(f"{self.fingerprint} {text}".encode()).digest()
            found[row] = np.frombuffer(digest, np.uint8)[: self.dimension].astype(np.float32) + 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def indexes_on(database: Database, encoder: Hashed, snapshot: Path) -> SynchronisedIndexes:
    return SynchronisedIndexes(
        database, PassageBuilder(encoder, Normaliser()), Wakeups(None), FaissFiles(snapshot), poll=3600
    )


@dataclass(frozen=True)
class Work:
    """What a process does until it is killed; `done` notes each round, for whoever waits to kill it."""

    database: Database
    search: ArticleSearch
    folder: Path
    done: Callable[[], None]

    async def encoders(self) -> None:
        """Change the encoder, again and again, dropping what the former one made."""
        for number in itertools.count():
            await self.search.use_encoder(Hashed(f"encoder-{number % 3}"))
            self.done()
            if number % 2:
                await self.search.indexes.sweep()

    async def publishing(self) -> None:
        """Write, publish and take back articles, keeping the index after each."""
        articles = Articles(self.database, self.search.indexes, SystemClock())
        for number in itertools.count(int(time.monotonic() * 1000)):
            key = f"article-{number % 12}"
            known = await articles.get(key)
            draft = Draft(f"Title {number}", "any", "en", f"Text of {number}.\n\n## More\n\nMore of it.\n")
            await articles.update(key, draft, base_version=known.version, by="Erin")
            await articles.publish(key, by="Erin")
            if number % 5 == 0:
                await articles.unpublish(key, by="Erin")
            await asyncio.to_thread(self.search.indexes.vectors.keep)
            self.done()

    async def importing(self) -> None:
        """Import a folder whose files have changed."""
        articles = Articles(self.database, self.search.indexes, SystemClock())
        for number in itertools.count(int(time.monotonic() * 1000)):
            for one in range(12):
                text = f"Text {number} of {one}.\n"
                head = f"id: article-{one}\ntitle: Title {number}\narea: any\nlanguage: en"
                file = self.folder / f"article-{one}.md"
                file.write_text(f"---\n{head}\nupdated: 2026-01-01\n---\n\n{text}", "utf-8")
            await import_folder(articles, self.folder)
            self.done()


async def _work_forever(kind: str, url: str, schema: str, snapshot: Path, begins: str) -> None:
    database = Database.open(url, schema=schema)
    search = ArticleSearch(database, indexes_on(database, Hashed(begins), snapshot))
    await search.start()
    folder = snapshot.with_name("articles")
    folder.mkdir(exist_ok=True)

    def done() -> None:
        with snapshot.with_name("rounds").open("a") as file:
            file.write("x")

    await getattr(Work(database, search, folder, done), kind)()


def _child(kind: str, url: str, schema: str, snapshot: Path, begins: str) -> None:
    faulthandler.enable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asyncio.run(_work_forever(kind, url, schema, snapshot, begins))


@pytest.mark.parametrize("kind", ["encoders", "publishing", "importing"])
@pytest.mark.slow
async def test_killed_at_any_moment_the_index_loads_and_equals_a_rebuild(
    house: House, postgres_url: str, kind: str
) -> None:
    room = await house.open("writer")
    for number in range(12):
        await room.write(f"article-{number}", Draft(f"Title {number}", "any", "en", f"Text of {number}.\n"))
    await room.search.stop()
    async with house.database.connect() as connection:
        schema = (await connection.exec_driver_sql("select current_schema()")).scalar_one()
    snapshot = house.home / "crash" / "passages.faiss"
    rounds = snapshot.with_name("rounds")
    # Forked from a process that runs nothing else: what threads of this one hold would stay held in a copy
    # of it.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    for number in range(KILLS):
        begins = f"encoder-{number % 3 if kind == 'encoders' else 0}"
        child = processes.Process(target=_child, args=(kind, postgres_url, schema, snapshot, begins))
        before = rounds.stat().st_size if rounds.exists() else 0
        child.start()
        # From the first round on, at a moment that is another one each time.
        while not rounds.exists() or rounds.stat().st_size == before:
            assert child.is_alive(), child.exitcode
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.007 * (number % 25))
        os.kill(child.pid or 0, signal.SIGKILL)
        await asyncio.to_thread(child.join)
        loaded = indexes_on(house.database, Hashed(begins), snapshot)
        rebuilt = indexes_on(house.database, Hashed(begins), house.home / "none" / f"{number}.faiss")
        for one in (loaded, rebuilt):
            await one.start()
            await one.stop()
        held = loaded.vectors.contents()
        assert held == rebuilt.vectors.contents()
        assert set(held) == await _published(house.database)


async def _published(database: Database) -> set[str]:
    async with database.connect() as connection:
        is_out = storage.articles.c.published_version.is_not(None)
        return {row.id for row in await connection.execute(sa.select(storage.articles.c.id).where(is_out))}
