"""Whatever is sent to Kettle, it never answers 5xx, and it stays as it is."""

import time
from typing import Any

import aiohttp
import pytest
from yarl import URL

from connectors.hosts.signing import signed_headers
from security.identity.keyring import KeyRing
from tests.support.kettle import KettleProcess

BODIES: list[bytes] = [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b'{"parameters": []}', b'{"parameters": {"number": {}}}',
    b'{"parameters": {"number": "\\ud800"}}', b'{"parameters": {"number": "\\u0000"}}', b"[" * 60_000,
    b'{"email": "\\ud800@x"}', b'{"email": 7}', b'{"email": "a\\u0000@b"}', b'{"user": 7}',
    b'{"user": "nobody"}',
    b'{"rates": 1}', b'{"rates": {"*": {"error": 2}}}', b'{"rates": {"*": {"error": true}}}',
    b'{"hang_seconds": "x"}',
    b'{"rates": {"*": {"error": NaN}}}', b'{"seed": 1.5}', b"x" * 70_000, b"email=%ED%A0%80&password=%00",
]  # fmt: skip
SIGNED = [
    ("POST", "/firstline/v1/users/usr_hana/operations/refund_invoice"),
    ("POST", "/firstline/v1/users/lookup"),
    ("GET", "/firstline/v1/users/%ED%A0%80/state"),
    ("GET", "/firstline/v1/users/%00/state"),
    ("GET", "/firstline/v1/users/usr_hana/state?parts=%ED%A0%80"),
    ("GET", "/firstline/v1/users/usr_hana/state?parts=" + "a" * 6000),
    ("POST", "/firstline/v1/users/%F0%9F%92%A9/operations/%00"),
    ("DELETE", "/firstline/v1/users/usr_hana/state"),
]
OPEN = [
    ("POST", "/sign-in"), ("POST", "/sign-out"), ("POST", "/forgot"), ("POST", "/reset"),
    ("POST", "/firstline/token"),
    ("POST", "/demo/reset"), ("POST", "/demo/faults"), ("POST", "/billing/retry"), ("POST", "/sign-in/code"),
    ("GET", "/reset?token=%ED%A0%80"), ("GET", "/verify?token=%00"), ("GET", "/static/../store.py"),
    ("GET", "/static/%2e%2e%2fapp.py"), ("GET", "/exports/%00.csv"), ("PUT", "/"), ("GET", "/nothing"),
    ("HEAD", "/"),
]  # fmt: skip


async def statuses(kettle: KettleProcess, calls: list[tuple[str, str, bytes, dict[str, str]]]) -> list[Any]:
    found = []
    async with aiohttp.ClientSession() as session:
        for method, path, body, headers in calls:
            url = URL(kettle.url + path, encoded=True)
            async with session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                found.append((method, path, body[:40], answer.status))
    return found


async def test_unsigned_calls(kettle: KettleProcess) -> None:
    calls = [
        (method, path, body, {"Content-Type": kind, "Cookie": "kettle_session=x"})
        for method, path in OPEN
        for body in BODIES
        for kind in (
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        )
    ]
    found = await statuses(kettle, calls)
    assert [one for one in found if one[3] >= 500] == []


async def test_signed_calls(kettle: KettleProcess) -> None:
    key = KeyRing(kettle.keys).signing_key()
    assert key.secret is not None
    calls: list[tuple[str, str, bytes, dict[str, str]]] = []
    for method, path in SIGNED:
        for body in BODIES:
            headers = signed_headers(
                key.kid, key.secret, timestamp=int(time.time()), method=method, path=path, body=body,
                idempotency_key=f"bad-{len(calls)}",
            )  # fmt: skip
            calls.append((method, path, body, headers))
    found = await statuses(kettle, calls)
    assert [one for one in found if one[3] >= 500] == []
    assert {one[3] for one in found} <= {200, 400, 404, 405, 413}


@pytest.mark.parametrize(("method", "path"), SIGNED[:3])
async def test_contract_calls_without_a_signature(kettle: KettleProcess, method: str, path: str) -> None:
    assert [one[3] for one in await statuses(kettle, [(method, path, b"{}", {})])] == [401]
