"""Search at 1,000 to a million passages, beside other ways to do it, in one run on one core.

    .venv/bin/python tests/benchmarks/kb_index.py [--sizes 1000 10000 100000] [--whole-up-to 100000]
                                                  [--pgvector-up-to 100000] [--encoder DIR]

Passages are those of the seed articles (`data/kb`) and, beyond them, mixtures of two of them with noise:
their vectors lie about as near to one another as real ones do, their terms are drawn from both. Questions are
those of `data/kb/questions.yml`. Each way is asked every question, one after the other; `recall@10` is the
share of the ten nearest passages by exact comparison that it finds, for ways that compare vectors. `kept` is
what it takes on disk or, where nothing is on disk, serialised. `the index` is what the product asks: fifty
articles with their best passages. The whole search is a question to hits with quotes: encoding, words,
vectors, PostgreSQL. Publishing is timed until this process, and another one, finds the article.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import faiss
import numpy as np
import sqlalchemy as sa

from foundation.clock import SystemClock
from foundation.database import Database
from kb_index.articles import storage
from kb_index.articles.importing import parse_article
from kb_index.articles.service import Articles
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.store import EncoderStore
from kb_index.evaluation.known_questions import read_questions
from kb_index.index.faiss_index import FaissIndex
from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.vector_rows import inverted_lists
from kb_index.ports import Filter, Kind, StoredPassage, Vectors
from kb_index.text.terms import Normaliser
from tests.benchmarks.installation import default_encoder, encoder_folder
from tests.benchmarks.kb_search import (
    in_milliseconds,
    process,
    servers,
    time_publishing,
    time_searches,
)

ROOT = Path(__file__).parents[2]
_KINDS: tuple[Kind, ...] = ("title", "text", "text", "text")
PER_ARTICLE = len(_KINDS)
TOP = 10
ANY = Filter()


@dataclass(frozen=True)
class Corpus:
    """Passages as the index takes them, and questions with vector and terms."""

    rows: list[StoredPassage]
    vectors: Vectors
    questions: list[str]
    asked: Vectors
    asked_terms: list[list[str]]


@dataclass
class Way:
    """What asking one way took: seconds of each question, and the numbers it found."""

    name: str
    built_s: float
    kept_mb: float
    seconds: list[float] = field(default_factory=list)
    recall: float | None = None

    def figures(self) -> dict[str, Any]:
        """As they are printed."""
        rate = len(self.seconds) / sum(self.seconds)
        own = {"built_s": round(self.built_s, 2), "kept_mb": round(self.kept_mb, 1)}
        return {**in_milliseconds(self.seconds), "per_second": round(rate), "recall": self.recall, **own}


def corpus(size: int, encoder: OnnxEncoder) -> Corpus:
    """Make `size` passages, as the module says."""
    maker = PassageBuilder(encoder, Normaliser())
    drafts = [
        parse_article(path.read_bytes(), path.name).draft for path in sorted((ROOT / "data/kb").glob("*.md"))
    ]
    real = [made for draft in drafts for made in maker.make(draft, quotable=False)]
    known = np.stack([np.frombuffer(made.vector, np.float32) for made in real])
    terms = [made.terms.split() for made in real]
    random = np.random.default_rng(7)
    vectors = np.empty((size, encoder.dimension), np.float32)
    rows = []
    for number in range(size):
        one, other = random.integers(len(real), size=2)
        noise = random.standard_normal(encoder.dimension).astype(np.float32) * (0.5 / encoder.dimension**0.5)
        mixed = known[number] if number < len(real) else 0.6 * known[one] + 0.4 * known[other] + noise
        vectors[number] = mixed / np.linalg.norm(mixed)
        words = (
            terms[number] if number < len(real) else _some(random, terms[one]) + _some(random, terms[other])
        )
        article, kind = f"article-{number // PER_ARTICLE}", _KINDS[number % PER_ARTICLE]
        rows.append(
            StoredPassage(
                number,
                article,
                f"bat_{article}",
                "en",
                "any",
                kind,
                vectors[number].tobytes(),
                " ".join(words),
            )
        )
    questions = [one.text for one in read_questions(ROOT / "data" / "kb" / "questions.yml")]
    asked = np.stack([encoder.encode([one])[0] for one in questions])
    return Corpus(rows, vectors, questions, asked, [maker.normaliser.terms(one) for one in questions])


def _some(random: np.random.Generator, words: list[str]) -> list[str]:
    return [words[place] for place in random.integers(len(words), size=max(4, len(words) // 2))]


def measure(way: Way, corpus: Corpus, ask: Callable[[int], Any], true: list[set[int]] | None = None) -> Way:
    """Ask every question; with `true`, `ask` returns the numbers that were found."""
    for number in range(min(20, len(corpus.asked))):
        ask(number)
    found = []
    for number in range(len(corpus.asked)):
        started = time.perf_counter()
        answer = ask(number)
        way.seconds.append(time.perf_counter() - started)
        if true is not None:
            found.append(len(true[number] & set(answer)) / TOP)
    way.recall = round(statistics.mean(found), 4) if found else None
    return way


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that it took, and what it returned."""
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def exact(corpus: Corpus) -> list[set[int]]:
    """The ten nearest of each question."""
    index = faiss.IndexFlatIP(corpus.vectors.shape[1])
    index.add(corpus.vectors)
    return [set(row.tolist()) for row in index.search(corpus.asked, TOP)[1]]


