"""Clients that keep us waiting lose their connection, and nobody else does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web
from pydantic import BaseModel

from foundation.http import Call, Endpoint
from foundation.http.connections import ConnectionLimits, LimitedSite
from foundation.http.server import build_http
from tests.foundation.test_http import Nobody
from tests.support.made_up import MADE_UP, MadeUp

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


class Note(BaseModel):
    text: str = ""


@dataclass
class Serving:
    port: int

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def status(self) -> bytes:
        async with self.client() as (reader, writer):
            writer.write(GET)
            return await status(reader)


async def status(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        return head.split()[1]


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of the connection."""
    try:
        async with asyncio.timeout(10):
            return await reader.read() is not None
    except ConnectionError:
        return True


@pytest.fixture
def serve():
    @asynccontextmanager
    async def serving(**limits: float) -> AsyncIterator[Serving]:
        async def hello(_: Call) -> Note:
            return Note(text="hello")

        async def much(_: Call) -> web.Response:
            return web.Response(body=b"x" * 30_000_000)

        async def take(call: Call) -> Note:
            return call.body

        public = MadeUp.PUBLIC
        app = build_http(
            [
                Endpoint("GET", "/hello", hello, public, "Hello", response=Note),
                Endpoint("GET", "/much", much, public, "Much"),
                Endpoint("POST", "/take", take, public, "Take", body=Note, response=Note),
            ],
            Nobody(),
            MADE_UP,
            allowed_origins=frozenset,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        await LimitedSite(runner, listening, ConnectionLimits(**limits)).start()  # type: ignore[arg-type]
        try:
            yield Serving(listening.getsockname()[1])
        finally:
            await runner.cleanup()

    return serving


@pytest.mark.parametrize("sent", [b"", b"G", b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: 1"])
async def test_a_head_that_does_not_come_in_time_ends_the_connection(serve, sent: bytes) -> None:
    async with serve(head=0.2) as serving, serving.client() as (reader, writer):
        writer.write(sent)
        assert await ended(reader)
        assert await serving.status() == b"200"


async def test_bytes_that_trickle_do_not_win_time(serve) -> None:
    async with serve(head=0.3) as serving, serving.client() as (reader, writer):

        async def trickle() -> None:
            while True:
                writer.write(b"X: 1\r\n")
                await asyncio.sleep(0.02)

        writer.write(b"GET /hello HTTP/1.1\r\n")
        trickling = asyncio.create_task(trickle())
        try:
            assert await ended(reader)
        finally:
            trickling.cancel()


async def test_the_next_head_on_a_kept_connection_has_a_deadline_too(serve) -> None:
    async with serve(head=0.3) as serving, serving.client() as (reader, writer):
        writer.write(GET)
        assert await status(reader) == b"200"
        writer.write(GET)
        assert await status(reader) == b"200"
        writer.write(b"GET /hel")
        assert await ended(reader)


async def test_a_connection_that_waits_for_its_next_request_is_kept(serve) -> None:
    async with serve(head=0.1) as serving, serving.client() as (reader, writer):
        writer.write(GET)
        assert await status(reader) == b"200"
        # Longer than any head may take.
        await asyncio.sleep(0.3)
        writer.write(GET)
        assert await status(reader) == b"200"


async def test_who_opens_too_many_pushes_out_their_own_oldest(serve) -> None:
    async with (
        serve(waiting_of_address=3) as serving, serving.client() as (first, _),
        serving.client() as (second, _), serving.client() as (third, keep), serving.client() as (_, _),
    ):  # fmt: skip
        assert await ended(first)
        keep.write(GET)
        assert await status(third) == b"200"
        assert not second.at_eof()
        assert await serving.status() == b"200"


async def test_bodies_that_do_not_come_count_as_waiting(serve) -> None:
    head = b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    async with (
        serve(waiting_of_address=2) as serving,
        serving.client() as (first, one),
        serving.client() as (_, two),
        serving.client() as (_, three),
    ):
        for writer in (one, two, three):
            writer.write(head)
            await writer.drain()
        assert await ended(first)
        assert await serving.status() == b"200"


async def test_when_all_places_are_taken_an_idle_one_goes_first(serve) -> None:
    async with serve(open=2) as serving, serving.client() as (idle, writer):
        writer.write(GET)
        assert await status(idle) == b"200"
        async with serving.client() as (waiting, half):
            half.write(b"GET /hel")
            await half.drain()
            assert await serving.status() == b"200"
            assert await ended(idle)
            half.write(b"lo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await status(waiting) == b"200"


async def test_who_does_not_read_the_answer_loses_the_connection(serve) -> None:
    async with serve(reading=0.3) as serving, serving.client() as (reader, writer):
        writer.write(GET.replace(b"hello", b"much"))
        await reader.readuntil(b"\r\n\r\n")
        # The stream's own buffer is full by now, so that nothing more is read.
        await asyncio.sleep(0.6)
        try:
            async with asyncio.timeout(10):
                read = len(await reader.read())
        except ConnectionError:
            read = 0
        assert read < 30_000_000


async def test_a_head_without_an_end_is_not_kept(serve) -> None:
    async with serve(head_bytes=4096) as serving, serving.client() as (reader, writer):
        writer.write(b"GET /hello HTTP/1.1\r\n")
        for number in range(2000):
            writer.write(f"X-{number}: {'x' * 100}\r\n".encode())
        assert await ended(reader)


@pytest.mark.parametrize(
    "sent",
    [
        b"<script>alert(1)</script>\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /hello HTTP/9.9\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nBad<script>: 1\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nA: \x00<script>\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: 1\r\n" % n for n in range(300)) + b"\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_and_not_repeated(serve, sent: bytes) -> None:
    async with serve() as serving, serving.client() as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert not answer or answer.split()[1].startswith(b"4"), answer
        assert b"script" not in answer
        assert await serving.status() == b"200"
