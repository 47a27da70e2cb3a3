"""docs/connect-your-app.md under test: its code works as it stands, and its tables are true."""

import hashlib
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.hosts.demo.sample import PASSWORD, SAMPLES
from connectors.hosts.demo.troubles import TROUBLES
from connectors.hosts.registry import HostSettings
from connectors.hosts.signing import signed_headers
from foundation.clock import SystemClock
from security.identity.keyring import HostKeys, KeyRing
from security.identity.user_tokens import UserTokens

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "connect-your-app.md").read_text()
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node on PATH to run the document's JavaScript with")
METHOD, PATH, BODY = "POST", "/firstline/v1/users/a%2Fb/operations/unlock_account?x=1", b'{"parameters":{}}'


def block(name: str) -> str:
    """The code block that follows the marker `<!-- test: name -->`."""
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    made = KeyRing.create(tmp_path / "acme.json", "acme")
    made.rotate()
    return made


def raw(ring: KeyRing) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ring.path.read_text())
    return content


def run_node(tmp_path: Path, code: str, call: str) -> str:
    script = tmp_path / "script.mjs"
    script.write_text(f"{code}\nprocess.stdout.write(String({call}));\n")
    done = subprocess.run([NODE or "", str(script)], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


def believes(ring: KeyRing, token: str) -> None:
    who = UserTokens(HostKeys(ring.path.parent), SystemClock()).verify(token)
    assert (who.host, who.ref, who.name, who.email) == ("acme", "u_42", "Ann", "ann@acme.example")


def test_python_token(ring: KeyRing) -> None:
    scope: dict[str, Any] = {}
    exec(block("python-token"), scope)
    believes(ring, scope["firstline_token"](raw(ring), "u_42", "Ann", "ann@acme.example"))


@needs_node
def test_node_token(ring: KeyRing, tmp_path: Path) -> None:
    call = f'firstlineToken({json.dumps(raw(ring))}, "u_42", "Ann", "ann@acme.example")'
    believes(ring, run_node(tmp_path, block("node-token"), call))


def cases(ring: KeyRing) -> list[tuple[dict[str, str], str, bytes, bool]]:
    """Requests and whether they are from Firstline: signed well, with another path, body, key, time."""
    key = ring.signing_key()
    assert key.secret is not None

    def headers(at: int = 0, secret: bytes = key.secret or b"") -> dict[str, str]:
        made = signed_headers(
            key.kid,
            secret,
            timestamp=int(time.time()) + at,
            method=METHOD,
            path=PATH,
            body=BODY,
            idempotency_key="k",
        )
        return {name.lower(): value for name, value in made.items()}

    return [
        (headers(), PATH, BODY, True),
        (headers(), PATH + "1", BODY, False),
        (headers(), PATH, BODY + b" ", False),
        (headers(secret=hashlib.sha256(b"").digest()), PATH, BODY, False),
        (headers(at=-400), PATH, BODY, False),
        (headers(at=400), PATH, BODY, False),
        ({**headers(), "idempotency-key": "other"}, PATH, BODY, False),
        ({**headers(), "firstline-key-id": "other"}, PATH, BODY, False),
        ({**headers(), "firstline-timestamp": "now"}, PATH, BODY, False),
        ({}, PATH, BODY, False),
    ]


def test_python_verification(ring: KeyRing) -> None:
    scope: dict[str, Any] = {}
    exec(block("python-verify"), scope)
    for headers, path, body, expected in cases(ring):
        assert scope["is_from_firstline"](raw(ring), headers, METHOD, path, body) is expected


@needs_node
def test_node_verification(ring: KeyRing, tmp_path: Path) -> None:
    calls = [
        f"isFromFirstline({json.dumps(raw(ring))}, {json.dumps(headers)}, '{METHOD}', '{path}', "
        f"Buffer.from({json.dumps(body.decode())}))"
        for headers, path, body, _ in cases(ring)
    ]
    printed = run_node(tmp_path, block("node-verify"), f"[{', '.join(calls)}].join()")
    assert printed.split(",") == [str(expected).lower() for *_, expected in cases(ring)]


def test_the_table_of_users_is_true() -> None:
    for sample in SAMPLES:
        row = re.search(rf"^\| {sample.key} \|.*$", TEXT, re.MULTILINE)
        assert row is not None
        assert re.findall(r"KT-\d{4}", row[0]) == ([sample.code] if sample.code else [])
        if sample.code:
            assert f"`{TROUBLES[sample.code].page}`" in row[0]
    assert PASSWORD in TEXT


def test_every_code_is_documented() -> None:
    assert set(re.findall(r"KT-\d{4}", TEXT)) == set(TROUBLES)


def test_every_setting_is_documented() -> None:
    table = TEXT.partition("| field | meaning")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(HostSettings.model_fields) - {"sample"}


def test_every_call_is_documented() -> None:
    specification = yaml.safe_load((DOCS / "host-api.openapi.yml").read_text())
    for path, methods in specification["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in TEXT


def test_all_documents_count_the_calls_of_the_contract() -> None:
    contract = yaml.safe_load((DOCS / "host-api.openapi.yml").read_text())
    calls = sum(name in ("get", "post") for path in contract["paths"].values() for name in path)
    word = ("no", "one", "two", "three", "four", "five", "six", "seven")[calls]
    for text in (TEXT, (DOCS.parent / "README.md").read_text()):
        counted = re.findall(r"(?i)\banswers? (\w+) (?:signed )?(?:HTTP )?calls", text)
        assert counted
        assert set(counted) == {word}
