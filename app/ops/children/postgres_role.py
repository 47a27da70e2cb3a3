"""The account and the database that the app uses in its own PostgreSQL: no superuser, owner of its own only.

Run as the superuser at every start of the server. It makes what is missing, takes over a home from before
there was such an account (whose tables were the superuser's, in the database `postgres`), and is done in one
look when there is nothing to do.
"""

import re
from collections.abc import Awaitable, Callable

import asyncpg

APP_USER = "firstline_app"
APP_DATABASE = "firstline"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
Connect = Callable[[str], Awaitable["asyncpg.Connection[asyncpg.Record]"]]
"""Connects the superuser to a database by its name."""

_ROLE = f"""
do $$ begin
  if not exists (select from pg_roles where rolname = '{APP_USER}') then
    create role {APP_USER};
  end if;
end $$"""
# No value from outside is in here: the name is a constant above.
_TAKE_OVER = f"""
do $$
declare one record;
begin
  for one in
    select format('alter %s %s owner to {APP_USER}',
      case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
                     when 'f' then 'foreign table' else 'table' end, c.oid::regclass) as statement
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and pg_get_userbyid(c.relowner) <> '{APP_USER}'
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                      and (d.deptype = 'e' or (c.relkind = 'S' and d.deptype in ('a', 'i'))))
    union all
    select format('alter routine %s owner to {APP_USER}', p.oid::regprocedure)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where pg_get_userbyid(p.proowner) <> '{APP_USER}'
      and n.nspname not in ('pg_catalog', 'information_schema')
      and not exists (select from pg_depend d
                      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute one.statement;
  end loop;
end $$"""  # noqa: S608


async def provide(connect: Connect, password: str) -> None:
    """See to it that the account, its database and the extension for vectors are there.

    Raises:
        asyncpg.PostgresError, OSError: when the server does not do it.
    """
    if not _PLAIN.fullmatch(password):
        raise ValueError("the password holds characters that would need quoting")
    admin = await connect("template1")
    try:
        await admin.execute(_ROLE)
        await admin.execute(
            f"alter role {APP_USER} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
            f"password '{password}'"
        )
        if not await _has(admin, APP_DATABASE):
            await _make_database(admin, connect)
        # Each of these may be missing when an earlier start ended in the middle.
        await admin.execute(f"alter database {APP_DATABASE} owner to {APP_USER}")
        if not await _has(admin, "postgres"):
            await admin.execute("create database postgres template template0")
        for name in ("postgres", "template1", APP_DATABASE):
            await admin.execute(f"revoke all on database {name} from public")
    finally:
        await admin.close(timeout=2)
    inside = await connect(APP_DATABASE)
    try:
        await inside.execute("create extension if not exists vector with schema public")
        await inside.execute(_TAKE_OVER)
    finally:
        await inside.close(timeout=2)


async def _has(admin: "asyncpg.Connection[asyncpg.Record]", database: str) -> bool:
    return bool(await admin.fetchval("select count(*) from pg_database where datname = $1", database))


async def _make_database(admin: "asyncpg.Connection[asyncpg.Record]", connect: Connect) -> None:
    """Make the database; where an earlier version kept its tables in `postgres`, that becomes it."""
    if await _has(admin, "postgres") and await _holds_tables(connect):
        await admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = 'postgres' and pid <> pg_backend_pid()"
        )
        await admin.execute(f"alter database postgres rename to {APP_DATABASE}")
    else:
        await admin.execute(f"create database {APP_DATABASE}")


async def _holds_tables(connect: Connect) -> bool:
    before = await connect("postgres")
    try:
        return bool(await before.fetchval("select to_regclass('public.alembic_version') is not null"))
    finally:
        await before.close(timeout=2)
