"""Firstline's signatures and Kettle's reading of them, which share no code."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hosts.demo.keys import BadSignature, KeyFile, KeysUnusable, check_request, mint_token
from connectors.hosts.signing import signature, signed_headers
from foundation.clock import SystemClock
from security.identity.keyring import HostKeys, KeyRing
from security.identity.user_tokens import UserTokens

PATH = "/firstline/v1/users/usr_ada/state?parts=a,b"
SECRET = b"0" * 32


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "kettle.json", "kettle")


def headers_for(ring: KeyRing, *, body: bytes = b"", key: str = "", at: int | None = None) -> dict[str, str]:
    signing = ring.signing_key()
    assert signing.secret is not None
    made = signed_headers(
        signing.kid,
        signing.secret,
        timestamp=int(time.time()) if at is None else at,
        method="POST" if body else "GET",
        path=PATH,
        body=body,
        idempotency_key=key,
    )
    return {name.lower(): value for name, value in made.items()}


def test_a_known_signature() -> None:
    made = signature(
        SECRET, timestamp=1900000000, method="POST", path="/x?y=1", body=b"{}", idempotency_key="key"
    )
    assert made == "v1=ae1dd1c9633c87d4a5d58a6feac14df81554391f30e0638954e71ac8be6bc554"


def test_a_signed_request_is_accepted(ring: KeyRing) -> None:
    keys = KeyFile(ring.path)
    check_request(keys, headers_for(ring), "GET", PATH, b"")
    check_request(keys, headers_for(ring, body=b"{}", key="k"), "POST", PATH, b"{}")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"firstline-signature": "v1=" + "0" * 64}, "signature_wrong"),
        ({"firstline-signature": "v2=" + "0" * 64}, "signature_missing"),
        ({"firstline-signature": "v1="}, "signature_missing"),
        ({"firstline-signature": "v1=é"}, "signature_wrong"),
        ({"firstline-signature": ""}, "signature_missing"),
        ({"firstline-key-id": ""}, "signature_missing"),
        ({"firstline-key-id": "k_other"}, "key_unknown"),
        ({"firstline-timestamp": "now"}, "timestamp_invalid"),
        ({"firstline-timestamp": ""}, "timestamp_invalid"),
        ({"firstline-timestamp": "-5"}, "timestamp_invalid"),
        ({"firstline-timestamp": "١٢٣"}, "timestamp_invalid"),
        ({"firstline-timestamp": "1" * 13}, "timestamp_invalid"),
        ({"firstline-timestamp": "1000"}, "timestamp_skewed"),
        ({"idempotency-key": "other"}, "signature_wrong"),
    ],
)
def test_a_changed_header_is_refused(ring: KeyRing, changed: dict[str, str], code: str) -> None:
    with pytest.raises(BadSignature) as caught:
        check_request(KeyFile(ring.path), {**headers_for(ring), **changed}, "GET", PATH, b"")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, b""),
        ("GET", PATH + ",c", b""),
        ("GET", PATH.replace("ada", "ben"), b""),
        ("GET", PATH, b" "),
    ],
)
def test_another_request_is_refused(ring: KeyRing, method: str, path: str, body: bytes) -> None:
    with pytest.raises(BadSignature) as caught:
        check_request(KeyFile(ring.path), headers_for(ring), method, path, body)
    assert caught.value.code == "signature_wrong"


@pytest.mark.parametrize(("offset", "fine"), [(-300, True), (300, True), (-301, False), (301, False)])
def test_the_window_is_five_minutes_each_way(ring: KeyRing, offset: int, fine: bool) -> None:
    now = 1_900_000_000
    headers = headers_for(ring, at=now + offset)
    if fine:
        check_request(KeyFile(ring.path), headers, "GET", PATH, b"", at=now)
        return
    with pytest.raises(BadSignature) as caught:
        check_request(KeyFile(ring.path), headers, "GET", PATH, b"", at=now)
    assert caught.value.code == "timestamp_skewed"


def test_the_old_key_is_good_until_it_retires(ring: KeyRing) -> None:
    keys = KeyFile(ring.path)
    old = headers_for(ring)
    ring.rotate(timedelta(hours=1))
    check_request(keys, old, "GET", PATH, b"")
    check_request(keys, headers_for(ring), "GET", PATH, b"")
    again = headers_for(ring)
    ring.rotate(timedelta(seconds=-1))
    with pytest.raises(BadSignature) as caught:
        check_request(keys, again, "GET", PATH, b"")
    assert caught.value.code == "key_unknown"


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"host": "kettle"}', '{"host": "k", "keys": [{"alg": "HS256"}]}']
)
def test_a_key_file_that_is_missing_or_broken(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kettle.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeysUnusable):
        KeyFile(path).signing()


def test_firstline_believes_the_user_token(ring: KeyRing) -> None:
    text, ends = mint_token(KeyFile(ring.path), ref="usr_ada", name="Ada", email="ada@kettle.example")
    who = UserTokens(HostKeys(ring.path.parent), SystemClock()).verify(text)
    assert (who.host, who.ref, who.name, who.email) == ("kettle", "usr_ada", "Ada", "ada@kettle.example")
    assert who.expires_at.timestamp() == ends


visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(body=st.binary(max_size=200), key=visible, path=visible)
def test_no_two_requests_share_a_signature(body: bytes, key: str, path: str) -> None:
    made = signature(SECRET, timestamp=1, method="POST", path="/" + path, body=body, idempotency_key=key)
    for other in (
        signature(SECRET, timestamp=1, method="POST", path="/" + path, body=body + b"x", idempotency_key=key),
        signature(SECRET, timestamp=1, method="POST", path="/" + path + "x", body=body, idempotency_key=key),
        signature(SECRET, timestamp=1, method="POST", path="/" + path, body=body, idempotency_key=key + "x"),
        signature(SECRET, timestamp=2, method="POST", path="/" + path, body=body, idempotency_key=key),
        signature(b"1" * 32, timestamp=1, method="POST", path="/" + path, body=body, idempotency_key=key),
    ):
        assert other != made
