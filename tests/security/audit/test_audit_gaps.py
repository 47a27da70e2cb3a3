"""A chain that cannot be written: nobody is kept from help, nothing is lost, and the gap stays visible."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.attempts.log import AttemptLog, AttemptRows
from actions.attempts.model import NewAttempt
from foundation.clock import SystemClock
from foundation.database import Database
from security.audit import gaps
from security.audit.chain import NotEntered
from security.audit.check import ChainFindings, check_chain
from security.audit.keys import AuditKeyError, AuditKeys
from security.audit.log import AuditLog, AuditProbe, Checkpoints, read_checkpoints
from security.privacy.masking import mask_json

CLOCK = SystemClock()


class Log:
    """A begun log, and the means to break it and to put it right."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.restart()

    def restart(self) -> None:
        """What a new process has: keys that it reads from their files."""
        self.keys = AuditKeys(self.folder / "keys")
        self.chain = AuditLog(self.keys, CLOCK)
        self.attempts = AttemptLog(self.database, CLOCK, mask_json, self.chain)
        self.probe = AuditProbe(self.database, self.keys)

    async def begin(self) -> None:
        await Checkpoints(self.folder / "checkpoints.jsonl", self.database, self.keys).begin()

    async def record(self, turn: str) -> str:
        new = NewAttempt("cnv_1", turn, "usr_1", "kettle", "workflow", "unlock", confidence=0.93)
        return (await self.attempts.record(new)).id

    def spoil_key(self) -> bytes:
        file = self.folder / "keys" / "signing.pem"
        good = file.read_bytes()
        file.write_text("nonsense")
        self.restart()
        return good

    async def tamper(self, *statements: str) -> None:
        async with self.database.begin() as tx:
            await tx.execute(sa.text("alter table audit_entries disable trigger all"))
            for statement in statements:
                await tx.execute(sa.text(statement))
            await tx.execute(sa.text("alter table audit_entries enable trigger all"))

    async def check(self) -> ChainFindings:
        return await check_chain(self.database, self.keys, read_checkpoints(self.keys.begun), AttemptRows())

    async def problems(self) -> list[str]:
        return [flaw.problem for flaw in (await self.check()).flaws]


@pytest.fixture
async def log(database: Database, tmp_path: Path) -> Log:
    made = Log(database, tmp_path)
    await made.begin()
    return made


async def sound(log: Log) -> bool:
    try:
        return await log.probe()
    except AuditKeyError:
        return False


async def test_what_cannot_be_entered_waits_is_named_and_is_entered_with_a_mark(log: Log) -> None:
    await log.record("trn_0")
    assert await sound(log)
    good = log.spoil_key()
    attempt = await log.record("trn_1")
    await log.attempts.note(attempt, "trn_1", done={"n": 1.0})
    assert await log.problems() == ["not_entered"], "the rows themselves are as they were written"
    assert not await sound(log)
    (log.folder / "keys" / "signing.pem").write_bytes(good)
    log.restart()
    assert not await sound(log), "as long as something waits"
    assert await log.chain.catch_up(log.database)
    assert await sound(log)
    found = await log.check()
    assert found.sound
    [note] = found.notes
    assert "2 entries" in note.text
    assert AuditKeyError.code in note.text
    await log.attempts.note(attempt, "trn_1", done={"n": 2.0})
    assert await log.problems() == []


async def test_what_waits_goes_before_what_comes_after_it(log: Log) -> None:
    good = log.spoil_key()
    attempt = await log.record("trn_1")
    (log.folder / "keys" / "signing.pem").write_bytes(good)
    log.restart()
    await log.attempts.note(attempt, "trn_1", done={"n": 1.0})
    found = await log.check()
    assert (found.sound, found.entries, len(found.notes)) == (True, 4, 1)


async def test_more_than_fits_into_one_transaction_keeps_its_order(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "AT_ONCE", 2)
    good = log.spoil_key()
    attempt = await log.record("trn_1")
    for number in range(4):
        await log.attempts.note(attempt, "trn_1", done={"n": float(number)})
    (log.folder / "keys" / "signing.pem").write_bytes(good)
    log.restart()
    await log.attempts.note(attempt, "trn_1", done={"n": 9.0})
    while not await log.chain.catch_up(log.database):
        pass
    assert await log.problems() == []


async def test_who_edits_what_waits_is_found(log: Log) -> None:
    log.spoil_key()
    await log.record("trn_1")
    await log.tamper("update attempts set outcome = 'failed', finished_at = now()")
    assert "row_invented" in await log.problems()
    await log.tamper("delete from audit_gaps")
    assert await log.problems() == ["row_invented"]


