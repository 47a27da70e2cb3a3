"""While the audit log cannot be written nothing is changed for a user, and the user gets a person."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from security.audit.chain import Change, NotEntered
from tests.actions.conftest import Bench
from tests.actions.troubles import TROUBLES, Trouble


class BrokenJournal:
    """Keeps what is not required for later, as the audit log does, and refuses the rest."""

    async def enter(self, tx: AsyncConnection, changes: Sequence[Change], *, required: bool = False) -> None:
        if required:
            raise NotEntered("The audit log cannot be written.")


def break_journal(bench: Bench) -> None:
    bench.room.log._journal = BrokenJournal()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.workflow)
async def test_no_act_without_its_entry(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    break_journal(bench)
    asked = await trouble.begin(bench)
    reply = await bench.chat.yes() if "/affirm" in asked.payloads else asked
    assert bench.host.calls == []
    assert reply.has("handoff")
    found = [one for one in await bench.attempts() if one.name == trouble.workflow]
    assert [(one.outcome, one.error) for one in found] == [("failed", NotEntered.code)]
    assert "confirmed_in" not in found[0].done


async def test_nothing_is_taken_back_without_its_entry(bench: Bench) -> None:
    trouble = next(one for one in TROUBLES if one.undo)
    trouble.bring_about(bench)
    await trouble.begin(bench)
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"
    before = list(bench.host.calls)
    break_journal(bench)
    reply = await bench.chat.act("action_undo_last", bench.chat.hear("undo_last"))
    assert bench.host.calls == before
    assert "/talk_to_person" in reply.payloads
