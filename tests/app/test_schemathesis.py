"""The API as /openapi.json describes it, tried by schemathesis on a real port: as anybody, a user, staff and
one of our own processes. Whatever is sent, what comes back is described; what does not fit is refused."""

import asyncio
import copy
import itertools
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from app.bootstrap import Firstline
from foundation.ids import new_id
from kb_index.domain import Draft
from security.identity.keyring import KeyRing
from tests.support.client import user_token
from tests.support.running import Running, running

USER = "usr_ada"
_EXAMPLES = 4
"""Cases of each operation with data that fits, and as many with data that does not."""
_LEFT_OUT = {("GET", "/api/v1/cases/stream"), ("DELETE", "/api/v1/session")}
"""An answer that does not end by itself, and what would end the session that all others need; they are in
tests/escalation and tests/security."""
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
_BRIEF = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@dataclass
class Api:
    """The running app, its description, and what is there to be asked for."""

    app: Running
    document: dict[str, Any]
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)
    staff: dict[str, str] = field(default_factory=dict)
    cases: dict[tuple[str, str, GenerationMode], list[Any]] = field(default_factory=dict)

    def headers(self, caller: str) -> dict[str, str]:
        """What proves who calls."""
        if caller == "user":
            return {"Authorization": f"Bearer {user_token(self.app.home, USER)}"}
        if caller == "service":
            return {"Authorization": f"Bearer {self.app.service_token}"}
        return dict(self.staff) if caller == "staff" else {}


@pytest.fixture(scope="module")
def api(
    postgres_url: str, valkey_url: str, encoder_dir, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    from tests.support.databases import fresh_database

    home = tmp_path_factory.mktemp("schemathesis") / "home"
    with (
        fresh_database(postgres_url) as database_url,
        running(home, encoder_dir, database_url, valkey_url) as app,
    ):
        document = requests.get(f"{app.url}/openapi.json", timeout=10).json()
        made = Api(app, document)
        _sign_in(made)
        _furnish(made)
        yield made
        made.session.close()


def _sign_in(api: Api) -> None:
    admin = api.app.do(api.app.firstline.bootstrap_admin())
    assert admin is not None
    session, url = api.session, f"{api.app.url}/api/v1/session"
    first = session.post(url, json={"email": "admin@firstline.local", "password": admin.password}, timeout=10)
    changed = session.post(
        f"{url}/password",
        json={"current": admin.password, "new": "a long walk on the beach 71"},
        headers={"X-CSRF-Token": first.json()["csrf"]},
        timeout=10,
    )
    assert changed.status_code == 200, changed.text
    api.staff = {
        "Cookie": f"firstline_session={session.cookies['firstline_session']}",
        "X-CSRF-Token": changed.json()["csrf"],
    }


def _furnish(api: Api) -> None:
    """Make one of each thing that paths name, so that they lead somewhere."""
    user, conversations = api.headers("user"), f"{api.app.url}/api/v1/conversations"
    begun = requests.post(conversations, json={}, headers=user, timeout=10)
    conversation = begun.json()["id"]
    handed = requests.post(f"{conversations}/{conversation}/handoff", json={}, headers=user, timeout=20)
    case = handed.json()["case"]
    staff = api.app.do(_furniture(api.app.firstline))
    api.things = {
        "/api/v1/conversations/{id}": {"id": conversation},
        "/api/v1/review/conversations/{id}": {"id": conversation},
        "/api/v1/cases/{id}": {"id": case},
        "/api/v1/articles/{id}": {"id": "a-known-article", "number": "1", "question": new_id("kqu")},
        "/help/{id}": {"id": "a-known-article"},
        "/api/v1/staff/{id}": {"id": staff},
        "/api/v1/hosts/{host}": {"host": "kettle"},
    }


async def _furniture(firstline: Firstline) -> str:
    draft = Draft(
        "A known article", "general", "en", "# Known\n\nText of it.", "", "everyone", (), (), (), None
    )
    await firstline.articles.create("a-known-article", draft, by="test")
    await firstline.articles.publish("a-known-article", by="test")
    staff, _ = await firstline.staff.create(
        email="second@example.com", name="Second", roles=frozenset({"agent"}), by="test"
    )
    await asyncio.sleep(0)
    return staff.id


def _operations(api: Api, caller: str) -> Iterator[tuple[Any, bool]]:
    """Operations with whether `caller` may call them."""
    document = copy.deepcopy(api.document)
    wanted: dict[tuple[str, str], set[str]] = {}
    # Who calls is settled here; left in, schemathesis would make credentials up.
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            wanted[path, method] = {name for one in described.pop("security") for name in one}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if (operation.method.upper(), operation.path) not in _LEFT_OUT:
            admitted = wanted[operation.path, operation.method]
            yield operation, not admitted or caller in admitted


def _known(api: Api, path: str) -> dict[str, str] | None:
    found = [things for prefix, things in api.things.items() if path.startswith(prefix)]
    if not found:
        return None
    return {name: value for name, value in found[0].items() if f"{{{name}}}" in path}


def _cases(api: Api, operation: Any, mode: GenerationMode) -> list[Any]:
    """Cases of an operation, made once for all callers: with ids of what is there, and with others."""
    key = (operation.path, operation.method, mode)
    if key in api.cases:
        return api.cases[key]
    made: list[Any] = api.cases.setdefault(key, [])
    known = _known(api, operation.path)
    for path_parameters in [known, {}] if known else [{}]:

        @seed(4711)
        @settings(_BRIEF, max_examples=_EXAMPLES)
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path_parameters))
        def draw(case: Any) -> None:
            made.append(case)

        try:
            draw()
        except Unsatisfiable:
            # There is nothing about this operation that could be wrong.
            assert mode is GenerationMode.NEGATIVE
    return made


