"""The suite that every host application must pass: Kettle, or the one that the environment names.

FIRSTLINE_HOST_URL and FIRSTLINE_HOST_KEYS (its key ring file) choose a host, FIRSTLINE_HOST_USER a user that
may be read, FIRSTLINE_HOST_EMAIL that user's address, and FIRSTLINE_HOST_OPERATION an operation that may
be run once for that user; without the last nothing is changed. See docs/connect-your-app.md.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from yarl import URL

from connectors.hosts.http import HttpHostApplication, open_session
from connectors.hosts.signing import signed_headers
from foundation.ids import new_id
from security.identity.keyring import KeyRing
from tests.support.kettle import KettleProcess

SPECIFICATION = Path(__file__).parents[2] / "docs" / "host-api.openapi.yml"


@dataclass(frozen=True)
class Subject:
    """The host under test."""

    url: str
    keys: Path
    user: str
    email: str | None
    operation: str | None


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    url = os.environ.get("FIRSTLINE_HOST_URL")
    if url:
        yield Subject(
            url.rstrip("/"),
            Path(os.environ["FIRSTLINE_HOST_KEYS"]),
            os.environ["FIRSTLINE_HOST_USER"],
            os.environ.get("FIRSTLINE_HOST_EMAIL"),
            os.environ.get("FIRSTLINE_HOST_OPERATION"),
        )
        return
    kettle = KettleProcess(tmp_path_factory.mktemp("kettle"))
    asyncio.run(kettle.start())
    yield Subject(kettle.url, kettle.keys, "usr_ada", "ada@kettle.example", "unlock_account")
    assert kettle.stop() == 0


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text())
    return content


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: Any


class Caller:
    """Makes signed calls, and lets a test spoil them."""

    def __init__(self, session: aiohttp.ClientSession, subject: Subject) -> None:
        self.session, self.subject = session, subject
        self.ring = KeyRing.load(subject.keys)

    def path(self, rest: str, ref: str | None = None) -> str:
        prefix = URL(self.subject.url).raw_path.rstrip("/")
        user = quote(self.subject.user if ref is None else ref, safe="")
        return f"{prefix}/firstline/v1/users/{rest.replace('REF', user)}"

    async def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        key: str = "",
        at: int | None = None,
        spoilt: dict[str, str] | None = None,
    ) -> Answer:
        signing = self.ring.signing_key()
        assert signing.secret is not None
        body = b"" if content is None else json.dumps(content).encode()
        headers = signed_headers(
            signing.kid, signing.secret, timestamp=at or int(time.time()), method=method, path=path,
            body=body, idempotency_key=key,
        )  # fmt: skip
        headers.update(spoilt or {})
        url = URL(str(URL(self.subject.url).origin()) + path, encoded=True)
        kind = {"Content-Type": "application/json"} if body else {}
        async with self.session.request(
            method, url, data=body or None, headers={**headers, **kind}, allow_redirects=False
        ) as answer:
            raw = await answer.read()
            assert "Content-Encoding" not in answer.headers
            assert len(raw) <= 1024 * 1024
            return Answer(answer.status, answer.content_type, json.loads(raw) if raw else None)


@pytest.fixture
async def caller(subject: Subject) -> AsyncIterator[Caller]:
    async with open_session() as session:
        yield Caller(session, subject)


def check(specification: dict[str, Any], answer: Answer, operation_id: str) -> Any:
    """Check an answer against the specification's schema for its call and status."""
    operation = next(
        item
        for path in specification["paths"].values()
        for item in path.values()
        if item["operationId"] == operation_id
    )
    response = operation["responses"][str(answer.status)]
    if "$ref" in response:
        response = specification["components"]["responses"][response["$ref"].rpartition("/")[2]]
    assert answer.kind == "application/json"
    schema = {**response["content"]["application/json"]["schema"], "components": specification["components"]}
    errors = [e.message for e in OAS31Validator(schema, format_checker=FORMATS).iter_errors(answer.body)]
    assert errors == []
    return answer.body


FORMATS = OAS31Validator.FORMAT_CHECKER


def test_the_specification_is_valid(specification: dict[str, Any]) -> None:
    validate(specification)


async def test_state(caller: Caller, specification: dict[str, Any]) -> None:
    answer = await caller.call("GET", caller.path("REF/state"))
    assert answer.status == 200
    body = check(specification, answer, "getState")
    assert body["ref"] == caller.subject.user
    assert body["parts"]


async def test_one_part(caller: Caller, specification: dict[str, Any]) -> None:
    everything = (await caller.call("GET", caller.path("REF/state"))).body["parts"]
    for name in everything:
        answer = await caller.call("GET", caller.path(f"REF/state?parts={name}"))
        assert set(check(specification, answer, "getState")["parts"]) == {name}


