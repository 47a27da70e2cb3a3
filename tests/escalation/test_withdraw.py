"""A user leaves the queue: while nobody has the case it is closed and the bot goes on, later it is not."""

import asyncio

import pytest

from bot.conversation.queue_watch import QUEUE_TOPIC
from foundation.errors import Conflict, NotFound
from foundation.ids import ConversationId
from tests.escalation.conftest import Desk, agent


async def test_a_case_that_nobody_has_is_withdrawn(room: Desk) -> None:
    case = await room.open()
    async with room.wakeups.subscribe(QUEUE_TOPIC) as agents:
        assert await room.desk.withdraw(case.conversation_id)
        [told] = await agents.wait(1)
    assert (told["case"], told["change"]) == (case.id, "withdrawn")
    closed = await room.desk.get(case.id)
    assert (closed.status, closed.outcome, closed.assignee) == ("resolved", "withdrawn", None)
    assert await room.desk.counts() == {"queued": 0, "assigned": 0}
    conversation = await room.conversations.get(case.conversation_id)
    assert conversation.owner.kind == "bot"
    *_, ended, back = await room.conversations.events(case.conversation_id)
    assert (ended.type, ended.author.kind, ended.data["outcome"]) == ("case_resolved", "user", "withdrawn")
    assert (back.type, back.data["reason"]) == ("owner_changed", "withdrawn")


async def test_who_does_not_wait_withdraws_nothing(room: Desk) -> None:
    conversation = await room.conversation()
    assert not await room.desk.withdraw(conversation.id)
    assert await room.conversations.events(conversation.id) == []
    with pytest.raises(NotFound):
        await room.desk.withdraw(ConversationId("cnv_01JD8Z0000000000000000000"))


async def test_a_claimed_case_stays(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, agent("Greta"))
    with pytest.raises(Conflict) as refused:
        await room.desk.withdraw(case.conversation_id)
    assert refused.value.code == "case_claimed"
    assert (await room.desk.get(case.id)).is_assigned_to("stf_greta")


async def test_of_withdrawing_and_claiming_at_once_one_wins(room: Desk) -> None:
    for number in range(5):
        case = await room.open(f"U{number}")
        left, had = await asyncio.gather(
            room.desk.withdraw(case.conversation_id),
            room.desk.claim(case.id, agent("Greta")),
            return_exceptions=True,
        )
        assert (left is True) == isinstance(had, Conflict)
        now = await room.desk.get(case.id)
        owner = (await room.conversations.get(case.conversation_id)).owner.kind
        assert (now.outcome, owner) == (("withdrawn", "bot") if left is True else (None, "agent"))


async def test_a_new_request_is_a_new_case(room: Desk) -> None:
    first = await room.open()
    await room.desk.withdraw(first.conversation_id)
    second = await room.hand_off(first.conversation_id)
    assert second.id != first.id
    assert second.status == "queued"