def by_vectors(corpus: Corpus, true: list[set[int]]) -> Iterator[Way]:
    """FAISS: all compared, lists with more and fewer looked into, a graph."""
    dimension = corpus.vectors.shape[1]

    def flat() -> Any:
        index = faiss.IndexFlatIP(dimension)
        index.add(corpus.vectors)
        return index

    def graph() -> Any:
        index = faiss.IndexHNSWFlat(dimension, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = 80, 128
        index.add(corpus.vectors)
        return index

    made = {"FAISS flat": flat, "FAISS HNSW 32, ef 128": graph}
    if len(corpus.rows) >= 10_000:
        made["FAISS lists"] = partial(inverted_lists, corpus.vectors)
    for name, make in made.items():
        built, index = timed(make)
        kept = len(faiss.serialize_index(index)) / 1e6
        for probed in (16, 64) if name == "FAISS lists" else (0,):
            if probed:
                index.nprobe = probed
            way = Way(f"{name}, {probed} looked into" if probed else name, built, kept)
            yield measure(way, corpus, partial(_ten, index, corpus.asked), true)


def _ten(index: Any, asked: Vectors, number: int) -> list[int]:
    found: list[int] = index.search(asked[number : number + 1], TOP)[1][0].tolist()
    return found


def the_index(corpus: Corpus, folder: Path) -> Way:
    """The product's own, mapped from its snapshot."""
    path = folder / "passages.faiss"

    def make() -> FaissIndex:
        index = FaissIndex(corpus.vectors.shape[1], "benchmark", path)
        index.replace([], corpus.rows, 1)
        index.keep()
        return index

    built, index = timed(make)
    kept = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    way = Way("the index: 50 articles", built, kept)
    return measure(way, corpus, lambda number: index.nearest(corpus.asked[number], 50, ANY))


def by_words(corpus: Corpus, folder: Path) -> Iterator[Way]:
    """The product's BM25, and SQLite's."""

    def make() -> LexicalIndex:
        index = LexicalIndex()
        index.replace([], corpus.rows)
        return index

    built, words = timed(make)
    way = Way("words alone (tantivy, BM25): 50 articles", built, 0.0)
    yield measure(way, corpus, lambda number: words.best(corpus.asked_terms[number], 50, ANY))
    path = folder / "fts.sqlite"
    database = sqlite3.connect(path)

    def fill() -> None:
        database.execute("create virtual table p using fts5(terms, content='')")
        database.executemany(
            "insert into p(rowid, terms) values (?, ?)", ((row.number, row.terms) for row in corpus.rows)
        )
        database.commit()

    built, _ = timed(fill)
    queries = [" OR ".join(f'"{term}"' for term in terms) or '"none"' for terms in corpus.asked_terms]

    def ask(number: int) -> None:
        query = "select rowid from p where p match ? order by bm25(p) limit 50"
        database.execute(query, (queries[number],)).fetchall()

    yield measure(Way("words: SQLite FTS5, BM25", built, path.stat().st_size / 1e6), corpus, ask)
    database.close()


async def by_pgvector(corpus: Corpus, database: Database, true: list[set[int]]) -> list[Way]:
    """PostgreSQL: all compared, and HNSW."""
    ways = []
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute("create extension if not exists vector with schema public")
        await raw.execute(f"create temp table v (no bigint, e vector({corpus.vectors.shape[1]}))")
        started = time.perf_counter()
        for first in range(0, len(corpus.rows), 2000):
            some = range(first, min(first + 2000, len(corpus.rows)))
            texts = [str(corpus.vectors[number].tolist()) for number in some]
            query = "insert into v select n, e::vector from unnest($1::bigint[], $2::text[]) t(n, e)"
            await raw.execute(query, list(some), texts, timeout=600)
        filled = time.perf_counter() - started
        asked = [str(vector.tolist()) for vector in corpus.asked]
        for name, prepare in (
            ("pgvector, all compared", "select 1"),
            ("pgvector, HNSW, ef 200", "create index on v using hnsw (e vector_ip_ops)"),
        ):
            started = time.perf_counter()
            await raw.execute("set maintenance_work_mem = '1GB'")
            await raw.execute(prepare, timeout=7200)
            await raw.execute("set hnsw.ef_search = 200; set jit = off")
            built = filled + time.perf_counter() - started
            size = await raw.fetchval("select pg_total_relation_size('v')")
            way, found = Way(name, built, size / 1e6), []
            statement = await raw.prepare(f"select no from v order by e <#> $1::text::vector limit {TOP}")
            for number in (*range(10), *range(len(asked))):
                started = time.perf_counter()
                rows = await statement.fetch(asked[number], timeout=60)
                way.seconds.append(time.perf_counter() - started)
                found.append(len(true[number] & {row["no"] for row in rows}) / TOP)
            way.seconds, way.recall = way.seconds[10:], round(statistics.mean(found[10:]), 4)
            ways.append(way)
    return ways


async def store(database: Database, corpus: Corpus, made_by: str) -> None:
    """Put the passages into PostgreSQL as published articles."""
    now = SystemClock().now()
    sentences = np.zeros((1, corpus.vectors.shape[1]), np.float16).tobytes()
    common = {"version": 1, "language": "en", "area": "any"}
    async with database.begin() as tx:
        for first in range(0, len(corpus.rows), 4000):
            rows = corpus.rows[first : first + 4000]
            ids = list(dict.fromkeys(row.article_id for row in rows))
            revision = await storage.next_revision(tx)
            changed = {"updated_at": now, "updated_by": "benchmark"}
            await tx.execute(
                storage.articles.insert(),
                [
                    {"id": key, "version": 1, "published_version": 1, "revision": revision, **changed}
                    for key in ids
                ],
            )
            text = {"title": "Title", "body": "Text", "created_at": now, "created_by": "benchmark"}
            await tx.execute(
                storage.article_versions.insert(), [{"article_id": key, **common, **text} for key in ids]
            )
            await tx.execute(
                storage.passages.insert(),
                [
                    {
                        "article_id": row.article_id, **common, "heading": "", "text": "Text", "start": 0,
                        "end": 4, "kind": row.kind, "terms": row.terms, "audience": "everyone", "plans": [],
                        "product_versions": [], "encoder": made_by, "batch": row.batch, "vector": row.vector,
                        "sentences": sentences if row.kind == "text" else b"",
                    }
                    for row in rows
                ],
            )  # fmt: skip
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("analyze"))


