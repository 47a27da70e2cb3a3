"""The HTTP kit against callers that do not keep to HTTP, and parts that fail while an answer is made."""

import asyncio
import gzip
import zlib

import pytest
import sqlalchemy.exc
from aiohttp import web
from pydantic import BaseModel

from foundation.errors import Unauthenticated
from foundation.http import Call, Caller, Endpoint
from foundation.http.bodies import SMALL_BODY
from foundation.http.server import build_http
from tests.support.made_up import MADE_UP, MadeUp


class Anything(BaseModel):
    text: str = ""
    number: float = 0


class Nobody:
    """Admits nobody."""

    async def user(self, request: web.Request) -> Caller | None:
        raise Unauthenticated("no")

    async def user_from_token(self, token: str) -> Caller:
        raise Unauthenticated("no")

    async def staff(self, request: web.Request) -> Caller | None:
        return None

    async def check_origin(self, request: web.Request) -> None:
        return None

    async def service(self, request: web.Request) -> Caller | None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        return None


class Room:
    error: Exception | None = None

    async def take(self, call: Call) -> Anything:
        if self.error is not None:
            raise self.error
        return call.body


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
async def client(room: Room, aiohttp_client):
    endpoint = Endpoint("POST", "/take", room.take, MadeUp.PUBLIC, "Take", body=Anything, response=Anything)
    return await aiohttp_client(build_http([endpoint], Nobody(), MADE_UP, allowed_origins=frozenset))


async def raw(client, head: str, body: bytes) -> bytes:
    """Send a request as it stands and return the first line of the answer."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(
            f"POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n".encode()
        )
        writer.write(body)
        await writer.drain()
        async with asyncio.timeout(15):
            return await reader.readline()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"2\r\n{}garbage\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"-1\r\n{}\r\n0\r\n\r\n"),
        ("Content-Encoding: gzip\r\nContent-Length: 7\r\n", b"garbage"),
        ("Content-Encoding: deflate\r\nContent-Length: 7\r\n", b"garbage"),
        ("Content-Encoding: gzip\r\nContent-Length: 12\r\n", gzip.compress(b'{"text":"a"}', mtime=0)[:12]),
        ("Content-Encoding: br\r\nContent-Length: 7\r\n", b"garbage"),
        ("Content-Encoding: zstd\r\nContent-Length: 7\r\n", b"garbage"),
        ("Content-Length: -1\r\n", b"{}"),
        ("Content-Length: x\r\n", b"{}"),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    ],
)
async def test_bodies_that_are_not_what_their_headers_say_are_the_callers_fault(client, head, body) -> None:
    line = await raw(client, head, body)
    assert line.split()[1].startswith(b"4"), line


async def test_a_chunk_that_goes_wrong_later_is_the_callers_fault_too(client) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = "POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode())
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(b"zz\r\n")
    await writer.drain()
    async with asyncio.timeout(15):
        line = await reader.readline()
    writer.close()
    assert line.split()[1] == b"400", line


async def test_a_small_body_that_unpacks_into_a_huge_one_is_refused(client) -> None:
    packed = zlib.compress(b" " * (64 * SMALL_BODY), 9)
    assert len(packed) < SMALL_BODY
    response = await client.post(
        "/take", data=packed, headers={"Content-Type": "application/json", "Content-Encoding": "deflate"}
    )
    assert response.status == 415


async def test_a_wrong_method_is_told_the_right_one(client) -> None:
    response = await client.put("/take", json={})
    assert response.status == 405
    assert response.headers["Allow"] == "POST"
    assert (await response.json(content_type=None))["code"] == "method_not_allowed"


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"text"'])
async def test_what_is_no_object_is_said_to_be_none(client, body) -> None:
    response = await client.post("/take", data=body, headers={"Content-Type": "application/json"})
    assert response.status == 400
    assert (await response.json(content_type=None))["detail"] == "body: Must be an object."


@pytest.mark.parametrize(
    "error",
    [
        sqlalchemy.exc.TimeoutError("QueuePool limit reached"),
        sqlalchemy.exc.OperationalError("select 1", None, Exception("gone")),
        ConnectionRefusedError("gone"),
    ],
)
async def test_a_database_that_does_not_answer_is_said_to_be_away_for_now(client, room, error) -> None:
    room.error = error
    response = await client.post("/take", json={})
    assert response.status == 503
    assert (await response.json(content_type=None))["code"] == "unavailable"
