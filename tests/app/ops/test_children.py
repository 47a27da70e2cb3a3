"""PostgreSQL and Valkey as children: closed to others, safe against `kill -9`, adopted with their data."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio
import sqlalchemy.exc
from sqlalchemy import text

from app.ops.children.child import Child, Place
from app.ops.children.postgres import Postgres
from app.ops.children.valkey import Valkey
from foundation.database import Database

pytestmark = pytest.mark.enable_socket
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    child = Postgres(Place.within(tmp_path), tmp_path / "postgres")
    await child.start()
    yield child
    await child.stop()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[Valkey]:
    child = Valkey(Place.within(tmp_path), tmp_path / "valkey")
    await child.start()
    yield child
    await child.stop()


async def rows(url: str) -> int:
    database = Database.open(url, pool_size=1)
    try:
        async with database.connect() as connection:
            return int(await connection.scalar(text("select count(*) from kept")) or 0)
    finally:
        await database.close()


async def fill(url: str, count: int) -> None:
    database = Database.open(url, pool_size=1)
    async with database.begin() as tx:
        await tx.execute(text("create table if not exists kept (id int)"))
    for number in range(count):
        async with database.begin() as tx:
            await tx.execute(text("insert into kept values (:n)"), {"n": number})
    await database.close()


async def test_what_postgres_committed_is_there_after_kill_9(
    postgres: Postgres, eventually: Eventually
) -> None:
    await fill(postgres.url, 20)
    record = Child.record_in(postgres.place.run, "postgres")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)

    async def all_back() -> bool:
        try:
            return await rows(postgres.url) == 20
        except (OSError, sqlalchemy.exc.SQLAlchemyError, asyncpg.PostgresError):
            return False

    await eventually(all_back)
    again = Child.record_in(postgres.place.run, "postgres")
    assert again is not None
    assert again.pid != record.pid


async def test_postgres_lets_nobody_in_without_its_password(postgres: Postgres) -> None:
    folder = Path(postgres.url.partition("host=")[2].replace("%2F", "/"))
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=str(folder), user="firstline", password="guess", database="postgres")


async def asked(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "create role another",
        "create database another",
        "copy (select 1) to program 'true'",
        "select pg_read_file('/etc/hostname')",
        "alter system set fsync = off",
        "alter role firstline password 'mine'",
    ],
)
async def test_the_apps_account_may_do_nothing_to_the_server(postgres: Postgres, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asked(postgres.url, statement)


async def test_the_apps_account_reaches_its_own_database_alone_and_has_vectors(postgres: Postgres) -> None:
    rights = "select rolsuper or rolcreatedb or rolcreaterole or rolreplication from pg_roles"
    assert await asked(postgres.url, f"{rights} where rolname = current_user") is False
    assert await asked(postgres.url, "select '[1,2]'::vector <-> '[1,4]'::vector") == 2
    for other in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asked(postgres.url.replace("/firstline?", f"/{other}?"), "select 1")


async def test_a_home_from_before_is_taken_over_in_place(postgres: Postgres) -> None:
    """What an earlier version left: all tables the superuser's, in the database `postgres`."""
    for statement in (
        "create table alembic_version (version_num text)",
        "create table kept (id bigint generated always as identity primary key, word text default 'x')",
        "create sequence counter",
        "insert into kept (word) values ('before')",
        "create function nothing() returns trigger language plpgsql as $$ begin return new; end $$",
        "create trigger nothing before insert on kept for each row execute function nothing()",
        "create extension vector",
    ):
        await asked(postgres.admin_url, statement)
    for statement in ("drop database firstline", "drop owned by firstline_app", "drop role firstline_app"):
        await asked(postgres.admin_url, statement)
    still_open = await asyncpg.connect(postgres.admin_url.replace("+asyncpg", ""))
    await postgres.stop()
    again = Postgres(postgres.place, postgres.folder)
    await again.start()
    try:
        assert await asked(again.url, "select word from kept") == "before"
        await asked(again.url, "insert into kept (word) values ('after')")
        await asked(again.url, "alter table kept add column more int")
        await asked(again.url, "alter table kept disable trigger nothing")
        await asked(again.url, "drop function nothing cascade")
        assert await asked(again.url, "select nextval('counter')") == 1
        foreign = (
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace "
            "and relowner <> current_user::regrole and relname not like 'pg_%'"
        )
        assert await asked(again.url, foreign) == 0
        await again.replace()
        assert await asked(again.url, "select count(*) from kept") == 2
    finally:
        await again.stop()
        still_open.terminate()