def _wrong(api: Api, case: Any, caller: str) -> str | None:
    try:
        _call(api, case, caller)
    except FailureGroup as failures:
        return f"{caller} {case.operation.label}: {failures} {failures.exceptions}"
    return None


def _call(api: Api, case: Any, caller: str) -> None:
    if isinstance(case.query.get("wait"), int | float) and not isinstance(case.query["wait"], bool):
        case.query["wait"] = 0 if case.query["wait"] >= 0 else -1
    response = case.call(base_url=api.app.url, headers=api.headers(caller), timeout=20)
    case.validate_response(response, checks=_CHECKS)


# Schemathesis draws from `random` in its strategies; Hypothesis seeds that too.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.parametrize("caller", ["anybody", "user", "service", "staff"])
def test_what_comes_back_is_what_is_described(api: Api, caller: str) -> None:
    load_all_checks()
    found: list[str] = []
    for operation, may in _operations(api, caller):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = _cases(api, operation, mode)
            wrong = (_wrong(api, case, caller) for case in (cases if may else cases[:1]))
            found += [one for one in wrong if one is not None][:1]
    assert not found, "\n\n".join(found)


_ODD_HEADERS = [
    b"Idempotency-Key: \xff\xfe", b"Last-Event-ID: \xff", b"Last-Event-ID: 9999999999",
    b'If-None-Match: \xff"', b"If-Modified-Since: \xff", b"Range: bytes=\xff", b"Range: bytes=99999999999-",
    b"Range: bytes=5-1", b"Cookie: firstline_session=\xff; \x80=1", b"Content-Type: \xff/json",
    b"Content-Type: multipart/form-data", b"Content-Type: multipart/form-data; boundary=\xff",
    b"Content-Encoding: \xff", b"Accept: \xff", b"Accept-Encoding: \xff, br;q=x", b"Origin: \xff",
    b"X-CSRF-Token: \xff", b"Authorization: Bearer \xff", b"Host: \xff", b"Sec-Fetch-Site: \xff",
    b"Expect: \xff", b"Upgrade: \xff", b"Access-Control-Request-Method: \xff",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \xff",
]  # fmt: skip
_READING_HEADERS = ("/ws", "/events", "/messages", "/pack", ".js", "/import", "/session", "/actions")
_ODD_PATHS = ["%ff", "%00", "%ed%a0%80", "%2e%2e%2f", "%", "%zz", "\u202e".encode().hex(), "x" * 4000]


def _raw(api: Api, request: bytes) -> int:
    """Send a request as it stands and return the status; 0 when there is no answer at all."""
    with socket.create_connection(("127.0.0.1", api.app.port), timeout=20) as connection:
        connection.sendall(request)
        answer = connection.recv(4096)
    return int(answer.split()[1]) if answer else 0


def _head(api: Api, method: str, path: str, caller: str, *more: bytes) -> bytes:
    names = {one.split(b":")[0].lower() for lines in more for one in lines.split(b"\r\n")}
    ours = {"Host": "x", "Connection": "close", **api.headers(caller)}
    lines = [
        f"{name}: {value}".encode() for name, value in ours.items() if name.lower().encode() not in names
    ]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *lines, *more]) + b"\r\n"


def _paths(api: Api) -> Iterator[tuple[str, str]]:
    for path, methods in api.document["paths"].items():
        known = _known(api, path) or {}
        filled = re.sub(r"\{\w+\}", new_id("cnv"), path.format(**known) if known else path)
        for method in methods:
            if path != "/readyz" and (method.upper(), path) not in _LEFT_OUT:
                yield method.upper(), filled


