"""What callers send is refused as early as it can be, and costs little whatever it is."""

import asyncio
import json
import threading

import pytest
from aiohttp import web
from pydantic import BaseModel, ConfigDict, field_validator

from foundation.errors import InvalidInput
from foundation.http import Call, Endpoint
from foundation.http.bodies import MAX_PARAMETERS, SMALL_BODY, validate
from foundation.http.fields import NUMBER, id_field
from foundation.http.server import build_http
from foundation.strict_json import MAX_VALUES, parse_json
from tests.foundation.test_http import Nobody
from tests.support.made_up import MADE_UP, MadeUp

JSON = {"Content-Type": "application/json"}
LARGE = 512 * 1024
parsed_on: list[str] = []


class Text(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = ""
    number: int = 0
    yes: bool = False

    @field_validator("text")
    @classmethod
    def _note(cls, value: str) -> str:
        parsed_on.append(threading.current_thread().name)
        return value


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    q: str = ""


async def echo(call: Call) -> Text:
    return Text(text=str(len(call.body.text)))


async def asked(call: Call) -> Text:
    return Text(text=call.query.q)


async def found(call: Call) -> Text:
    return Text(text=",".join(call.path.values()))


@pytest.fixture
def endpoints() -> list[Endpoint]:
    public, things = MadeUp.PUBLIC, {"id": id_field("thg", "a thing"), "number": NUMBER}
    return [
        Endpoint("POST", "/take", echo, public, "Take", body=Text, response=Text),
        Endpoint("POST", "/small", echo, public, "Take little", body=Text, response=Text, max_body=1024),
        Endpoint("POST", "/large", echo, public, "Take much", body=Text, response=Text, max_body=LARGE),
        Endpoint("POST", "/mine", echo, MadeUp.USER, "Take from users", body=Text, response=Text),
        Endpoint("GET", "/ask", asked, public, "Ask", query=Asked, response=Text),
        Endpoint("GET", "/things/{id}/{number}", found, public, "A thing", response=Text, path_fields=things),
    ]


@pytest.fixture
async def client(endpoints: list[Endpoint], aiohttp_client):
    return await aiohttp_client(build_http(endpoints, Nobody(), MADE_UP, allowed_origins=frozenset))


async def answer_to_head(client, path: str, length: int) -> bytes:
    """Send a head alone and return the status that is answered without a body."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        async with asyncio.timeout(5):
            return (await reader.readline()).split()[1]
    finally:
        writer.close()


@pytest.mark.parametrize(("path", "limit"), [("/take", SMALL_BODY), ("/small", 1024), ("/large", LARGE)])
async def test_a_body_that_would_be_too_large_is_refused_before_it_comes(
    client, path: str, limit: int
) -> None:
    assert await answer_to_head(client, path, limit + 1) == b"413"


async def test_who_may_not_call_is_told_so_before_the_body_comes(client) -> None:
    assert await answer_to_head(client, "/mine", 1000) == b"401"


async def test_a_body_without_a_length_is_refused_when_it_grows_too_large(client) -> None:
    async def much():
        for _ in range(100):
            yield b" " * 1024

    response = await client.post("/small", data=much(), headers=JSON)
    assert response.status == 413


async def test_many_keys_are_refused_before_anything_is_made_of_them(client, monkeypatch) -> None:
    def loads(*_: object, **__: object) -> object:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("foundation.strict_json.json.loads", loads)
    body = json.dumps({f"k{n}": 1 for n in range(20_000)}).encode()
    assert SMALL_BODY < len(body) < LARGE
    response = await client.post("/large", data=body, headers=JSON)
    assert response.status == 400


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({f"k{n}": 1 for n in range(MAX_VALUES)}).encode(),
        json.dumps([[]] * MAX_VALUES).encode(),
        json.dumps([0] * MAX_VALUES).encode(),
        b'""' * 10 * MAX_VALUES,
        b"]" * 100_000,
    ],
)
def test_too_many_values_are_refused_at_any_depth(raw: bytes, monkeypatch) -> None:
    monkeypatch.setattr("foundation.strict_json.json.loads", lambda *_, **__: pytest.fail("parsed"))
    with pytest.raises(InvalidInput):
        parse_json(raw)


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    value = {"text": ',[]{}"\\' * MAX_VALUES}
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("quotes", ['\\"', '"', '\\\\"', "\\"])
def test_quotes_cost_no_more_than_their_number(quotes: str) -> None:
    """Looked at again from each quote, these would take minutes."""
    for raw in (f'{{"a":"{quotes * 300_000}', f'["{quotes * 300_000}"]'):
        with pytest.raises(InvalidInput):
            parse_json(raw.encode())
            raise InvalidInput("it was valid")


def test_many_wrong_fields_are_counted_and_few_described() -> None:
    with pytest.raises(InvalidInput) as few:
        validate(Text, {f"k{n}": 1 for n in range(20)})
    assert len(few.value.extra["errors"]) == 10
    with pytest.raises(InvalidInput) as many:
        validate(Text, {f"k{n}": 1 for n in range(4_000)})
    assert many.value.extra == {}
    assert "4000" in many.value.message


async def test_large_bodies_are_read_off_the_event_loop(client) -> None:
    parsed_on.clear()
    for size in (10, 100_000):
        response = await client.post("/large", json={"text": "x" * size})
        assert (await response.json())["text"] == str(size)
    here = threading.current_thread().name
    # The answers are checked too, by the loop.
    assert parsed_on[0] == here
    assert any(name.startswith("bodies") for name in parsed_on)


@pytest.mark.parametrize(
    "body", [{"number": "5"}, {"number": 1.5}, {"number": True}, {"yes": 1}, {"yes": "true"}, {"text": 5}]
)
async def test_a_value_of_another_type_is_not_taken_for_the_right_one(
    client, body: dict[str, object]
) -> None:
    assert (await client.post("/take", json=body)).status == 400


@pytest.mark.parametrize(
    "query", ["&".join(f"p{n}=1" for n in range(MAX_PARAMETERS + 1)), "q=1&q=2", "q=%00", "&" * 4000, "x=1"]
)
async def test_queries_that_are_no_question_are_refused(client, query: str) -> None:
    assert (await client.get(f"/ask?{query}")).status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("thg_00000000000000000000000000/1", 200),
        ("thg_00000000000000000000000000/2147483647", 200),
        ("thg_00000000000000000000000000/2147483648", 404),
        ("thg_00000000000000000000000000/0", 404),
        ("thg_00000000000000000000000000/-1", 404),
        ("thg_00000000000000000000000000/1.0", 404),
        ("thg_00000000000000000000000000/%D9%A1", 404),
        ("thg_0000000000000000000000000I/1", 404),
        ("thg_00000000000000000000000000%0A/1", 404),
        ("%ff/1", 404),
        (f"{'x' * 5000}/1", 404),
    ],
)
async def test_parts_of_a_path_are_what_they_may_be(client, path: str, status: int) -> None:
    assert (await client.get(f"/things/{path}")).status == status


@pytest.mark.parametrize("by_https", [True, False])
async def test_browsers_that_come_by_https_are_told_to_stay_with_it(
    endpoints: list[Endpoint], aiohttp_client, by_https: bool
) -> None:
    app: web.Application = build_http(
        endpoints, Nobody(), MADE_UP, allowed_origins=frozenset, by_https=by_https
    )
    client = await aiohttp_client(app)
    for path in ("/ask?q=1", "/nothing"):
        headers = (await client.get(path)).headers
        assert ("Strict-Transport-Security" in headers) is by_https
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "expected", "length", "status"),
    [
        ("/take", b"100-continue", 2, b"100"),
        ("/take", b"100-continue", SMALL_BODY + 1, b"413"),
        ("/take", b"200-anything", 2, b"417"),
        ("/take", b"\xff", 2, b"417"),
    ],
)
async def test_a_body_is_asked_for_only_when_it_would_be_taken(
    client, path: str, expected: bytes, length: int, status: bytes
) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
        + b"Expect: " + expected + f"\r\nContent-Length: {length}\r\n\r\n".encode()
    )  # fmt: skip
    async with asyncio.timeout(5):
        answer = await reader.readline()
    writer.close()
    assert answer.split()[1] == status
