"""A program: six pictures of the largest size at once; prints what the process took, in MB."""

import asyncio
import io
import resource
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from PIL import Image

from app.permissions import house_rules
from foundation.authorization import principal_of
from foundation.callers import Caller
from foundation.http.access import Admitted
from foundation.http.endpoints import Call
from kb_index.articles.transfer_api import TransferApi, UploadQuery
from kb_index.permissions import ArticleAction


class Kept:
    """A database that takes anything."""

    @asynccontextmanager
    async def begin(self):
        yield self

    async def execute(self, statement: object) -> None:
        return None


def largest() -> bytes:
    """A small file of 24 million pixels."""
    out = io.BytesIO()
    Image.new("RGBA", (6000, 4000)).save(out, "PNG")
    return out.getvalue()


def taken() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


_CALLER = Caller("staff", name="Ada", roles=frozenset({"editor"}))
ADA = Admitted(_CALLER, principal_of(_CALLER), ArticleAction.ADD_PICTURE, house_rules())


async def main() -> None:
    """Upload, and tell."""
    articles = SimpleNamespace(now=lambda: datetime.now(UTC))
    room: Any = TransferApi(Kept(), articles, None)  # type: ignore[arg-type]

    async def upload(request: Request) -> Any:
        from aiohttp import web

        await room.keep_image(Call(request, ADA, {}, query=UploadQuery()))
        return web.Response()

    app = Application(client_max_size=2**24)
    app.router.add_post("/", upload)
    async with TestClient(TestServer(app)) as client:

        async def send(raw: bytes) -> int:
            async with client.post("/", data=raw) as answer:
                return answer.status

        small = io.BytesIO()
        Image.new("RGBA", (9, 9)).save(small, "PNG")
        await send(small.getvalue())
        before = taken()
        statuses = await asyncio.gather(*(send(raw) for raw in [PICTURE] * 6))
    assert statuses == [200] * 6, statuses
    print(taken() - before)


if __name__ == "__main__":
    import subprocess
    import sys

    if len(sys.argv) == 1:
        # Made elsewhere, so that making it does not count.
        made = subprocess.run(
            [sys.executable, "-m", "tests.reliability.six_pictures", "make"], check=True, capture_output=True
        )
        PICTURE = made.stdout
        asyncio.run(main())
    else:
        sys.stdout.buffer.write(largest())
