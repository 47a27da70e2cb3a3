"""Beside an application of one's own the demo does not run, and what it left behind opens no door."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.bootstrap import build_app
from app.cli.doctor import examine
from app.ops.parts import Parts
from app.schema.migrate import upgrade
from app.settings import Settings
from foundation.database import Database
from security.identity.keyring import KeyRing
from security.identity.user_tokens import mint
from tests.reliability.conftest import Note

OWN = """
hosts:
  acme:
    title: Acme
    base_url: https://app.acme.example/api
    allowed_origins: [https://app.acme.example]
    keyring: "{home}/acme-keys.json"
"""


@pytest.fixture
def production(tmp_path: Path, encoder_dir: Path) -> Settings:
    """A home that was tried with the demo first, and then got an application of its own."""
    home = tmp_path / "home"
    KeyRing.create(home / "keys" / "hosts" / "kettle.json", "kettle")
    (home / "hosts.yml").write_text(OWN)
    return Settings.from_env(
        {
            "FIRSTLINE_HOME": str(home),
            "FIRSTLINE_ENCODER_DIR": str(encoder_dir),
            "PUBLIC_URL": "https://help.acme.example",
        }
    )


async def test_a_token_of_the_demo_opens_nothing_in_production(
    production: Settings, fresh_database_url: str, valkey_url: str, figure: Note
) -> None:
    database = Database.open(fresh_database_url)
    await upgrade(database)
    await database.close()
    parts = Parts.fixed(production, fresh_database_url, valkey_url, "http://127.0.0.1:9")
    status = {}
    async with TestClient(TestServer(await build_app(production, parts))) as client:
        for host, ring in (
            ("kettle", production.host_keys / "kettle.json"),
            ("acme", production.home / "acme-keys.json"),
        ):
            token = mint(KeyRing.load(ring), sub="usr_1", name="Ada", now=datetime.now(UTC))
            headers = {"Authorization": f"Bearer {token}"}
            async with client.post("/api/v1/conversations", json={}, headers=headers) as answer:
                status[host] = answer.status
        async with client.get("/api/v1/about") as answer:
            assert (await answer.json())["demo_url"] is None
    figure(
        fault="demo in production",
        measure="conversation with a token of the demo's key",
        before="201",
        after=status["kettle"],
    )
    assert status == {"kettle": 401, "acme": 201}


async def test_the_doctor_names_what_is_left_of_the_demo(production: Settings) -> None:
    checks = {check.name: check for check in await examine(production)}
    assert checks["demo application"].verdict == "ok"
    assert checks["key rings"].verdict == "note"
    assert "kettle" in checks["key rings"].detail
    shown = json.dumps([check.detail for check in checks.values()])
    assert json.loads((production.host_keys / "kettle.json").read_text())["keys"][0]["secret"] not in shown
