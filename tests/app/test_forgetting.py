"""One user is forgotten: their words are gone from every table, and the audit log still verifies."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from actions.attempts.log import AttemptRows
from actions.attempts.model import Ending, NewAttempt
from actions.triggers.storage import offers
from app.adapters.recorded_handoffs import RecordedHandoffs
from app.adapters.user_erasure import Erased
from app.bootstrap import Firstline
from app.wiring.single_services import audit_keys, forgetting
from bot.conversation.domain import Author, NewEvent
from bot.conversation.events import FeedbackPayload
from foundation.authorization import StaffMember
from foundation.errors import Conflict, NotFound
from foundation.ids import StaffId
from security.audit.check import ChainFindings, check_chain

AGENT = StaffMember(StaffId("stf_1"), "Greta", frozenset({"agent"}))
SECRETS = ("Quokka Lamp", "usr_otto", "Ottoline", "otto@posthorn.example", "Sycamore")


async def _talk(firstline: Firstline, ref: str, name: str, word: str, *, resolve: bool = True) -> str:
    talk = firstline.conversations
    conversation = await talk.start(
        host="kettle", ref=ref, name=name, email=f"{ref[4:]}@posthorn.example", channel="web",
        page={"url": f"https://shop.example/{word}", "title": word}, client={"note": word},
    )  # fmt: skip
    posted = await talk.post_user_message(conversation.id, author_name=name, text=word, choice=None, key=ref)
    turn = str(posted.event.turn_id)
    log = firstline.actions.log
    new = NewAttempt(conversation.id, turn, ref, "kettle", "answer", "question",
                     read={"asked_in": turn, "note": word})  # fmt: skip
    attempt = await log.record(new)
    await log.finish(attempt.id, Ending(turn, "failed", done={"seen": word}, error=word))
    await log.record(NewAttempt(conversation.id, f"{turn}-2", ref, "kettle", "workflow", "unlock_account"))
    note = NewEvent(Author("user", name), FeedbackPayload(about_seq=1, helpful=False, comment=word))
    await talk.append(conversation.id, note)
    async with firstline.database.begin() as tx:
        # No assistant runs here; a turn that waits is no obstacle of this test.
        await tx.execute(sa.text("update turns set status = 'done'"))
        now = firstline.clock.now()
        offer = {"id": f"ofr_{ref}", "offer": {"text": word}, "policy": "p", "evidence": {}}
        values = {**offer, "host": "kettle", "user_ref": ref, "trigger": "t", "created_at": now}
        await tx.execute(offers.insert().values(**values))
    handoffs = RecordedHandoffs(firstline.desk, log, talk)
    prepared = await handoffs.prepare(conversation.id, reason="user_asked", priority="normal", summary=word)
    async with talk.transaction() as tx:
        case = await handoffs.open(prepared, tx)
    if resolve:
        await firstline.desk.claim(case.id, AGENT)
        await firstline.desk.send(case.id, AGENT, f"you wrote {word}", "key")
        await firstline.desk.resolve(case.id, AGENT, outcome="answered", note=word)
    return str(conversation.id)


async def _everything(firstline: Firstline, but: tuple[str, ...] = ()) -> str:
    texts = []
    async with firstline.database.connect() as connection:
        listed = await connection.execute(
            sa.text("select tablename from pg_tables where schemaname = 'public'")
        )
        for table in set(listed.scalars()) - set(but):
            rows = await connection.execute(sa.text(f'select to_jsonb(t) from "{table}" t'))
            texts.append(json.dumps([row[0] for row in rows], ensure_ascii=False))
    return "\n".join(texts)


async def _verify(firstline: Firstline) -> ChainFindings:
    return await check_chain(firstline.database, audit_keys(firstline.settings), [], AttemptRows())


async def _erase(firstline: Firstline, ref: str) -> Erased:
    return await forgetting(firstline.database, firstline.settings).erase("kettle", ref)


async def test_nothing_of_the_user_is_left_and_the_chain_holds(firstline: Firstline) -> None:
    await _talk(firstline, "usr_otto", "Ottoline", "Quokka Lamp on Sycamore")
    await _talk(firstline, "usr_ben", "Benjamin", "Pebble Canoe")
    before = await _everything(firstline)
    assert all(secret in before for secret in SECRETS)
    entries = (await _verify(firstline)).entries

    done = await _erase(firstline, "usr_otto")

    left = await _everything(firstline)
    assert [secret for secret in SECRETS if secret in left] == []
    for other in ("Pebble Canoe", "usr_ben", "Benjamin"):
        assert left.count(other) == before.count(other)
    found = await _verify(firstline)
    assert found.flaws == []
    # One entry for each attempt, and one for the whole.
    assert found.entries == entries + done.attempts + 1
    assert found.erased == done.entries > 0
    assert (done.conversations, done.turns, done.cases, done.offers, done.entries_kept) == (1, 1, 1, 1, 0)


async def test_what_was_erased_can_still_be_shown(firstline: Firstline) -> None:
    conversation: Any = await _talk(firstline, "usr_otto", "Ottoline", "Quokka Lamp")
    await _erase(firstline, "usr_otto")
    [case] = await firstline.desk.list(status="resolved")
    whole = await firstline.desk.get(case.id)
    assert whole.packet is not None
    assert whole.packet.transcript == ()
    texts = [event.text for event in await firstline.conversations.events(conversation)]
    assert "[erased]" in texts
    assert {one.outcome for one in await firstline.actions.log.for_conversation(conversation)} == {
        "failed", "escalated",
    }  # fmt: skip


async def test_an_erased_user_is_unknown_and_may_come_back(firstline: Firstline) -> None:
    await _talk(firstline, "usr_otto", "Ottoline", "Quokka Lamp")
    await _erase(firstline, "usr_otto")
    with pytest.raises(NotFound):
        await _erase(firstline, "usr_otto")
    await _talk(firstline, "usr_otto", "Ottoline", "again")
    assert (await _erase(firstline, "usr_otto")).conversations == 1


async def test_nobody_is_forgotten_while_a_person_works_for_them(firstline: Firstline) -> None:
    await _talk(firstline, "usr_otto", "Ottoline", "Quokka Lamp", resolve=False)
    before = await _everything(firstline)
    with pytest.raises(Conflict):
        await _erase(firstline, "usr_otto")
    assert await _everything(firstline) == before
