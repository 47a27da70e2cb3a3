"""The index in PostgreSQL, with pgvector: for more passages than one machine's processes should each hold.

One table a maker, filled from `passages` and bound to it by a foreign key: what is taken back is gone in the
same transaction. Beyond `exact_up_to` passages an HNSW index is asked, before that PostgreSQL compares all.
"""

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa
import structlog
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.exc import DBAPIError

from foundation.database import Database
from foundation.errors import InvalidInput
from kb_index.articles.storage import passages
from kb_index.index import article_entries
from kb_index.ports import Filter, Near, StoredPassage, Vectors

EXACT_UP_TO = 10_000
"""Passages up to which PostgreSQL compares all; measured: docs/kb-index.md."""
_PREFIX = "kb_vectors_"
_LOOK_AT = 40
_SETTINGS = (("hnsw.ef_search", "200"), ("hnsw.iterative_scan", "relaxed_order"), ("jit", "off"))
"""Of a search. Compiling its plan takes ten times what the search does."""
_CHUNK = 500
_BUILDING = 4 * 3600.0
"""Seconds that making the HNSW index may take."""
log = structlog.get_logger(__name__)
T = TypeVar("T")


class PgvectorIndex:
    """Vectors of one maker in a table. Its methods block: call them from threads, never from the event loop.

    `revision` is that of the last change which this process has seen taken in.
    """

    def __init__(
        self,
        database: Database,
        loop: asyncio.AbstractEventLoop,
        dimension: int,
        made_by: str,
        exact_up_to: int,
    ) -> None:
        self.dimension = dimension
        self.made_by = made_by
        self.revision = 0
        self.table = table_of(made_by)
        self._database = database
        self._loop = loop
        self._exact_up_to = exact_up_to
        self._rows = sa.table(
            self.table, sa.column("number", sa.BigInteger), sa.column("embedding", VECTOR(dimension))
        )
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def prepare(self) -> None:
        """Make the table where it is missing.

        Raises:
            InvalidInput: when PostgreSQL has no pgvector, or this account may not switch it on.
        """
        self._wait(self._prepare())

    def batches(self) -> dict[str, str]:
        """Return the batch of each article that is in with all its passages."""
        return self._wait(self._batches())

    def contents(self) -> dict[str, list[tuple[int, bytes]]]:
        """Return each article's passages as (number, vector bytes), to compare one index with another."""
        return self._wait(self._contents())

    def replace(self, article_ids: Iterable[str], rows: Sequence[StoredPassage], revision: int) -> None:
        """Take in those of `rows` that are stored still and not in yet; what is not stored is gone."""
        self._wait(self._replace(rows))
        self.revision = revision

    def nearest(self, vector: Vectors, limit: int, where: Filter) -> list[Near]:
        """Return the `limit` articles whose nearest vector is nearest, best first; equal ones by id."""
        return self._wait(self._nearest(vector, limit, where))

    def compare(self, vector: Vectors, article_ids: Iterable[str], where: Filter) -> list[Near]:
        """Return how near just these articles are; those left out by `where` or unknown are missing."""
        return self._wait(self._compare(vector, list(article_ids), where))

    def keep(self) -> None:
        """Make the HNSW index, when there is none and passages are many. It blocks for minutes then."""
        self._wait(self._keep())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _prepare(self) -> None:
        try:
            async with self._database.begin() as tx:
                await tx.execute(sa.text(f"select pg_advisory_xact_lock(hashtext('{_PREFIX}'))"))
                known = await tx.execute(sa.text("select 1 from pg_extension where extname = 'vector'"))
                if known.first() is None:
                    await tx.execute(sa.text("create extension vector with schema public"))
                await tx.execute(
                    sa.text(
                        f"create table if not exists {self.table} (number bigint primary key"
                        " references passages (no) on delete cascade,"
                        f" embedding vector({self.dimension}) not null)"
                    )
                )
        except DBAPIError as error:
            raise InvalidInput(
                "VECTOR_INDEX=pgvector needs the extension `vector` in PostgreSQL, and it cannot be used.",
                hint="Install pgvector 0.8 or newer and run `create extension vector` as a superuser,"
                " or set VECTOR_INDEX=faiss.",
            ) from error
        await self._recount()

    async def _recount(self) -> None:
        async with self._database.connect() as connection:
            counted = await connection.execute(sa.select(sa.func.count()).select_from(self._rows))
            self._count = int(counted.scalar_one())

    async def _batches(self) -> dict[str, str]:
        p, t = passages.c, self._rows.c
        query = (
            sa.select(p.article_id, sa.func.min(p.batch).label("batch"))
            .select_from(passages.outerjoin(self._rows, t.number == p.no))
            .where(p.encoder == self.made_by)
            .group_by(p.article_id)
            .having(sa.func.count(t.number) == sa.func.count())
        )
        async with self._database.connect() as connection:
            return {row.article_id: row.batch for row in await connection.execute(query)}

    async def _contents(self) -> dict[str, list[tuple[int, bytes]]]:
        p, t = passages.c, self._rows.c
        query = (
            sa.select(p.article_id, p.no, t.embedding)
            .join(self._rows, t.number == p.no)
            .order_by(p.article_id, p.kind == "text", p.no)
        )
        async with self._database.connect() as connection:
            rows = (await connection.execute(query)).all()
        found: dict[str, list[tuple[int, bytes]]] = {}
        for row in rows:
            found.setdefault(row.article_id, []).append((row.no, _floats(row.embedding).tobytes()))
        return found

    async def _replace(self, rows: Sequence[StoredPassage]) -> None:
        values = (
            sa.func.unnest(
                sa.bindparam("numbers", type_=sa.ARRAY(sa.BigInteger)),
                sa.bindparam("vectors", type_=sa.ARRAY(sa.Text)),
            )
            .table_valued("number", "embedding")
            .render_derived(name="given")
        )
        # A row that is taken back meanwhile is not put in: its article's next change is taken in after it.
        stored = (
            sa.select(passages.c.no, sa.cast(values.c.embedding, VECTOR(self.dimension)))
            .join(values, values.c.number == passages.c.no)
            .with_for_update(key_share=True, read=True, of=passages)
        )
        target = sa.dialects.postgresql.insert(self._rows).from_select(["number", "embedding"], stored)
        insert = target.on_conflict_do_nothing(index_elements=["number"])
        async with self._database.begin() as tx:
            for first in range(0, len(rows), _CHUNK):
                some = {row.number: row for row in rows[first : first + _CHUNK]}
                have = await tx.execute(sa.select(self._rows.c.number).where(self._rows.c.number.in_(some)))
                for row in have:
                    del some[row.number]
                if some:
                    vectors = [str(_from(row.vector).tolist()) for row in some.values()]
                    await tx.execute(insert, {"numbers": list(some), "vectors": vectors})
        await self._recount()

    async def _nearest(self, vector: Vectors, limit: int, where: Filter) -> list[Near]:
        p, t = passages.c, self._rows.c
        distance = t.embedding.max_inner_product(vector)
        query = (
            sa.select(p.article_id)
            .join(self._rows, t.number == p.no)
            .where(*_conditions(where))
            .order_by(distance)
        )
        wanted = max(_LOOK_AT, limit * 8)
        async with self._database.begin() as tx:
            await tx.execute(sa.select(*(sa.func.set_config(*setting, True) for setting in _SETTINGS)))
            while True:
                found = (await tx.execute(query.limit(wanted))).all()
                articles = list(dict.fromkeys(row.article_id for row in found))
                if len(articles) > limit or len(found) < wanted:
                    break
                wanted *= 4
        near = await self._compare(vector, articles, where)
        return sorted(near, key=lambda one: (-max(one.title, one.text), one.article_id))[:limit]

    async def _compare(self, vector: Vectors, article_ids: list[str], where: Filter) -> list[Near]:
        if not article_ids:
            return []
        p, t = passages.c, self._rows.c
        cosine = (-t.embedding.max_inner_product(vector)).label("cosine")
        query = (
            sa.select(p.article_id, p.no, (p.kind != "text").label("shown"), cosine)
            .join(self._rows, t.number == p.no)
            .where(p.article_id.in_(article_ids), p.encoder == self.made_by, *_conditions(where))
            .order_by(p.article_id, p.kind == "text", p.no)
        )
        async with self._database.connect() as connection:
            rows = (await connection.execute(query)).all()
        found = {}
        for article, group in groupby(rows, key=lambda row: row.article_id):
            own = list(group)
            titles = sum(row.shown for row in own)
            found[article] = article_entries.near(
                article, titles, [row.cosine for row in own], [row.no for row in own]
            )
        return [found[article] for article in dict.fromkeys(article_ids) if article in found]

    async def _keep(self) -> None:
        if self._count <= self._exact_up_to:
            return
        name = f"ix_{self.table}"
        async with self._database.connect() as connection:
            known = await connection.execute(
                sa.text(
                    "select i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid"
                    " join pg_namespace n on n.oid = c.relnamespace"
                    " where c.relname = :name and n.nspname = current_schema()"
                ),
                {"name": name},
            )
            valid = known.scalar_one_or_none()
            if valid:
                return
            log.info("index_makes_hnsw", passages=self._count)
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            locked = await driver.fetchval(f"select pg_try_advisory_lock(hashtext('{name}'))")
            if not locked:
                return  # another process makes it
            try:
                if valid is False:
                    await driver.execute(f"drop index {name}")
                await driver.execute("set maintenance_work_mem = '512MB'")
                await driver.execute(
                    f"create index concurrently {name} on {self.table} using hnsw (embedding vector_ip_ops)",
                    timeout=_BUILDING,
                )
            finally:
                await driver.execute("reset maintenance_work_mem")
                await driver.execute(f"select pg_advisory_unlock(hashtext('{name}'))")


