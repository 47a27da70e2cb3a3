"""Prints the description of the API as `/openapi.json` gives it, without any server, encoder or model.

    python -m app.api_description

The front end's types are generated from it (`npm run types` in web/), and `make check` compares them.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import redis.asyncio as redis

from app.bootstrap import VERSION, Firstline, assemble, build_app
from app.ops.parts import Parts
from app.settings import Settings
from foundation.database import Database
from foundation.http.openapi import openapi_document
from foundation.http.server import ENDPOINTS
from foundation.wakeups import Wakeups
from kb_index.ports import Purpose, Vectors

_NOWHERE = "127.0.0.1:9"


class _NoEncoder:
    fingerprint = "none"
    dimension = 1

    def encode(self, texts: Sequence[str], *, purpose: Purpose | None = None) -> Vectors:
        self._refuse()

    def count_tokens(self, text: str) -> int:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RuntimeError("the API is described without an encoder")


@asynccontextmanager
async def _unconnected(settings: Settings, parts: Parts) -> AsyncIterator[Firstline]:
    async with AsyncExitStack() as stack:
        database = Database.open(parts.database_url)
        stack.push_async_callback(database.close)
        cache = redis.Redis.from_url(parts.redis_url)
        stack.push_async_callback(cache.aclose)
        outside = await stack.enter_async_context(aiohttp.ClientSession())
        inside = await stack.enter_async_context(aiohttp.ClientSession())
        yield assemble(settings, parts, database, cache, Wakeups(cache), outside, inside, _NoEncoder())


async def describe(home: Path) -> dict[str, Any]:
    """Return the OpenAPI document of this version with its settings as they are by themselves.

    `home` is an empty folder, where the keys go that the services make for themselves.
    """
    settings = Settings.from_env({"FIRSTLINE_HOME": str(home)})
    parts = Parts.fixed(
        settings, f"postgresql+asyncpg://{_NOWHERE}/none", f"redis://{_NOWHERE}", f"http://{_NOWHERE}"
    )
    async with _unconnected(settings, parts) as firstline:
        app = await build_app(settings, parts, lambda *_: nullcontext(firstline))
        return openapi_document(app[ENDPOINTS].values(), firstline.rules, version=VERSION)


def main() -> int:
    """Command line."""
    with tempfile.TemporaryDirectory(prefix="firstline-") as home:
        document = asyncio.run(describe(Path(home)))
    json.dump(document, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