async def test_no_act_without_evidence(log: Log) -> None:
    attempt = await log.record("trn_1")
    good = log.spoil_key()
    with pytest.raises(NotEntered):
        await log.attempts.note(attempt, "trn_1", done={"confirmed_in": "trn_1"}, evidence=True)
    kept = await log.attempts.get(attempt)
    assert kept is not None
    assert "confirmed_in" not in kept.done
    assert await log.problems() == [], "nothing waits, since nothing was done"
    (log.folder / "keys" / "signing.pem").write_bytes(good)
    log.restart()
    assert await log.attempts.note(attempt, "trn_1", done={"confirmed_in": "trn_1"}, evidence=True)


FORGED = (
    "insert into audit_entries select number + 1, at, kind, subject, content, hash, repeat('f', 64) "
    "from audit_entries order by number desc limit 1"
)


async def test_a_forged_row_behind_the_head_is_gone_past_and_never_forgotten(log: Log) -> None:
    await log.record("trn_0")
    await log.tamper(FORGED, FORGED)
    assert not await sound(log)
    await log.record("trn_1")
    assert await sound(log), "a signed head covers the end again"
    assert "added" in await log.problems()
    assert [flaw.number for flaw in (await log.check()).flaws if flaw.problem == "added"] == [5]
    await log.record("trn_2")
    assert "added" in await log.problems()


async def test_a_head_that_was_deleted_is_gone_on_from(log: Log) -> None:
    await log.record("trn_0")
    await log.tamper("delete from audit_head")
    assert "head_missing" in await log.problems()
    await log.record("trn_1")
    assert await log.problems() == ["added"]


async def test_somebody_who_holds_the_head_keeps_nobody_waiting_for_ever(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with log.database.begin() as holder:
        await holder.execute(sa.text("select * from audit_head for update"))
        await log.record("trn_1")
    assert await log.problems() == ["not_entered"]
    assert await log.chain.catch_up(log.database)
    assert await log.problems() == []


async def test_a_log_that_was_wiped_is_found_without_any_checkpoint(log: Log) -> None:
    await log.record("trn_0")
    await log.tamper("delete from audit_entries", "delete from audit_head", "delete from attempts")
    assert set(await log.problems()) == {"emptied", "tail_cut"}
    assert not await sound(log)
    log.restart()
    await log.begin()
    assert "emptied" in await log.problems(), "a restart does not begin it anew"
    await log.record("trn_1")
    assert "emptied" in await log.problems(), "nor does going on"


async def test_an_installation_from_before_begins_its_log_at_the_next_start(
    database: Database, tmp_path: Path
) -> None:
    log = Log(database, tmp_path)
    log.keys.signing()
    assert await log.problems() == ["emptied"], "until then nobody can tell"
    await log.begin()
    assert await log.problems() == []


async def test_an_installation_from_before_with_entries_keeps_them(
    database: Database, tmp_path: Path
) -> None:
    log = Log(database, tmp_path)
    await log.record("trn_0")
    await log.begin()
    assert (await log.check()).entries == 1
    assert await log.problems() == []


async def test_the_advice_for_a_bad_key_works(log: Log) -> None:
    await log.record("trn_0")
    log.spoil_key()
    with pytest.raises(AuditKeyError) as told:
        log.keys.check()
    assert "rotate-key" in str(told.value.hint)
    log.keys.rotate()
    log.restart()
    log.keys.check()
    await log.record("trn_1")
    found = await log.check()
    assert (found.sound, len(found.notes)) == (True, 1), "it is noted that another key signs"
    assert list((log.folder / "keys").glob("signing.unusable-*"))


async def test_a_key_that_is_lost_and_comes_back(log: Log) -> None:
    await log.record("trn_0")
    file = log.folder / "keys" / "signing.pem"
    good = file.read_bytes()
    file.unlink()
    log.restart()
    await log.record("trn_1")
    file.write_bytes(good)
    for public in (log.folder / "keys").glob(f"*{read_kid(log)}*.pub"):
        public.unlink()
    log.restart()
    await log.record("trn_2")
    found = await log.check()
    assert (found.sound, len(found.notes)) == (True, 2), "also when its public half was lost"


def read_kid(log: Log) -> str:
    """The id of the key that began the log."""
    [begun] = read_checkpoints(log.keys.begun)
    assert begun is not None
    return str(begun.kid)
