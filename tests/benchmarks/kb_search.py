"""Search beside encoding alone, and the time from publishing to being found, here and in another process.

    .venv/bin/python tests/benchmarks/kb_search.py [--passages 10000] [--rounds 3] [--encoder DIR]

Runs on the seed articles (`data/kb`) and their questions, in PostgreSQL and Valkey of its own (or those of
TEST_DATABASE_URL and TEST_REDIS_URL). With `--passages` the index is filled up to that number with random
vectors, which cost FAISS and PostgreSQL what real ones do. Searching and encoding take turns question by
question, so that a drift of the machine's speed hits both. A search is the whole of it: encoding, FAISS,
PostgreSQL, the quote.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import redis.asyncio as redis
import sqlalchemy as sa

from app.ops.children.postgres import embedded_postgres
from app.ops.children.valkey import embedded_valkey
from app.schema.tables import metadata
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.ids import ArticleId, new_id
from foundation.wakeups import Wakeups
from kb_index.articles import passage_storage, storage
from kb_index.articles.importing import import_folder
from kb_index.articles.service import Articles
from kb_index.domain import Draft, Passage, Version
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.evaluation.known_questions import evaluate, read_questions
from kb_index.index.faiss_index import FaissFiles
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.synchroniser import SynchronisedIndexes
from kb_index.ports import Encoded
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser
from tests.benchmarks.installation import default_encoder, encoder_folder

ROOT = Path(__file__).parents[2]
PER_ARTICLE = 4


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[Database, str]]:
    """A database with all tables in a schema of its own, and a Valkey."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = os.environ.get("TEST_DATABASE_URL", "")
        if not url:
            url = await stack.enter_async_context(embedded_postgres(folder / "postgres"))
        cache = os.environ.get("TEST_REDIS_URL", "")
        if not cache:
            cache = await stack.enter_async_context(embedded_valkey(folder / "valkey"))
        schema = new_id("bench").lower()
        database = Database.open(url, schema=schema)
        async with database.begin() as tx:
            await tx.execute(sa.text(f'create schema "{schema}"'))
            await tx.run_sync(metadata.create_all)
        yield database, cache
        async with database.begin() as tx:
            await tx.execute(sa.text(f'drop schema "{schema}" cascade'))
        await database.close()


@asynccontextmanager
async def process(database: Database, cache: str, encoder: OnnxEncoder) -> AsyncIterator[ArticleSearch]:
    """One process's search."""
    client = redis.Redis.from_url(cache)
    wakeups = Wakeups(client)
    await wakeups.start()
    with tempfile.TemporaryDirectory() as folder:
        maker = PassageBuilder(encoder, Normaliser())
        indexes = SynchronisedIndexes(database, maker, wakeups, FaissFiles(Path(folder) / "passages.faiss"))
        search = ArticleSearch(database, indexes)
        await search.start()
        yield search
        await search.stop()
    await wakeups.stop()
    await client.aclose()


