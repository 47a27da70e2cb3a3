"""The wired application on real servers; only Rasa is away, as it may be in life."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.bootstrap import FIRSTLINE, Firstline, build_app
from app.ops.parts import Parts
from app.overrides import NOTHING_ELSE, Overrides
from app.schema.migrate import upgrade
from app.settings import Settings
from foundation.database import Database


@pytest.fixture
def overrides() -> Overrides:
    """What takes the place of the product's own in `app_client`; a module of tests may say otherwise."""
    return NOTHING_ELSE


@pytest.fixture
async def app_client(
    tmp_path: Path, fresh_database_url: str, valkey_url: str, encoder_dir: Path, overrides: Overrides
) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of the whole application on a migrated database of its own."""
    settings = Settings.from_env(
        {"FIRSTLINE_HOME": str(tmp_path / "home"), "FIRSTLINE_ENCODER_DIR": str(encoder_dir)}
    )
    database = Database.open(fresh_database_url)
    await upgrade(database)
    await database.close()
    parts = Parts.fixed(settings, fresh_database_url, valkey_url, "http://127.0.0.1:9")
    app = await build_app(settings, parts, overrides)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def firstline(app_client: TestClient[Any, Any]) -> Firstline:
    """The services behind `app_client`."""
    return app_client.app[FIRSTLINE]
