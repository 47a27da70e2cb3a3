"""The audit chain: what was changed, deleted, moved, cut off or invented is found and named."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from actions.attempts.log import AttemptLog, AttemptRows
from actions.attempts.model import Ending, NewAttempt
from foundation.clock import SystemClock
from foundation.database import Database
from security.audit.chain import Change
from security.audit.check import ChainFindings, check_chain
from security.audit.keys import AuditKeyError, AuditKeys
from security.audit.log import AuditLog, Checkpoints, read_checkpoints
from security.privacy.masking import mask_json

CLOCK = SystemClock()


class Evidence:
    """A log with a chain, and somebody who can write the database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.keys = AuditKeys(folder / "keys")
        self.log = AttemptLog(database, CLOCK, mask_json, AuditLog(self.keys, CLOCK))
        self.checkpoints = Checkpoints(folder / "audit" / "checkpoints.jsonl", database, self.keys)

    async def fill(self, count: int = 4, start: int = 0) -> list[str]:
        ids: list[str] = []
        for number in range(start, start + count):
            attempt = await self.log.record(
                NewAttempt(f"cnv_{number}", f"trn_{number}", f"usr_{number}", "kettle", "workflow", "unlock",
                           confidence=0.93)
            )  # fmt: skip
            await self.log.note(attempt.id, f"trn_{number}", read={"account.locked": True}, done={"n": 1.0})
            await self.log.finish(attempt.id, Ending(f"trn_{number}", "verified", duration_ms=12))
            ids.append(attempt.id)
        return ids

    async def tamper(self, *statements: str) -> None:
        """Write as somebody who owns the database."""
        async with self.database.begin() as tx:
            await tx.execute(sa.text("alter table audit_entries disable trigger all"))
            for statement in statements:
                await tx.execute(sa.text(statement))
            await tx.execute(sa.text("alter table audit_entries enable trigger all"))

    async def check(self) -> ChainFindings:
        known = read_checkpoints(self.checkpoints.path)
        return await check_chain(self.database, self.keys, known, AttemptRows())

    async def problems(self) -> set[tuple[str, int | None]]:
        return {(flaw.problem, flaw.number) for flaw in (await self.check()).flaws}


@pytest.fixture
def evidence(database: Database, tmp_path: Path) -> Evidence:
    return Evidence(database, tmp_path)


async def test_an_untouched_log_is_sound(evidence: Evidence) -> None:
    assert (await evidence.check()).sound, "also when it is empty"
    await evidence.fill()
    await evidence.checkpoints.note()
    findings = await evidence.check()
    assert (findings.sound, findings.entries, findings.subjects, findings.checkpoints) == (True, 12, 4, 1)


async def test_the_database_itself_refuses_to_change_entries(evidence: Evidence) -> None:
    await evidence.fill(1)
    for statement in (
        "update audit_entries set content = '{}' where number = 1",
        "delete from audit_entries where number = 1",
        "truncate audit_entries",
    ):
        with pytest.raises(DBAPIError, match="only ever added"):
            async with evidence.database.begin() as tx:
                await tx.execute(sa.text(statement))
    assert (await evidence.check()).sound


async def test_an_edit_is_found_and_named(evidence: Evidence) -> None:
    ids = await evidence.fill()
    await evidence.tamper(
        "update audit_entries set content = replace(content, 'verified', 'failed') where number = 6"
    )
    flaws = [f for f in (await evidence.check()).flaws if f.problem == "edited"]
    assert [(f.number, f.subject) for f in flaws] == [(6, ids[1])]


async def test_an_edit_with_a_new_hash_breaks_the_chain_after_it(evidence: Evidence) -> None:
    from security.audit.chain import entry_hash

    await evidence.fill()
    async with evidence.database.connect() as connection:
        row = (await connection.execute(sa.text("select * from audit_entries where number = 5"))).one()
    content = row.content.replace("0.93", "0.94")
    assert content != row.content
    digest = entry_hash(5, row.at, row.kind, row.subject, content, row.previous)
    await evidence.tamper(
        "update audit_entries set content = replace(content, '0.93', '0.94'), "
        f"hash = '{digest}' where number = 5"
    )
    assert ("reordered", 6) in await evidence.problems()


async def test_a_deletion_is_found_and_named(evidence: Evidence) -> None:
    await evidence.fill()
    await evidence.tamper("delete from audit_entries where number in (4, 5)")
    assert ("deleted", 4) in await evidence.problems()


async def test_entries_that_change_places_are_found(evidence: Evidence) -> None:
    await evidence.fill()
    await evidence.tamper(
        "update audit_entries set number = 999 where number = 4",
        "update audit_entries set number = 4 where number = 7",
        "update audit_entries set number = 7 where number = 999",
    )
    assert {number for _, number in await evidence.problems()} >= {4, 7}


