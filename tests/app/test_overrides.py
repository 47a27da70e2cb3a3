"""What is given when the product is wired is used in the place of its own."""

import ast
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.bootstrap import FIRSTLINE, build_app
from app.ops.parts import Parts
from app.overrides import Overrides
from app.settings import Settings
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.wakeups import Wakeups
from security.identity.keyring import KeyRing
from security.identity.user_tokens import mint
from tests.support.brain import StandInBrain

TESTS = Path(__file__).parents[1]
LONG_AGO = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)


@dataclass
class Observer:
    """Notes finished turns."""

    finished: list[str] = field(default_factory=list)

    def turn_finished(self, status: str, intent: str | None, seconds: float) -> None:
        self.finished.append(status)


@dataclass
class Wired:
    """The wired product on what this test gave it; no server of ours is named in its parts."""

    client: TestClient[Any, Any]
    given: Overrides
    home: Path

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        ring = KeyRing.load(self.home / "keys" / "hosts" / "kettle.json")
        token = mint(ring, sub="usr_1", name="Ada", now=LONG_AGO)
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


@pytest.fixture
async def wired(tmp_path: Path, database: Database, encoder_dir: Path) -> AsyncIterator[Wired]:
    home = tmp_path / "home"
    settings = Settings.from_env({"FIRSTLINE_HOME": str(home), "FIRSTLINE_ENCODER_DIR": str(encoder_dir)})
    given = Overrides(
        clock=FixedClock(LONG_AGO),
        database=database,
        wakeups=Wakeups(None),
        brain=StandInBrain("I heard you."),
        observer=Observer(),
    )
    # Nobody listens at these addresses: whatever is not taken from the overrides fails.
    parts = Parts.fixed(settings, "postgresql+asyncpg://x@127.0.0.1:9/x", "redis://127.0.0.1:9", "http://x:9")
    app = await build_app(settings, parts, given)
    async with TestClient(TestServer(app)) as client:
        yield Wired(client, given, home)


async def test_a_turn_is_answered_by_what_was_given(wired: Wired) -> None:
    begun = await wired.call("POST", "/conversations", {})
    assert datetime.fromisoformat(begun["created_at"]) == LONG_AGO
    posted = await wired.call("POST", f"/conversations/{begun['id']}/messages", {"text": "hi"})
    path = f"/conversations/{begun['id']}/events?after={posted['seq']}&wait=20"
    [said] = (await wired.call("GET", path))["events"]
    assert said["data"]["text"] == "I heard you."
    assert datetime.fromisoformat(said["at"]) == LONG_AGO
    brain, observer = wired.given.brain, wired.given.observer
    assert isinstance(brain, StandInBrain)
    assert isinstance(observer, Observer)
    assert [turn.text for turn in brain.asked] == ["hi"]
    assert observer.finished == ["done"]


async def test_what_was_given_is_everywhere(wired: Wired) -> None:
    firstline, given = wired.client.app[FIRSTLINE], wired.given
    assert (firstline.clock, firstline.database) == (given.clock, given.database)
    assert (firstline.wakeups, firstline.brain) == (given.wakeups, given.brain)


def test_every_override_is_used_in_the_wiring() -> None:
    text = (TESTS.parent / "app" / "bootstrap.py").read_text()
    assert [one.name for one in fields(Overrides) if f"overrides.{one.name}" not in text] == []


def patches(tree: ast.AST) -> list[str]:
    """Calls that change something of `app` in place: by its dotted name, or through an imported module."""
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "app"
        # The installer is a program of its own, which nothing wires: its search is given another machine.
        if node.module != "app.ops.installer"
        for alias in node.names
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("setattr", "patch", "patch.object")
        ):
            target = ast.unparse(node.args[0]) if node.args else ""
            if target.strip("\"'").startswith("app.") or target.split(".")[0] in modules:
                found.append(target)
    return found


def test_no_test_patches_the_roof() -> None:
    found = {
        str(file.relative_to(TESTS)): patched
        for file in TESTS.rglob("*.py")
        if (patched := patches(ast.parse(file.read_text())))
    }
    assert found == {}
    assert patches(ast.parse('from app import serve\nm.setattr(serve, "X", 1)\nm.setattr("app.x.y", 2)')) == [
        "serve",
        "'app.x.y'",
    ]
