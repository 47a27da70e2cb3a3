"""Self-healing among the other rooms: one case however many ask for it, and notices that interrupt nobody."""

import asyncio
from dataclasses import replace

from actions.healing import storage
from actions.healing.domain import Breaker
from app.adapters.healing_desk import ConversationMessenger
from app.bootstrap import Firstline
from app.wiring.healing import wire_healing
from bot.conversation.domain import QUEUE

BROKEN = Breaker("kettle", "resync_preferences", state="open", opened=1, reason="state_disagrees")


def _rooms(firstline: Firstline, number: int):
    return [
        wire_healing(
            firstline.settings, firstline.database, firstline.clock, firstline.actions, firstline.hosts,
            firstline.conversations, firstline.desk,
        )
        for _ in range(number)
    ]  # fmt: skip


async def _store(firstline: Firstline, breaker: Breaker) -> None:
    async with firstline.database.begin() as tx:
        await storage.read_breaker(tx, breaker.host, breaker.workflow, lock=True)
        await storage.write_breaker(tx, breaker)


async def test_a_fix_that_stopped_itself_is_one_case_with_its_story(firstline: Firstline) -> None:
    await _store(firstline, BROKEN)
    await asyncio.gather(*(room.service._record.open_cases() for room in _rooms(firstline, 5)))
    [case] = await firstline.desk.list()
    assert (case.reason, case.priority, case.status) == ("self_healing_stopped", "high", "queued")
    async with firstline.database.connect() as connection:
        assert (await storage.read_breaker(connection, "kettle", "resync_preferences")).case_id == case.id
    full = await firstline.desk.get(case.id)
    assert full.packet is not None
    assert "stopped itself" in full.packet.transcript[0].text
    [room] = _rooms(firstline, 1)
    await room.service._record.open_cases()
    assert len(await firstline.desk.list()) == 1

    # It opens anew while the case is open: the same case. After somebody has resolved it: another one.
    await _store(firstline, replace(BROKEN, opened=2))
    assert await room.service._record.open_cases() == [case.id]
    assert len(await firstline.desk.list()) == 1


async def test_a_notice_goes_into_the_latest_conversation_when_the_assistant_has_it(
    firstline: Firstline,
) -> None:
    messenger = ConversationMessenger(firstline.conversations)
    payload = {"notice": "ntc_1", "text": "We put that right.", "card": None}
    assert await messenger.post("kettle", "usr_zoe", "ntc_1", payload) is None, "no conversation"
    conversation = await firstline.conversations.start(
        host="kettle", ref="usr_zoe", name="Zoe", email=None, channel="web", page={}, client={}
    )
    for _ in range(2):
        assert await messenger.post("kettle", "usr_zoe", "ntc_1", payload) == conversation.id
    [event] = await firstline.conversations.events(conversation.id)
    assert (event.type, event.author.kind, event.data) == ("notice", "system", payload)
    async with firstline.conversations.transaction() as tx:
        await firstline.conversations.transfer(conversation.id, QUEUE, reason="user_asked", tx=tx)
    assert await messenger.post("kettle", "usr_zoe", "ntc_2", payload) is None, "people have it"


async def test_the_policy_of_the_product_is_in_force(firstline: Firstline) -> None:
    status = await firstline.healing.service.overview.status()
    assert status.problem is None
    assert status.workflows["resync_preferences"] == "apply"
