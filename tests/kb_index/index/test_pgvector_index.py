"""The whole knowledge base on the index in PostgreSQL, which all processes share."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from foundation.database import Database
from foundation.errors import InvalidInput
from foundation.ids import new_id
from kb_index.domain import Draft
from kb_index.index.pgvector_index import PgvectorTables, table_of
from tests.kb_index.conftest import PAUSE, REFUND, CountingEncoder, House, fill


async def _tables(database: Database) -> set[str]:
    query = "select tablename from pg_tables where schemaname = current_schema() and tablename like 'kb_vec%'"
    async with database.connect() as connection:
        return {row.tablename for row in await connection.execute(sa.text(query))}


async def test_published_found_changed_and_taken_back_in_both_processes(house: House) -> None:
    first = await house.open("a", pgvector=True)
    await fill(first)
    second = await house.open("b", pgvector=True)
    for room in (first, second):
        assert await room.found("money back") == ["refunds", "reset-password", "pause"]
    await first.articles.unpublish("refunds", by="Erin")
    assert "refunds" not in await second.found("money back"), "it is gone in the same transaction"
    await second.articles.publish("refunds", by="Erin")
    await first.indexes.refresh()
    assert (await first.found("money back"))[0] == "refunds"
    changed = Draft("Zeppelins", "billing", "en", "Zeppelin.\n")
    await first.articles.update("pause", changed, base_version=1, by="Erin")
    await first.articles.publish("pause", by="Erin")
    await second.indexes.refresh()
    assert (await second.found("zeppelin"))[0] == "pause"


async def test_a_lost_table_is_filled_again_without_encoding(house: House) -> None:
    room = await house.open("a", pgvector=True)
    await fill(room)
    held = await asyncio.to_thread(room.indexes.vectors.contents)
    await room.search.stop()
    table = table_of(room.indexes.maker.name)
    async with house.database.begin() as tx:
        await tx.execute(sa.text(f"delete from {table} where number % 2 = 0"))
    again = await house.open("b", pgvector=True)
    assert await asyncio.to_thread(again.indexes.vectors.contents) == held
    await again.search.stop()
    async with house.database.begin() as tx:
        await tx.execute(sa.text(f"drop table {table}"))
    anew = await house.open("c", pgvector=True)
    assert await asyncio.to_thread(anew.indexes.vectors.contents) == held
    assert anew.encoder.encoded == again.encoder.encoded == 0


async def test_another_encoder_has_a_table_of_its_own_until_the_former_goes(house: House) -> None:
    room = await house.open("a", pgvector=True)
    await fill(room)
    await room.search.use_encoder(CountingEncoder(house.encoder, "other"))
    assert len(await _tables(house.database)) == 2
    assert (await room.found("holiday"))[0] == "pause"
    await room.indexes.sweep()
    assert await _tables(house.database) == {table_of(room.indexes.maker.name)}
    assert (await room.found("money back"))[0] == "refunds"


async def test_it_holds_what_the_index_in_the_process_holds(house: House) -> None:
    shared, own = await house.open("a", pgvector=True), await house.open("b")
    await shared.write("refunds", REFUND)
    await own.write("pause", PAUSE)
    for room in (shared, own):
        await room.indexes.refresh()
    held = await asyncio.to_thread(shared.indexes.vectors.contents)
    assert held == own.indexes.vectors.contents()
    assert await shared.found("holiday") == await own.found("holiday")


async def test_processes_that_start_together_make_one_table(house: House) -> None:
    tables = PgvectorTables(house.database)
    opened = await asyncio.gather(*(asyncio.to_thread(tables.open, 8, "maker") for _ in range(6)))
    assert {index.table for index in opened} == await _tables(house.database)


async def test_where_the_extension_cannot_be_used_it_says_what_to_do(house: House, postgres_url: str) -> None:
    name = new_id("lacking").lower()
    async with house.database.connect() as connection:
        await connection.execute(sa.text(f"create database {name}"))
        await connection.execute(sa.text(f"create role {name} login password 'x'"))
    url = make_url(postgres_url).set(database=name, username=name, password="x")
    lacking = Database.open(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(InvalidInput, match="needs the extension") as told:
            await asyncio.to_thread(PgvectorTables(lacking).open, 8, "maker")
        assert "VECTOR_INDEX=faiss" in str(told.value.hint)
    finally:
        await lacking.close()
        async with house.database.connect() as connection:
            await connection.execute(sa.text(f"drop database {name} with (force)"))
            await connection.execute(sa.text(f"drop role {name}"))