async def fill_up(database: Database, search: ArticleSearch, passages: int) -> None:
    """Store random passages until there are `passages`; they lie far from every question."""
    random, now = np.random.default_rng(7), SystemClock().now()
    dimension = search.indexes.vectors.dimension
    for number in range(max(0, passages - len(search)) // PER_ARTICLE):
        vectors = random.standard_normal((PER_ARTICLE, dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        sentences = np.zeros((1, dimension), np.float16).tobytes()
        made = [
            Encoded(
                Passage("", "Filler", 0, 6),
                "text" if index else "title",
                vector.tobytes(),
                sentences if index else b"",
                f"filler w{number} v{index}",
                search.indexes.maker.name,
            )
            for index, vector in enumerate(vectors)
        ]
        article_id, draft = ArticleId(f"filler-{number}"), Draft("Filler", "filler", "en", "Filler")
        async with database.begin() as tx:
            await storage.insert_article(
                tx, article_id, version=1, published_version=1, revision=await storage.next_revision(tx),
                imported_hash=None, updated_at=now, updated_by="benchmark",
            )  # fmt: skip
            await storage.insert_version(tx, article_id, 1, draft, now, "benchmark")
            version = Version(article_id, 1, draft, now, "benchmark")
            await passage_storage.replace_passages(tx, version, made)
    await search.indexes.refresh()


async def time_searches(
    search: ArticleSearch, encoder: OnnxEncoder, questions: list[str], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each search and of each encoding of the same question."""
    times: dict[str, list[float]] = {"search": [], "encoding": []}
    for question in questions[:10]:
        await search.search(question)
    for _ in range(rounds):
        for question in questions:
            started = time.perf_counter()
            await search.search(question)
            times["search"].append(time.perf_counter() - started)
            started = time.perf_counter()
            await asyncio.to_thread(encoder.encode, [question])
            times["encoding"].append(time.perf_counter() - started)
    return times


async def time_publishing(
    here: ArticleSearch, there: ArticleSearch, articles: Articles
) -> dict[str, list[float]]:
    """Seconds from the call of publish until this process and the other one find the article."""
    times: dict[str, list[float]] = {"published, found here": [], "published, found elsewhere": []}
    body = "The zeppelin hangar opens at nine. Ask at the gate.\n\n## Tickets\n\n" + "Tickets are free. " * 40
    for number in range(12):
        article_id = f"zeppelin-{number}"
        await articles.create(
            article_id, Draft(f"Zeppelin hangar {number}", "features", "en", body), by="benchmark"
        )
        question = f"zeppelin hangar {number}"

        async def until_found(
            search: ArticleSearch, name: str, wanted: str, asked: str, started: float
        ) -> None:
            while wanted not in [hit.article_id for hit in await search.search(asked, limit=20)]:
                await asyncio.sleep(0.002)
            times[name].append(time.perf_counter() - started)

        started = time.perf_counter()
        elsewhere = asyncio.create_task(
            until_found(there, "published, found elsewhere", article_id, question, started)
        )
        await articles.publish(article_id, by="benchmark")
        await until_found(here, "published, found here", article_id, question, started)
        await elsewhere
    return times


def in_milliseconds(times: list[float]) -> dict[str, float]:
    """p50 and p95."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return {"p50_ms": round(statistics.median(ordered) * 1000, 2), "p95_ms": round(p95 * 1000, 2)}


async def main() -> None:
    """Measure and print a table and a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", type=encoder_folder, default=default_encoder())
    parser.add_argument("--passages", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    questions_file = ROOT / "data" / "kb" / "questions.yml"
    questions = [one.text for one in read_questions(questions_file)]
    encoder = OnnxEncoder(args.encoder)
    async with servers() as (database, cache), process(database, cache, encoder) as here:
        articles = Articles(database, here.indexes, SystemClock())
        started = time.perf_counter()
        report = await import_folder(articles, ROOT / "data" / "kb")
        imported = time.perf_counter() - started
        quality = await evaluate(here, questions_file)
        await fill_up(database, here, args.passages)
        async with process(database, cache, encoder) as there:
            times = await time_searches(here, encoder, questions, args.rounds)
            passages = len(here)
            times |= await time_publishing(here, there, articles)
    show(times, passages, len(report.created), imported, quality)


def show(
    times: dict[str, list[float]], passages: int, articles: int, imported: float, quality: dict[str, Any]
) -> None:
    """Print the table and the JSON line."""
    rows = {name: in_milliseconds(values) for name, values in times.items()}
    print(f"{passages} passages; {articles} articles imported and published in {imported:.1f} s")
    print(f"{'':30}{'p50 ms':>10}{'p95 ms':>10}")
    for name, row in rows.items():
        print(f"{name:30}{row['p50_ms']:10.2f}{row['p95_ms']:10.2f}")
    print(f"{'beyond encoding':30}{rows['search']['p50_ms'] - rows['encoding']['p50_ms']:10.2f}")
    figures = {"import_s": round(imported, 2), "quality_on_own_seed_set": quality}
    print(json.dumps({"benchmark": "kb_search", "passages": passages, **rows, **figures}))


if __name__ == "__main__":
    asyncio.run(main())