async def test_a_tail_that_is_cut_is_found(evidence: Evidence) -> None:
    await evidence.fill()
    await evidence.tamper("delete from audit_entries where number > 9")
    assert ("tail_cut", 10) in await evidence.problems()


async def test_a_tail_cut_with_an_older_head_put_back_is_found_by_the_checkpoints(evidence: Evidence) -> None:
    await evidence.fill(3)
    async with evidence.database.connect() as connection:
        old = (await connection.execute(sa.text("select * from audit_head"))).one()
    [last] = await evidence.fill(1, start=3)
    await evidence.checkpoints.note()
    await evidence.tamper(
        "delete from audit_entries where number > 9",
        f"delete from attempts where id = '{last}'",
        f"update audit_head set number = 9, hash = '{old.hash}', signature = '{old.signature}'",
        f"update audit_head set at = '{old.at}'".replace(":", r"\:"),
    )
    assert ("tail_cut", 12) in await evidence.problems()
    evidence.checkpoints.path.unlink()
    assert (await evidence.check()).sound, "without the checkpoints nothing can tell: keep a copy elsewhere"


async def test_a_head_without_the_key_is_a_forgery(evidence: Evidence, tmp_path: Path) -> None:
    await evidence.fill(1)
    stranger = AuditKeys(tmp_path / "stranger")
    stranger.signing()
    found = await check_chain(evidence.database, stranger, [], AttemptRows())
    assert {flaw.problem for flaw in found.flaws} == {"head_forged"}


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update attempts set outcome = 'failed' where id = '{0}'", "row_edited"),
        ("update attempts set done = '{{}}' where id = '{0}'", "row_edited"),
        ("delete from attempts where id = '{0}'", "row_deleted"),
        (
            "insert into attempts select 'att_invented', conversation_id, 'trn_x', step, user_ref, host, "
            "kind, name, intent, confidence, read, done, outcome, duration_ms, model_version, article_id, "
            "article_version, error, created_at, finished_at, closed_in from attempts where id = '{0}'",
            "row_invented",
        ),
    ],
)
async def test_a_row_that_is_not_what_was_entered_is_found(
    evidence: Evidence, statement: str, problem: str
) -> None:
    ids = await evidence.fill()
    async with evidence.database.begin() as tx:
        await tx.execute(sa.text(statement.format(ids[2])))
    [flaw] = (await evidence.check()).flaws
    assert flaw.problem == problem
    assert flaw.subject == ("att_invented" if problem == "row_invented" else ids[2])


async def test_many_writers_make_one_chain(evidence: Evidence) -> None:
    await asyncio.gather(*(evidence.fill(5, start=100 * writer) for writer in range(16)))
    findings = await evidence.check()
    assert (findings.sound, findings.entries) == (True, 16 * 5 * 3)


async def test_what_is_rolled_back_was_never_entered(evidence: Evidence) -> None:
    await evidence.fill(1)
    with pytest.raises(RuntimeError):
        async with evidence.database.begin() as tx:
            await tx.execute(sa.text("update attempts set duration_ms = 1"))
            raise RuntimeError
    assert (await evidence.check()).sound


async def test_a_rotated_key_leaves_the_old_signatures_good(evidence: Evidence) -> None:
    await evidence.fill(1)
    await evidence.checkpoints.note()
    evidence.keys.rotate()
    evidence.log = AttemptLog(evidence.database, CLOCK, mask_json, AuditLog(evidence.keys, CLOCK))
    await evidence.fill(1, start=5)
    await evidence.checkpoints.note()
    heads = [head for head in read_checkpoints(evidence.checkpoints.path) if head]
    assert len({head.kid for head in heads}) == 2
    assert (await evidence.check()).sound


def spoil(change: Callable[[dict[str, Any]], None], path: Path) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value) + "\n")


@pytest.mark.parametrize("line", ["not json", "{}", '{"number": 1}', '{"number": "x", "hash": 1}', "[]"])
async def test_a_line_that_is_no_checkpoint_is_named(evidence: Evidence, line: str) -> None:
    await evidence.fill(1)
    evidence.checkpoints.path.parent.mkdir(parents=True)
    evidence.checkpoints.path.write_text(line + "\n")
    assert {flaw.problem for flaw in (await evidence.check()).flaws} == {"checkpoint_invalid"}


async def test_a_changed_checkpoint_is_named(evidence: Evidence) -> None:
    await evidence.fill(1)
    await evidence.checkpoints.note()
    spoil(lambda value: value.update(number=2), evidence.checkpoints.path)
    assert {flaw.problem for flaw in (await evidence.check()).flaws} == {"checkpoint_invalid"}


def test_a_broken_key_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "signing.pem").write_text("nonsense")
    with pytest.raises(AuditKeyError, match="no key"):
        AuditKeys(tmp_path).signing()