async def whole(corpus: Corpus, encoder: OnnxEncoder) -> dict[str, Any]:
    """The whole search and publishing, with PostgreSQL and two processes' indexes."""
    async with servers() as (database, cache):
        await store(database, corpus, PassageBuilder(encoder, Normaliser()).name)
        started = time.perf_counter()
        async with process(database, cache, encoder) as here:
            first_start = time.perf_counter() - started
            await asyncio.to_thread(here.indexes.vectors.keep)
            times = await time_searches(here, encoder, corpus.questions, 1)
            articles = Articles(database, here.indexes, SystemClock())
            async with process(database, cache, encoder) as there:
                await asyncio.to_thread(there.indexes.vectors.keep)
                times |= await time_publishing(here, there, articles)
    figures: dict[str, Any] = {name: in_milliseconds(values) for name, values in times.items()}
    return {**figures, "start without a snapshot s": round(first_start, 1)}


async def main() -> None:
    """Measure and print tables and a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    exported = Path(default_encoder())
    used = EncoderStore(exported.with_name("kb-encoder"), exported).current()
    parser.add_argument(
        "--encoder", type=encoder_folder, default=str(used), help="default: the one that the search uses"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--whole-up-to", type=int, default=100_000)
    parser.add_argument("--pgvector-up-to", type=int, default=100_000)
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    encoder = OnnxEncoder(args.encoder)
    printed: dict[str, Any] = {}
    for size in args.sizes:
        own = corpus(size, encoder)
        true = exact(own)
        ways = []
        with tempfile.TemporaryDirectory() as folder:
            ways += [the_index(own, Path(folder))]
        with tempfile.TemporaryDirectory() as folder:
            ways += [*by_words(own, Path(folder)), *by_vectors(own, true)]
        if size <= args.pgvector_up_to:
            async with servers() as (database, _):
                ways += await by_pgvector(own, database, true)
        rows = {way.name: way.figures() for way in ways}
        show(size, rows)
        printed[str(size)] = {"ways": rows}
        if size <= args.whole_up_to:
            printed[str(size)]["whole"] = figures = await whole(own, encoder)
            for name, row in figures.items():
                shown = (
                    f"{row['p50_ms']:9.2f}{row['p95_ms']:9.2f}" if isinstance(row, dict) else f"{row:9.1f}"
                )
                print(f"{name:42}{shown}")
    print(json.dumps({"benchmark": "kb_index", "questions": len(own.questions), "sizes": printed}))


def show(size: int, rows: dict[str, dict[str, Any]]) -> None:
    """Print one size's table."""
    print(f"\n{size:,} passages")
    print(f"{'':42}{'p50 ms':>9}{'p95 ms':>9}{'a second':>9}{'recall@10':>10}{'built s':>9}{'kept MB':>9}")
    for name, row in rows.items():
        recall = "" if row["recall"] is None else f"{row['recall']:.4f}"
        print(
            f"{name:42}{row['p50_ms']:9.2f}{row['p95_ms']:9.2f}{row['per_second']:9}{recall:>10}"
            f"{row['built_s']:9.2f}{row['kept_mb']:9.1f}"
        )


if __name__ == "__main__":
    asyncio.run(main())
