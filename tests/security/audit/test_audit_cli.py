"""`firstline audit` and `firstline outcomes` as those meet them who look for evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from app.schema.migrate import upgrade
from app.settings import Settings
from app.wiring.single_services import audit_keys, checkpoint_file
from foundation.clock import SystemClock
from foundation.database import Database
from security.audit.log import AuditLog, Checkpoints
from security.privacy.masking import mask_json
from tests.app.cli.test_cli import Cli

pytestmark = pytest.mark.enable_socket


class Installation:
    """A migrated database with three attempts, and the home that belongs to it."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.settings = Settings.from_env({"FIRSTLINE_HOME": str(home)})

    async def prepare(self) -> None:
        database, clock, keys = Database.open(self.url), SystemClock(), audit_keys(self.settings)
        await upgrade(database)
        log = AttemptLog(database, clock, mask_json, AuditLog(keys, clock))
        for number in range(3):
            new = NewAttempt(f"cnv_{number}", f"trn_{number}", "usr_hana", "kettle", "workflow", "unlock")
            attempt = await log.record(new)
            await log.finish(attempt.id, Ending(f"trn_{number}", "verified"))
        await Checkpoints(checkpoint_file(self.settings), database, keys).note()
        await database.close()

    async def change(self, *statements: str) -> None:
        database = Database.open(self.url)
        async with database.begin() as tx:
            for statement in statements:
                await tx.execute(sa.text(statement))
        await database.close()

    async def json(self, *arguments: str, code: int = 0) -> Any:
        status, out, err = await Cli(self.home)(*arguments, "--json", DATABASE_URL=self.url)
        assert status == code, err
        return json.loads(out or err)


@pytest.fixture
async def installation(tmp_path: Path, fresh_database_url: str) -> Installation:
    made = Installation(tmp_path / "home", fresh_database_url)
    await made.prepare()
    return made


async def test_a_sound_log_gives_its_counts_and_a_changed_one_names_the_row(
    installation: Installation, tmp_path: Path
) -> None:
    sound = await installation.json("audit", "verify")
    assert sound == {
        "sound": True, "entries": 6, "attempts": 3, "checkpoints": 1, "flaws": [], "more_flaws": 0,
        "erased": 0,
        "notes": [],
    }  # fmt: skip
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(checkpoint_file(installation.settings).read_bytes())
    await installation.change(
        "alter table audit_entries disable trigger all",
        "delete from audit_entries",
        "delete from audit_head",
        "delete from attempts",
    )
    checkpoint_file(installation.settings).unlink()
    [wiped] = (await installation.json("audit", "verify", code=1))["flaws"]
    assert wiped["problem"] == "emptied", "the key alone tells that there was something"
    found = await installation.json("audit", "verify", "--checkpoints", str(copy), code=1)
    assert [(flaw["problem"], flaw["number"]) for flaw in found["flaws"]] == [
        ("emptied", None),
        ("tail_cut", 6),
    ]
    problem = await installation.json("audit", "verify", "--checkpoints", str(tmp_path / "none"), code=1)
    assert "no checkpoints in that file" in json.dumps(problem)


async def test_an_edited_row_is_named_for_people_too(installation: Installation) -> None:
    await installation.change("update attempts set outcome = 'failed' where conversation_id = 'cnv_1'")
    [flaw] = (await installation.json("audit", "verify", code=1))["flaws"]
    status, out, _ = await Cli(installation.home)("audit", "verify", DATABASE_URL=installation.url)
    assert status == 1
    assert flaw["problem"] == "row_edited"
    assert flaw["subject"][:20] in out


async def test_an_export_is_complete_and_names_no_user(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "attempts.jsonl"
    assert (await installation.json("audit", "export", str(file)))["attempts"] == 3
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["verified"] * 3
    assert "usr_hana" not in file.read_text()
    assert [path.name for path in tmp_path.glob("*attempts*")] == ["attempts.jsonl"]
    counted = await installation.json("outcomes")
    assert sum(counted["outcomes"].values()) == counted["conversations"] == 0, (
        "attempts alone are no conversations"
    )