def test_the_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    AuditKeys(tmp_path / "keys").signing()
    assert (tmp_path / "keys" / "signing.pem").stat().st_mode & 0o077 == 0


async def forge(evidence: Evidence, kid: str) -> None:
    """Rewrite the last entry with a hash that holds and put a head on it, without the key."""
    from security.audit.chain import entry_hash

    async with evidence.database.begin() as tx:
        row = (await tx.execute(sa.text("select * from audit_entries order by number desc limit 1"))).one()
        content = row.content.replace('"verified"', '"failed"')
        assert content != row.content
        digest = entry_hash(row.number, row.at, row.kind, row.subject, content, row.previous)
        new = {"content": content, "hash": digest, "number": row.number, "id": row.subject}
        for statement in (
            "alter table audit_entries disable trigger all",
            "update audit_entries set content = :content, hash = :hash where number = :number",
            "alter table audit_entries enable trigger all",
            f"update audit_head set hash = :hash, kid = {kid}",
            "update attempts set outcome = 'failed' where id = :id",
        ):
            used = {key: value for key, value in new.items() if f":{key}" in statement}
            await tx.execute(sa.text(statement), used)


@pytest.mark.parametrize("kid", ["kid", "null"])
async def test_a_rewritten_tail_stays_found_when_the_product_goes_on_from_it(
    evidence: Evidence, kid: str
) -> None:
    await evidence.fill(2)
    await forge(evidence, kid)
    assert {problem for problem, _ in await evidence.problems()} == {"head_forged"}
    await evidence.fill(1, start=7)
    assert await evidence.problems() == {("head_forged", 7)}, "signing on does not make it genuine"


async def test_what_a_migration_took_over_is_signed_at_the_first_start(
    evidence: Evidence, tmp_path: Path
) -> None:
    await evidence.fill(1)
    async with evidence.database.begin() as tx:
        await tx.execute(sa.text("update audit_head set kid = null, signature = null"))
    started = Evidence(evidence.database, tmp_path / "a home of its own")
    assert (await started.check()).sound
    await started.checkpoints.begin()
    await started.fill(1, start=5)
    assert (await started.check()).sound


async def test_a_check_beside_running_writers_raises_no_false_alarm(evidence: Evidence) -> None:
    writing = asyncio.gather(*(evidence.fill(15, start=100 * writer) for writer in range(4)))
    checks = 0
    while not writing.done():
        assert (await evidence.check()).flaws == []
        checks += 1
    await writing
    assert checks > 1


async def test_entries_hold_nothing_of_what_may_have_to_be_forgotten(evidence: Evidence) -> None:
    await evidence.fill()
    async with evidence.database.connect() as connection:
        contents = list((await connection.execute(sa.text("select content from audit_entries"))).scalars())
        beside = (await connection.execute(sa.text("select count(*) from audit_texts"))).scalar_one()
    for content in map(json.loads, contents):
        assert not {"read", "done", "error", "user_ref"} & set(content)
        assert len(content["private"]) == 64
    assert len({json.loads(content)["private"] for content in contents}) == len(contents) == beside


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update audit_texts set text = replace(text, 'usr_', 'usx_') where number = 4", "text_edited"),
        ("update audit_texts set salt = 'x' where number = 4", "text_edited"),
        ("delete from audit_texts where number = 4", "text_deleted"),
    ],
)
async def test_what_stands_beside_an_entry_cannot_be_changed_or_lost_unseen(
    evidence: Evidence, statement: str, problem: str
) -> None:
    await evidence.fill()
    await evidence.tamper(statement)
    assert [(f.problem, f.number) for f in (await evidence.check()).flaws] == [(problem, 4)]


async def test_a_row_is_held_against_what_stands_beside_its_latest_entry(evidence: Evidence) -> None:
    ids = await evidence.fill()
    await evidence.tamper(f"update attempts set error = 'invented' where id = '{ids[0]}'")
    assert [(f.problem, f.subject) for f in (await evidence.check()).flaws] == [("row_edited", ids[0])]


async def test_entries_of_earlier_versions_that_hold_all_in_themselves_still_verify(
    evidence: Evidence,
) -> None:
    from actions.attempts.storage import every_row

    await evidence.fill()
    async with evidence.database.begin() as tx:
        rows = [asdict(row) async for row in every_row(tx)]
        assert evidence.log._journal is not None
        await evidence.log._journal.enter(tx, [Change("taken_over", row["id"], row) for row in rows])
    assert (await evidence.check()).flaws == []
    await evidence.tamper(f"update attempts set user_ref = 'usr_x' where id = '{rows[0]['id']}'")
    assert [f.problem for f in (await evidence.check()).flaws] == ["row_edited"]
