"""One user's cases: of the assistant's making one, asked for a few; who asked comes first; none is silent."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.permissions import house_rules
from bot.conversation.domain import Conversation, Event
from escalation import storage
from escalation.agent_access import AgentAccess
from escalation.domain import StateSnapshot, decide_priority
from foundation.ids import ConversationId, new_id
from tests.escalation.conftest import Desk, agent

UNANSWERED = "assistant_unavailable"
BEN = agent("Ben")


async def _said(room: Desk, conversation_id: ConversationId) -> list[Event]:
    events = await room.conversations.events(conversation_id)
    return [event for event in events if event.type == "message"]


async def _several(room: Desk, number: int, reason: str = UNANSWERED) -> tuple[list[Conversation], set[str]]:
    room.application.parts = {}
    conversations = [await room.conversation("Flo") for _ in range(number)]
    cases = await asyncio.gather(
        *(room.hand_off(one.id, reason=reason, priority="high") for one in conversations)
    )
    return conversations, {case.id for case in cases}


async def test_what_the_assistant_makes_of_many_conversations_at_once_is_one_case(room: Desk) -> None:
    conversations, cases = await _several(room, 12)
    assert len(cases) == 1
    [case] = await room.desk.list()
    assert (case.priority, case.joined, case.asked) == ("normal", 11, False)
    owners = [(await room.conversations.get(one.id)).owner.kind for one in conversations]
    assert (owners.count("queue"), owners.count("bot")) == (1, 11)


async def test_who_joined_is_told_where_the_person_answers_and_stays_with_the_bot(room: Desk) -> None:
    (first, second), _ = await _several(room, 2)
    case = await room.desk.open_case(first.id) or await room.desk.open_case(second.id)
    assert case is not None
    other = second if case.conversation_id == first.id else first
    [told] = await _said(room, other.id)
    card = {"type": "joined_case", "case": case.id, "conversation": case.conversation_id}
    assert (told.author.kind, told.data["card"]) == ("system", card)
    now = await room.conversations.get(other.id)
    assert (now.owner.kind, now.epoch) == ("bot", 0)
    assert await room.desk.position(other.id) is None
    await room.hand_off(other.id, reason=UNANSWERED)
    assert len(await _said(room, other.id)) == 1, "once is enough for what nobody asked for"
    await room.hand_off(other.id, reason="repeated_failure")
    assert [one.reason for one in await room.desk.joined(case.id, 10)] == [UNANSWERED]


async def test_whoever_asked_comes_before_what_nobody_asked_for_but_not_for_ever(room: Desk) -> None:
    room.application.parts = {}
    machine = await room.open("Flo", reason=UNANSWERED)
    room.clock.advance(60)
    asked = await room.open("Ada")
    assert await room.desk.position(asked.conversation_id) == (1, 2)
    assert await room.desk.position(machine.conversation_id) == (2, 2)
    room.clock.advance(15 * 60)
    late = await room.open("Zoe")
    assert [case.id for case in await room.desk.list("queued")] == [asked.id, machine.id, late.id]


async def test_who_then_asks_in_that_conversation_counts_as_having_asked_from_the_beginning(
    room: Desk,
) -> None:
    room.application.parts = {}
    machine = await room.open("Flo", reason=UNANSWERED)
    room.clock.advance(5)
    other = await room.open("Ada")
    room.application.parts = {"account": {"locked": True}}
    promoted = await room.hand_off(machine.conversation_id)
    assert (promoted.id, promoted.asked, promoted.priority) == (machine.id, True, "high")
    assert [case.id for case in await room.desk.list("queued")] == [machine.id, other.id]
    elsewhere = await room.conversation("Flo")
    assert (await room.hand_off(elsewhere.id, reason=UNANSWERED)).id != machine.id


async def test_asked_for_is_each_conversation_for_itself_up_to_a_few_and_then_the_newest(room: Desk) -> None:
    room.application.parts = {}
    cases = [await room.open("Flo") for _ in range(3)]
    assert len({case.id for case in cases}) == 3
    more = await room.conversation("Flo")
    joined = await room.hand_off(more.id)
    assert (joined.id, joined.joins, joined.joined) == (cases[2].id, more.id, 1)
    again = await room.hand_off(more.id)
    assert again.id == joined.id
    assert [event.author.kind for event in await _said(room, more.id)] == ["system", "system"]
    assert (await room.open("Ada")).joins is None
    await room.desk.claim(cases[0].id, BEN)
    await room.desk.resolve(cases[0].id, BEN, outcome="solved")
    own = await room.hand_off(more.id)
    assert (own.conversation_id, own.joins) == (more.id, None)


async def test_many_calls_for_a_person_at_once_stay_within_the_number(room: Desk) -> None:
    _, cases = await _several(room, 10, reason="user_asked")
    assert len(cases) == len(await room.desk.list()) == 3


async def test_the_database_itself_refuses_a_second_case_of_the_assistants_making(room: Desk) -> None:
    case, other = await room.open("Flo", reason=UNANSWERED), await room.conversation("Flo")
    columns = [column for column in storage.cases.c if column.name not in ("id", "conversation_id")]
    copy = storage.cases.insert().from_select(
        ["id", "conversation_id", *[column.name for column in columns]],
        sa.select(sa.literal(new_id("cas")), sa.literal(other.id), *columns).where(
            storage.cases.c.id == case.id
        ),
    )
    with pytest.raises(IntegrityError):
        async with room.database.begin() as tx:
            await tx.execute(copy)


async def test_a_case_that_is_closed_while_another_conversation_joins_loses_nobody(room: Desk) -> None:
    """Whichever is first: it joined and is told of the end, or it has a case of its own."""
    room.application.parts = {}
    for _ in range(5):
        case = await room.open("Flo", reason=UNANSWERED)
        await room.desk.claim(case.id, BEN)
        other = await room.conversation("Flo")
        got, _ = await asyncio.gather(
            room.hand_off(other.id, reason=UNANSWERED), room.desk.resolve(case.id, BEN, outcome="solved")
        )
        if got.conversation_id == other.id:
            await room.desk.claim(got.id, BEN)
            await room.desk.resolve(got.id, BEN, outcome="solved")
        else:
            assert len(await _said(room, other.id)) == 2


async def test_those_who_joined_are_told_of_the_end_and_may_ask_again(room: Desk) -> None:
    (one, two, three), _ = await _several(room, 3)
    [case] = await room.desk.list()
    await room.desk.claim(case.id, BEN)
    await room.desk.resolve(case.id, BEN, outcome="solved")
    for conversation in (one, two, three):
        if conversation.id != case.conversation_id:
            assert len(await _said(room, conversation.id)) == 2
            assert (await room.conversations.get(conversation.id)).owner.kind == "bot"
    fresh = await room.hand_off(two.id)
    assert (fresh.id != case.id, fresh.conversation_id) == (True, two.id)


async def test_an_agent_may_read_what_joined(room: Desk) -> None:
    conversations, _ = await _several(room, 2)
    line = AgentAccess(room.desk, room.conversations, house_rules())
    for one in conversations:
        assert await room.desk.had_case(one.id)
    from foundation.http import Caller

    caller = Caller("staff", id="stf_1", name="Ben", roles=frozenset({"agent"}))
    assert {(await line.follow(caller, one.id)).id for one in conversations} == {
        one.id for one in conversations
    }


async def test_little_is_collected_for_what_joins(room: Desk) -> None:
    room.application.parts = {}
    await room.open("Flo", reason=UNANSWERED)
    other = await room.conversation("Flo")
    room.application.error = RuntimeError("must not be asked")
    prepared = await room.desk.prepare(other.id, reason=UNANSWERED)
    assert prepared.packet.missing == ("transcript", "readings", "attempts", "state")
    assert prepared.packet.contact.name == "Flo"


async def test_two_users_do_not_share_a_case(room: Desk) -> None:
    room.application.parts = {}
    assert (await room.open("Flo", reason=UNANSWERED)).id != (await room.open("Ada", reason=UNANSWERED)).id
    flo, ada = (
        await room.desk.has_open_case("kettle", "usr_flo"),
        await room.desk.has_open_case("kettle", "usr_ada"),
    )
    assert (flo, ada) == (True, True)
    assert not await room.desk.has_open_case("kettle", "usr_zoe")
    assert not await room.desk.has_open_case("other", "usr_flo")


def test_that_nobody_answered_is_normal_whatever_the_state() -> None:
    locked = StateSnapshot(parts={"account": {"locked": True}})
    assert decide_priority(UNANSWERED, "urgent", locked) == "normal"
    assert decide_priority("repeated_failure", "normal", StateSnapshot()) == "normal"