@pytest.mark.parametrize("header", _ODD_HEADERS)
def test_odd_bytes_in_a_header_are_the_callers_fault(api: Api, header: bytes) -> None:
    # Each header goes to what has to do with some of them, and to a third of all the rest.
    turn = _ODD_HEADERS.index(header) % 3
    for number, (method, path) in enumerate(_paths(api)):
        if number % 3 != turn and not path.endswith(_READING_HEADERS):
            continue
        caller = "staff" if "/conversations" not in path or "/review" in path else "user"
        status = _raw(api, _head(api, method, path, caller, header, b"Content-Length: 2") + b"\r\n{}")
        assert status < 500, (method, path, header, status)


def test_a_signature_of_odd_bytes_does_not_fit(api: Api) -> None:
    ring = KeyRing.load(api.app.home / "keys" / "hosts" / "kettle.json")
    for odd in (b"Firstline-Signature: \xff", b"Firstline-Signature: v1=0\r\nIdempotency-Key: \xff"):
        signed = (
            f"Firstline-Timestamp: {int(time.time())}\r\nFirstline-Key-Id: {ring.signing_key().kid}\r\n"
        ).encode() + odd
        head = _head(api, "POST", "/api/v1/hosts/kettle/events", "anybody", signed, b"Content-Length: 2")
        assert _raw(api, head + b"\r\n{}") == 401


@pytest.mark.parametrize("odd", _ODD_PATHS)
def test_odd_paths_lead_nowhere(api: Api, odd: str) -> None:
    for path, methods in api.document["paths"].items():
        for method, caller in itertools.product(methods, ("staff", "user")):
            if "{" in path:
                head = _head(api, method.upper(), re.sub(r"\{\w+\}", odd, path), caller, b"Content-Length: 2")
                assert 300 <= _raw(api, head + b"\r\n{}") < 500, (method, path, odd)


_PART = b'Content-Disposition: form-data; name="file"; filename="a.md"'


@pytest.mark.parametrize(
    "form",
    [
        b"--b\r\n" + _PART.replace(b"a.md", b"a\x00.md") + b"\r\n\r\n# A\r\n--b--\r\n",
        b"--b\r\n" + _PART + b"\r\nX: \x00\r\n\r\n# A\r\n--b--\r\n",
        b"--b\r\n" + _PART + b"\r\nContent-Transfer-Encoding: odd\r\n\r\n# A\r\n--b--\r\n",
        b"--b\r\n" + _PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--b--\r\n",
        b"--b\r\n" + _PART + b"\r\nContent-Encoding: gzip\r\n\r\n!\r\n--b--\r\n",
        b"--b\r\n" + _PART + b"\r\nContent-Length: -1\r\n\r\n# A\r\n--b--\r\n",
        b"--b\r\n"
        + _PART
        + b"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n--b--",
        b"--b\r\n" + b"A: 1\r\n" * 500 + b"\r\n# A\r\n--b--\r\n",
        b"--b\r\n\xff: 1\r\n\r\n# A\r\n--b--\r\n",
        b"--b\r\nno colon\r\n\r\n# A\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 40 + b"--b--\r\n",
        b"--b\r\n" + _PART + b"\r\n\r\nno end",
        b"no boundary at all",
        b"--b--",
        b"\x00" * 1000,
        b"",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/articles/import", "/api/v1/articles/images"])
def test_forms_that_are_none_are_the_callers_fault(api: Api, path: str, form: bytes) -> None:
    for boundary in (b"b", b'"b"', b"\xc3\xa9"):
        head = _head(
            api, "POST", path, "staff", b"Content-Type: multipart/form-data; boundary=" + boundary,
            b"Content-Length: %d" % len(form),
        )  # fmt: skip
        # An import tells what became of each file, and so may answer 200 for one that is none.
        assert 200 <= _raw(api, head + b"\r\n" + form) < 500


@pytest.mark.parametrize("version", [0, 2**31, 2**63, 2**64, -1, 1.5, "1", None])
def test_a_version_that_no_column_holds_is_the_callers_fault(api: Api, version: object) -> None:
    url = f"{api.app.url}/api/v1/articles/a-known-article"
    for path, method in ((f"{url}/restore", "POST"), (f"{url}/versions/{version}", "GET")):
        body: Any = {"version": version, "base_version": version}
        answer = requests.request(method, path, json=body, headers=api.headers("staff"), timeout=10)
        assert answer.status_code in (400, 404, 409) if version != "1" or method == "POST" else True
