"""Everything that is kept anywhere, read for a search: database, files, cache, exports and staff answers."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import redis.asyncio as redis
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.canaries import Search
from tests.support.canary_ways import Staff
from tests.support.product import ROOT, Product

_NOT_OURS = ("postgres/data", "encoder", "models", "kettle", "demo")
"""Folders that are read otherwise (the database's own files) or hold nothing of a conversation."""
_LARGEST = 64 * 2**20


def url_of(product: Product, part: str) -> str:
    """Where a child of the product listens, with its password."""
    from app.ops.children.child import Place
    from app.ops.children.postgres import Postgres
    from app.ops.children.valkey import Valkey

    place = Place.within(product.home)
    child: Any = {"postgres": Postgres, "valkey": Valkey}[part](place, product.home / part)
    return str(child.url)


async def search_database(search: Search, product: Product) -> None:
    """All tables and columns; an event is told apart by its type, since transcripts are kept on purpose."""
    engine = create_async_engine(url_of(product, "postgres"))
    try:
        async with engine.connect() as connection:
            listed = await connection.execute(
                sa.text("select tablename from pg_tables where schemaname = 'public' order by 1")
            )
            for table in list(listed.scalars()):
                for row in await connection.execute(sa.text(f'select * from "{table}"')):
                    kind = f"[{row._mapping['type']}]" if table == "events" else ""
                    for column, value in row._mapping.items():
                        place = f"{table}.{column}{kind if column == 'payload' else ''}"
                        search.look(place, _text(value))
    finally:
        await engine.dispose()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=str)


async def search_cache(search: Search, product: Product) -> None:
    """All keys and values, whatever their type."""
    client = redis.Redis.from_url(url_of(product, "valkey"), decode_responses=True)
    try:
        async for key in client.scan_iter(count=500):
            kind = await client.type(key)
            place = f"valkey {key.split(':')[0]}:{key.split(':')[1] if ':' in key else ''}"
            search.look(place, key)
            if kind == "string":
                search.look(place, str(await client.get(key)))
            elif kind != "none":
                search.look(place, json.dumps(await _value(client, str(kind), str(key)), default=str))
    finally:
        await client.aclose()


async def _value(client: Any, kind: str, key: str) -> Any:
    match kind:
        case "hash":
            return await client.hgetall(key)
        case "list":
            return await client.lrange(key, 0, -1)
        case "set":
            return list(await client.smembers(key))
        case "zset":
            return await client.zrange(key, 0, -1)
        case _:
            return await client.xrange(key)


def search_files(search: Search, home: Path) -> list[str]:
    """All files of the home; returns which were read."""
    read = []
    for file in sorted(home.rglob("*")):
        name = str(file.relative_to(home))
        if any(name == one or name.startswith((f"{one}/", f"{one}.")) for one in _NOT_OURS):
            continue
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _LARGEST:
            continue
        search.look(f"file {name}", file.read_bytes().decode("utf-8", "replace"))
        read.append(name)
    return read


async def search_export(search: Search, product: Product, folder: Path) -> int:
    """The copy for trainers; returns how many lines it has."""
    file = folder / "export.jsonl"
    await command(product, "audit", "export", str(file))
    lines = file.read_text(encoding="utf-8").splitlines()
    for line in lines:
        search.look("export for trainers", line)
    return len(lines)


async def command(product: Product, *arguments: str) -> str:
    """Run `firstline ...` against the product; what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", *arguments, cwd=ROOT, env=product.environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def search_answers(search: Search, colleague: Staff) -> None:
    """What staff who do not handle the cases are shown: lists, reviews, questions, metrics."""
    listed = json.loads(await colleague.get("/api/v1/review/conversations?limit=200"))
    search.look("GET review", json.dumps(listed, ensure_ascii=False))
    for one in listed["conversations"]:
        path = f"/api/v1/review/conversations/{one['id']}"
        search.look("GET review of one", await colleague.get(path))
    for status in ("open", "resolved"):
        answer = json.loads(await colleague.get(f"/api/v1/cases?status={status}&limit=500"))
        contacts = [case.pop("contact") for case in answer["cases"]]
        search.look("GET cases[contact]", json.dumps(contacts, ensure_ascii=False))
        search.look("GET cases", json.dumps(answer, ensure_ascii=False))
    for name, path in (
        ("questions in vain", "/api/v1/questions/in-vain"),
        ("attempts", "/api/v1/attempts?limit=1000"),
        ("healing", "/api/v1/healing?limit=1000"),
        ("triggers", "/api/v1/triggers"),
        ("outcomes", "/api/v1/outcomes"),
        ("articles", "/api/v1/articles"),
        ("staff", "/api/v1/staff"),
        ("metrics", "/metrics"),
    ):
        search.look(f"GET {name}", await colleague.get(path))