class PgvectorTables:
    """Indexes in the tables of a database; made on the event loop that runs its queries."""

    def __init__(self, database: Database, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._exact_up_to = exact_up_to

    def open(self, dimension: int, made_by: str) -> PgvectorIndex:
        """Open this maker's table, making it where it is missing; from a thread.

        Raises:
            InvalidInput: see `PgvectorIndex.prepare`.
        """
        index = PgvectorIndex(self._database, self._loop, dimension, made_by, self._exact_up_to)
        index.prepare()
        return index

    def forget_others(self, made_by: str) -> None:
        """Drop the tables of other makers; from a thread."""
        asyncio.run_coroutine_threadsafe(self._drop_others(table_of(made_by)), self._loop).result()

    async def _drop_others(self, kept: str) -> None:
        query = sa.text(
            "select tablename from pg_tables where schemaname = current_schema()"
            " and starts_with(tablename, :prefix) and tablename != :kept"
        )
        async with self._database.begin() as tx:
            for row in (await tx.execute(query, {"kept": kept, "prefix": _PREFIX})).all():
                await tx.execute(sa.text(f'drop table if exists "{row.tablename}"'))


def table_of(made_by: str) -> str:
    """Return the name of the table for what this maker made."""
    return _PREFIX + hashlib.sha256(made_by.encode()).hexdigest()[:12]


def _conditions(where: Filter) -> list[Any]:
    c = passages.c
    found: list[Any] = []
    if where.language is not None:
        found.append(
            sa.or_(
                c.language == where.language,
                c.language.startswith(f"{where.language}-", autoescape=True),
            )
        )
    if where.area is not None:
        found.append(c.area == where.area)
    if where.audiences is not None:
        found.append(c.audience.in_(sorted(where.audiences)))
    for wanted, column in ((where.plan, c.plans), (where.product_version, c.product_versions)):
        if wanted is not None:
            found.append(sa.or_(sa.func.cardinality(column) == 0, sa.literal(wanted) == sa.any_(column)))
    return found


def _from(raw: bytes) -> Vectors:
    return np.frombuffer(raw, np.float32)


def _floats(value: Any) -> Vectors:
    return np.asarray(value, np.float32)
