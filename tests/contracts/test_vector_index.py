"""What every vector index does, whether it is in this process, exact or not, or in PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from foundation.database import Database
from foundation.ids import ArticleId
from kb_index.articles import storage
from kb_index.domain import Draft
from kb_index.index.faiss_index import FaissFiles
from kb_index.index.pgvector_index import PgvectorTables
from kb_index.ports import Filter, Near, StoredPassage, VectorIndex, VectorIndexes, Vectors

DIMENSION = 24
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
ANY = Filter()


@dataclass
class Bench:
    """An index, and the passages of PostgreSQL that it is to hold."""

    indexes: VectorIndexes
    database: Database
    index: VectorIndex
    revision: int = 0
    stored: dict[str, list[StoredPassage]] = field(default_factory=dict)

    async def put(self, *rows: StoredPassage) -> None:
        """Store these in the place of what their articles had, and tell the index."""
        ids = list(dict.fromkeys(row.article_id for row in rows))
        await self._store(ids, rows)
        by_article = {key: [row for row in rows if row.article_id == key] for key in ids}
        self.stored |= by_article
        self.revision += 1
        await asyncio.to_thread(self.index.replace, ids, rows, self.revision)

    async def take_back(self, *ids: str) -> None:
        """Remove articles."""
        await self._store(ids, ())
        for key in ids:
            self.stored.pop(key, None)
        self.revision += 1
        await asyncio.to_thread(self.index.replace, ids, [], self.revision)

    async def _store(self, ids: Sequence[str], rows: Sequence[StoredPassage]) -> None:
        async with self.database.begin() as tx:
            known = await tx.execute(sa.select(storage.articles.c.id))
            for key in set(ids) - {row.id for row in known}:
                article = ArticleId(key)
                await storage.insert_article(
                    tx, article, version=1, published_version=1,
                    revision=await storage.next_revision(tx), imported_hash=None,
                    updated_at=NOW, updated_by="E",
                )  # fmt: skip
                await storage.insert_version(tx, article, 1, Draft("T", "any", "en", "Text"), NOW, "E")
            await tx.execute(storage.passages.delete().where(storage.passages.c.article_id.in_(ids)))
            if rows:
                await tx.execute(storage.passages.insert(), [_row(row) for row in rows])

    async def nearest(self, vector: Vectors, limit: int = 10, where: Filter = ANY) -> list[Near]:
        return await asyncio.to_thread(self.index.nearest, vector, limit, where)

    async def ids(self, vector: Vectors, limit: int = 10, where: Filter = ANY) -> list[str]:
        return [one.article_id for one in await self.nearest(vector, limit, where)]

    async def compare(self, vector: Vectors, ids: list[str], where: Filter = ANY) -> list[Near]:
        return await asyncio.to_thread(self.index.compare, vector, ids, where)

    async def contents(self) -> dict[str, list[tuple[int, bytes]]]:
        return await asyncio.to_thread(self.index.contents)

    async def keep(self) -> None:
        await asyncio.to_thread(self.index.keep)

    async def reopen(self, made_by: str = "maker") -> VectorIndex:
        return await asyncio.to_thread(self.indexes.open, DIMENSION, made_by)

    def expected(self) -> dict[str, list[tuple[int, bytes]]]:
        return {
            key: [(row.number, row.vector) for row in sorted(own, key=_titles_first)]
            for key, own in self.stored.items()
        }


def _titles_first(row: StoredPassage) -> tuple[bool, int]:
    return row.kind == "text", row.number


def _row(row: StoredPassage) -> dict[str, Any]:
    return {
        "no": row.number, "article_id": row.article_id, "version": 1, "heading": "", "text": "Text",
        "start": 0, "end": 4, "language": row.language, "area": row.area, "kind": row.kind, "terms": "",
        "audience": row.audience, "plans": list(row.plans), "product_versions": list(row.product_versions),
        "encoder": "maker", "batch": row.batch, "vector": row.vector, "sentences": b"",
    }  # fmt: skip


Make = Callable[[Database, Path], VectorIndexes]
KINDS: dict[str, Make] = {
    "faiss": lambda _, path: FaissFiles(path / "i.faiss"),
    "faiss, with lists": lambda _, path: FaissFiles(path / "i.faiss", exact_up_to=100),
    "pgvector": lambda database, _: PgvectorTables(database),
    "pgvector, with HNSW": lambda database, _: PgvectorTables(database, exact_up_to=100),
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
async def bench(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Bench:
    indexes: VectorIndexes = request.param(database, tmp_path)
    return Bench(indexes, database, await asyncio.to_thread(indexes.open, DIMENSION, "maker"))


def unit(*numbers: float) -> Vectors:
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def passage(number: int, article: str, vector: Vectors, **others: Any) -> StoredPassage:
    base = StoredPassage(number, article, f"bat_{article}", "en", "any", "text", vector.tobytes())
    return replace(base, **others)


def many(articles: int, each: int = 3, seed: int = 1) -> list[StoredPassage]:
    """Passages around sixty themes, as texts of one product are."""
    random = np.random.default_rng(seed)
    themes = random.standard_normal((60, DIMENSION))
    rows = []
    for number in range(articles * each):
        vector = themes[(number // each) % 60] + 0.4 * random.standard_normal(DIMENSION)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        article, kind = f"article-{number // each:04}", "text" if number % each else "title"
        rows.append(passage(seed * 100_000 + number, article, vector, kind=kind))
    return rows


async def test_the_nearest_come_first_with_title_text_and_what_to_quote(bench: Bench) -> None:
    await bench.put(
        passage(1, "a", unit(1, 0.2), kind="title"), passage(2, "a", unit(0, 1)), passage(3, "a", unit(1, 1)),
        passage(4, "b", unit(0, 0, 1)), passage(5, "b", unit(1, 0, 0.05)),
        passage(6, "c", unit(0, 0, 0, 1), kind="title"),
    )  # fmt: skip
    found = await bench.nearest(unit(1))
    assert [(one.article_id, one.number) for one in found] == [("b", 5), ("a", 3), ("c", 6)]
    assert found[0].text == pytest.approx(0.99875, abs=1e-4)
    assert found[0].title == found[0].text, "without a title its text stands for it"
    assert found[1].title == pytest.approx(0.98058, abs=1e-4)
    assert found[1].text == pytest.approx(0.70711, abs=1e-4)
    assert await bench.ids(unit(1), 1) == ["b"]


async def test_equal_ones_come_by_id(bench: Bench) -> None:
    await bench.put(*(passage(9 - place, key, unit(1)) for place, key in enumerate("dbca")))
    assert await bench.ids(unit(1)) == ["a", "b", "c", "d"]


async def test_an_article_with_many_passages_hides_no_other(bench: Bench) -> None:
    await bench.put(*(passage(number, "long", unit(1, number / 5000)) for number in range(1, 600)))
    await bench.put(passage(700, "short", unit(0.5, 1)), passage(701, "other", unit(0, 1)))
    assert await bench.ids(unit(1), 3) == ["long", "short", "other"]


async def test_what_is_replaced_or_taken_back_is_not_found(bench: Bench) -> None:
    await bench.put(passage(1, "a", unit(1)), passage(2, "b", unit(0, 1)))
    await bench.keep()
    await bench.put(passage(3, "a", unit(0, 0, 1), batch="bat_new"))
    assert await bench.ids(unit(0, 0, 1), 1) == ["a"]
    assert (await bench.nearest(unit(1)))[0].text == pytest.approx(0.0, abs=1e-6)
    assert await asyncio.to_thread(bench.index.batches) == {"a": "bat_new", "b": "bat_b"}
    await bench.take_back("b", "never-there")
    assert await bench.ids(unit(0, 1)) == ["a"]
    assert (len(bench.index), bench.index.revision) == (1, 3)
    assert await bench.contents() == bench.expected()


async def test_nothing_is_found_in_nothing(bench: Bench) -> None:
    assert await bench.ids(unit(1)) == []
    assert await bench.compare(unit(1), ["a"]) == []
    assert len(bench.index) == 0
    await bench.keep()
    await bench.put(passage(1, "a", unit(1)))
    await bench.take_back("a")
    await bench.keep()
    assert await bench.ids(unit(1)) == []
    assert len(await bench.reopen()) == 0


FILTERS: dict[str, tuple[Filter, set[str]]] = {
    "all": (ANY, {"en", "gb", "de", "staff", "gold", "two"}),
    "language": (Filter(language="en"), {"en", "gb", "staff", "gold", "two"}),
    "region": (Filter(language="en-GB"), {"gb"}),
    "no joker": (Filter(language="e%"), set()),
    "area": (Filter(area="billing"), {"de"}),
    "audience": (Filter(audiences=frozenset({"everyone"})), {"en", "gb", "de", "gold", "two"}),
    "plan": (Filter(plan="gold"), {"en", "gb", "de", "staff", "gold", "two"}),
    "another plan": (Filter(plan="basic"), {"en", "gb", "de", "staff", "two"}),
    "version": (Filter(product_version="1"), {"en", "gb", "de", "staff", "gold"}),
    "both": (Filter(language="en", audiences=frozenset({"staff"})), {"staff"}),
    "nothing": (Filter(area="none such"), set()),
}


@pytest.mark.parametrize(("where", "expected"), FILTERS.values(), ids=FILTERS)
async def test_filters(bench: Bench, where: Filter, expected: set[str]) -> None:
    await bench.put(
        passage(1, "en", unit(1)), passage(2, "gb", unit(1), language="en-GB"),
        passage(3, "de", unit(1), language="de", area="billing"),
        passage(4, "staff", unit(1), audience="staff"),
        passage(5, "gold", unit(1), plans=("gold", "silver")),
        passage(6, "two", unit(1), product_versions=("2",)),
    )  # fmt: skip
    assert set(await bench.ids(unit(1), where=where)) == expected
    compared = await bench.compare(unit(1), ["two", "gold", "staff", "de", "gb", "en", "none"], where)
    assert {one.article_id for one in compared} == expected


async def test_compared_are_just_those_asked_for(bench: Bench) -> None:
    await bench.put(passage(1, "a", unit(1)), passage(2, "b", unit(1, 1)), passage(3, "c", unit(1)))
    found = await bench.compare(unit(1), ["b", "a", "b"])
    assert [(one.article_id, one.number) for one in found] == [("b", 2), ("a", 1)]
    assert [one.text for one in found] == pytest.approx([0.70711, 1.0], abs=1e-4)


async def test_a_reopened_index_holds_the_same(bench: Bench) -> None:
    rows = many(80)
    await bench.put(*rows[:150])
    await bench.keep()
    await bench.put(*rows[150:])
    await bench.take_back("article-0003", "article-0070")
    await bench.keep()
    again = await bench.reopen()
    assert await asyncio.to_thread(again.contents) == bench.expected()
    assert len(again) == len(bench.index) == 78 * 3
    assert await asyncio.to_thread(again.batches) == await asyncio.to_thread(bench.index.batches)


async def test_another_maker_s_index_is_apart(bench: Bench) -> None:
    await bench.put(passage(1, "a", unit(1)))
    await bench.keep()
    assert len(await bench.reopen("another maker")) == 0
    await asyncio.to_thread(bench.indexes.forget_others, "maker")
    assert await asyncio.to_thread((await bench.reopen()).contents) == bench.expected()


async def test_among_many_it_finds_what_comparing_all_finds(bench: Bench) -> None:
    rows = many(500)
    await bench.put(*rows)
    await bench.keep()
    await bench.put(*many(20, seed=2))
    await bench.take_back(*(f"article-{number:04}" for number in range(40, 90)))
    held = [row for own in bench.stored.values() for row in own]
    matrix = np.stack([np.frombuffer(row.vector, np.float32) for row in held])
    articles = [row.article_id for row in held]
    found_of_true = 0
    for row in held[:: len(held) // 50][:50]:
        query = np.frombuffer(row.vector, np.float32) + 0.05
        query = query / np.linalg.norm(query)
        order = np.argsort(-(matrix @ query), kind="stable")
        true = list(dict.fromkeys(articles[place] for place in order))[:10]
        found = await bench.ids(query)
        assert not {f"article-{number:04}" for number in range(40, 90)} & set(found)
        found_of_true += len(set(true) & set(found))
    assert found_of_true >= 0.95 * 500


async def test_it_can_be_asked_while_it_changes(bench: Bench) -> None:
    await bench.put(*many(100))
    stop = asyncio.Event()

    async def ask() -> int:
        asked = 0
        while not stop.is_set() or not asked:
            assert "always" in await bench.ids(unit(*[1] * DIMENSION), 200)
            asked += 1
        return asked

    await bench.put(passage(7, "always", unit(*[1] * DIMENSION)))
    asking = asyncio.create_task(ask())
    for number in range(6):
        await bench.put(*many(12, seed=3 + number))
        await bench.keep()
    stop.set()
    assert await asking > 0
    assert await bench.contents() == bench.expected()