async def test_postgres_opens_no_port(postgres: Postgres) -> None:
    record = Child.record_in(postgres.place.run, "postgres")
    assert record is not None
    listening = psutil.Process(record.pid).net_connections("inet")
    assert not [one for one in listening if one.status == psutil.CONN_LISTEN]


async def test_an_orphaned_postgres_is_adopted_with_its_data(tmp_path: Path) -> None:
    place = Place.within(tmp_path)
    first = Postgres(place, tmp_path / "postgres")
    await first.start()
    await fill(first.url, 3)
    assert first._keeper is not None
    first._keeper.cancel()
    second = Postgres(place, tmp_path / "postgres")
    await second.start()
    assert second.adopted
    assert await rows(second.url) == 3
    await second.stop()


async def test_an_interrupted_first_start_is_made_good_by_the_next(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (tmp_path / "postgres").chmod(0o700)
    (half / "PG_VERSION").write_text("18\n")
    child = Postgres(Place.within(tmp_path), tmp_path / "postgres")
    await child.start()
    await child.stop()


async def test_a_home_with_a_long_path_works_too(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 20) / ("longer" * 10)
    child = Postgres(Place.within(home), home / "postgres")
    await child.start()
    await fill(child.url, 1)
    assert await rows(child.url) == 1
    await child.stop()


async def test_valkey_wants_its_password_and_shows_it_to_nobody(valkey: Valkey) -> None:
    stranger = redis.asyncio.Redis(host="127.0.0.1", port=valkey.port)
    with pytest.raises(redis.exceptions.AuthenticationError):
        await stranger.get("anything")
    await stranger.aclose()
    record = Child.record_in(valkey.place.run, "valkey")
    assert record is not None
    assert valkey.password not in " ".join(psutil.Process(record.pid).cmdline())
    config = valkey.folder / "valkey.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


async def test_valkey_keeps_its_port_over_a_stop_and_nothing_else(tmp_path: Path) -> None:
    place = Place.within(tmp_path)
    first = Valkey(place, tmp_path / "valkey")
    await first.start()
    client = redis.asyncio.Redis.from_url(first.url)
    await client.set("told", "in confidence")
    await client.aclose()
    await first.stop()
    second = Valkey(place, tmp_path / "valkey")
    await second.start()
    assert second.port == first.port
    client = redis.asyncio.Redis.from_url(second.url)
    assert await client.get("told") is None
    await client.aclose()
    await second.stop()
    written = [file for file in tmp_path.rglob("*") if file.is_file() and b"confidence" in file.read_bytes()]
    assert written == []


async def test_what_earlier_versions_appended_to_a_file_is_removed(tmp_path: Path) -> None:
    former = tmp_path / "valkey" / "appendonlydir"
    former.mkdir(parents=True)
    (former / "appendonly.aof.1.incr.aof").write_text("what somebody told in confidence")
    (tmp_path / "valkey" / "dump.rdb").write_text("the same")
    child = Valkey(Place.within(tmp_path), tmp_path / "valkey")
    await child.start()
    await child.stop()
    assert not former.exists()
    assert not (tmp_path / "valkey" / "dump.rdb").exists()


async def test_postgres_logs_no_words_of_statements_that_fail(postgres: Postgres) -> None:
    database = Database.open(postgres.url, pool_size=1)
    secret = "Quokka Lamp"
    for statement in ("create table told (word text primary key)", f"insert into told values ('{secret}')"):
        async with database.begin() as tx:
            await tx.execute(text(statement))
    for statement in ("insert into told values (:word)", f"select '{secret}'::int", f"nonsense {secret}"):
        with pytest.raises(sqlalchemy.exc.DBAPIError) as refused:
            async with database.begin() as tx:
                await tx.execute(text(statement), {"word": secret} if ":word" in statement else {})
        assert f"'{secret}'" not in "".join(str(refused.value).partition("[parameters")[1:])
    await database.close()
    await postgres.stop()
    assert "database system is ready" in postgres.log.path.read_text()
    assert secret not in postgres.log.path.read_text()


async def test_an_embedded_server_ends_with_its_owner_even_when_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from app.ops.children.valkey import embedded_valkey\n"
        "async def main():\n"
        f"    async with embedded_valkey(pathlib.Path({str(tmp_path)!r})) as url:\n"
        "        print(url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert owner.stdout is not None
    await owner.stdout.readline()
    record = Child.record_in(tmp_path / "run", "valkey")
    assert record is not None
    assert record.alive
    owner.kill()
    await owner.wait()
    async with asyncio.timeout(10):
        while record.alive:
            await asyncio.sleep(0.05)