async def test_operations(caller: Caller, specification: dict[str, Any]) -> None:
    body = check(specification, await caller.call("GET", caller.path("REF/operations")), "getOperations")
    names = [operation["name"] for operation in body["operations"]]
    assert len(names) == len(set(names))
    assert all(operation["allowed"] or operation.get("reason") for operation in body["operations"])


@pytest.mark.parametrize(
    ("rest", "operation_id"), [("REF/state", "getState"), ("REF/operations", "getOperations")]
)
async def test_nobody(caller: Caller, specification: dict[str, Any], rest: str, operation_id: str) -> None:
    answer = await caller.call("GET", caller.path(rest, ref="nobody-of-this-name/x"))
    assert answer.status == 404
    assert check(specification, answer, operation_id)["code"] == "unknown_user"


async def test_lookup(caller: Caller, specification: dict[str, Any]) -> None:
    nobody = await caller.call(
        "POST", caller.path("lookup"), {"email": "nobody-of-this-name@example.invalid"}
    )
    assert nobody.status == 404
    assert check(specification, nobody, "lookupUser")["code"] == "unknown_user"
    if caller.subject.email is None:
        return
    for email in (caller.subject.email, caller.subject.email.upper()):
        found = await caller.call("POST", caller.path("lookup"), {"email": email})
        assert check(specification, found, "lookupUser") == {"ref": caller.subject.user}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Firstline-Signature": "v1=" + "0" * 64},
        {"Firstline-Signature": "v1="},
        {"Firstline-Key-Id": "k_nobody_has"},
        {"Firstline-Timestamp": "soon"},
        {"Idempotency-Key": "put-in-later"},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)
async def test_a_spoilt_signature_is_refused(
    caller: Caller, specification: dict[str, Any], spoilt: dict[str, str]
) -> None:
    answer = await caller.call("GET", caller.path("REF/state"), spoilt=spoilt)
    assert answer.status == 401
    check(specification, answer, "getState")


@pytest.mark.parametrize("seconds", [-400, 400])
async def test_an_old_or_early_request_is_refused(caller: Caller, seconds: int) -> None:
    answer = await caller.call("GET", caller.path("REF/state"), at=int(time.time()) + seconds)
    assert answer.status == 401


async def test_the_body_is_signed(caller: Caller) -> None:
    signed = await caller.call("POST", caller.path("lookup"), {"email": "a@example.invalid"})
    assert signed.status == 404
    path, key = caller.path("lookup"), caller.ring.signing_key()
    assert key.secret is not None
    headers = signed_headers(
        key.kid, key.secret, timestamp=int(time.time()), method="POST", path=path, body=b'{"email":"b@b"}'
    )
    url = URL(str(URL(caller.subject.url).origin()) + path, encoded=True)
    body = b'{"email":"c@c"}'
    async with caller.session.post(
        url, data=body, headers={**headers, "Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 401


async def test_an_unknown_operation(caller: Caller, specification: dict[str, Any]) -> None:
    path = caller.path("REF/operations/no_such_operation")
    answer = await caller.call("POST", path, {"parameters": {}}, key=new_id("key"))
    assert answer.status == 404
    assert check(specification, answer, "runOperation")["code"] == "unknown_operation"


async def test_an_operation_needs_a_key(caller: Caller) -> None:
    answer = await caller.call("POST", caller.path("REF/operations/no_such_operation"), {"parameters": {}})
    assert answer.status in (400, 404)


async def test_an_operation_is_done_once_for_a_key(caller: Caller, specification: dict[str, Any]) -> None:
    if caller.subject.operation is None:
        pytest.skip("FIRSTLINE_HOST_OPERATION names no operation that may be run")
    path, key = caller.path(f"REF/operations/{caller.subject.operation}"), new_id("key")
    calls = (caller.call("POST", path, {"parameters": {}}, key=key) for _ in range(8))
    answers = await asyncio.gather(*calls)
    first = check(specification, answers[0], "runOperation")
    assert first["status"] in ("done", "accepted"), first
    assert all(answer.body == first for answer in answers)
    changed = await caller.call("POST", path, {"parameters": {"another": "one"}}, key=key)
    assert changed.status in (409, 422)


async def test_the_provider_understands_the_host(subject: Subject) -> None:
    async with open_session() as session:
        host = HttpHostApplication("host", subject.url, KeyRing(subject.keys), session)
        state = await host.state(subject.user)
        assert state.ref == subject.user
        assert await host.operations(subject.user)
        if subject.email is not None:
            assert await host.lookup(subject.email) == subject.user
