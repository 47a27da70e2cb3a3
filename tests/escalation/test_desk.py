"""One person at a time: claims, messages and endings under concurrency, against a real PostgreSQL."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.permissions import house_rules
from bot.conversation.domain import Event
from escalation import storage
from escalation.agent_access import AgentAccess
from escalation.domain import Case
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.http import Caller
from foundation.ids import ConversationId, new_id
from tests.escalation.conftest import Desk, agent

BEN, EVE, ROOT = agent("Ben"), agent("Eve"), agent("Root", admin=True)


async def _owners(room: Desk, conversation_id: ConversationId) -> list[tuple[str, int, str]]:
    events = await room.conversations.events(conversation_id)
    return [
        (event.data["owner"]["kind"], event.data["epoch"], event.data["reason"])
        for event in events
        if event.type == "owner_changed"
    ]


async def test_a_case_goes_from_the_bot_to_the_queue_to_an_agent_and_back(room: Desk) -> None:
    case = await room.open()
    room.clock.advance(90)
    claimed = await room.desk.claim(case.id, BEN)
    assert (claimed.status, claimed.waited_seconds(room.clock.now())) == ("assigned", 90)
    assert claimed.assignee is not None
    assert claimed.assignee.name == "Ben"
    conversation = await room.conversations.get(case.conversation_id)
    assert (conversation.owner.kind, conversation.owner.name) == ("agent", "Ben")
    resolved = await room.desk.resolve(case.id, BEN, outcome="solved", note="Unlocked by hand.")
    assert (resolved.status, resolved.outcome, resolved.note) == ("resolved", "solved", "Unlocked by hand.")
    assert await _owners(room, case.conversation_id) == [
        ("queue", 1, "user_asked"),
        ("agent", 2, "claimed"),
        ("bot", 3, "resolved"),
    ]
    assert await room.desk.open_case(case.conversation_id) is None
    ended = [e for e in await room.conversations.events(case.conversation_id) if e.type == "case_resolved"]
    assert [event.data for event in ended] == [{"case": case.id, "outcome": "solved"}]


async def test_the_user_sees_the_note_only_when_told(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    await room.desk.resolve(case.id, BEN, outcome="answered", note="It is in your inbox.", tell_user=True)
    ended = [e for e in await room.conversations.events(case.conversation_id) if e.type == "case_resolved"]
    assert ended[0].data["note"] == "It is in your inbox."


async def test_of_twenty_agents_who_claim_at_once_one_gets_the_case(room: Desk) -> None:
    case = await room.open()
    agents = [agent(f"Agent{number}") for number in range(20)]

    async def claim(who: int) -> Case | Conflict:
        try:
            return await room.desk.claim(case.id, agents[who])
        except Conflict as error:
            return error

    results = await asyncio.gather(*(claim(who) for who in range(20)))
    won = [result for result in results if isinstance(result, Case)]
    assert len(won) == 1
    assert won[0].assignee is not None
    for result in results:
        if isinstance(result, Conflict):
            assert result.message == f"{won[0].assignee.name} has this case."
            assert result.extra["assignee"]["id"] == won[0].assignee.staff_id
    assert len(await _owners(room, case.conversation_id)) == 2


async def test_many_hand_offs_at_once_are_one_case(room: Desk) -> None:
    conversation = await room.conversation()
    opened = await asyncio.gather(*(room.hand_off(conversation.id) for _ in range(8)))
    assert len({case.id for case in opened}) == 1
    events = await room.conversations.events(conversation.id)
    assert [event.type for event in events].count("handoff") == 1
    assert await _owners(room, conversation.id) == [("queue", 1, "user_asked")]


async def test_the_database_itself_refuses_a_second_open_case(room: Desk) -> None:
    case = await room.open()
    columns = [column for column in storage.cases.c if column.name != "id"]
    copy = storage.cases.insert().from_select(
        ["id", *[column.name for column in columns]],
        sa.select(sa.literal(new_id("cas")), *columns).where(storage.cases.c.id == case.id),
    )
    with pytest.raises(IntegrityError):
        async with room.database.begin() as tx:
            await tx.execute(copy)


async def test_after_a_case_is_resolved_the_conversation_can_have_another(room: Desk) -> None:
    first = await room.open()
    await room.desk.claim(first.id, BEN)
    await room.desk.resolve(first.id, BEN, outcome="not_solved")
    second = await room.hand_off(first.conversation_id)
    assert second.id != first.id
    assert [case.id for case in await room.desk.list("resolved")] == [first.id]
    assert [case.id for case in await room.desk.list("open")] == [second.id]


async def test_claiming_ones_own_case_again_changes_nothing(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    before = await room.conversations.get(case.conversation_id)
    await room.desk.claim(case.id, BEN)
    assert await room.conversations.get(case.conversation_id) == before


async def test_only_who_has_the_case_may_write_release_type_or_resolve(room: Desk) -> None:
    case = await room.open()
    with pytest.raises(Conflict, match="Nobody has this case"):
        await room.desk.send(case.id, EVE, "hello", "k1")
    await room.desk.claim(case.id, BEN)
    before = await room.conversations.get(case.conversation_id)
    for attempt in (
        room.desk.send(case.id, EVE, "hello", "k1"),
        room.desk.typing(case.id, EVE, True),
        room.desk.release(case.id, EVE),
        room.desk.resolve(case.id, EVE, outcome="solved"),
        room.desk.send(case.id, ROOT, "hello", "k1"),
        room.desk.resolve(case.id, ROOT, outcome="solved"),
    ):
        with pytest.raises(Forbidden, match="Ben has this case"):
            await attempt
    assert await room.conversations.get(case.conversation_id) == before


async def test_an_admin_takes_over_and_nobody_else(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    with pytest.raises(Forbidden, match="Ben has this case"):
        await room.desk.claim(case.id, EVE, take_over=True)
    with pytest.raises(Conflict):
        await room.desk.claim(case.id, ROOT)
    taken = await room.desk.claim(case.id, ROOT, take_over=True)
    assert taken.assignee is not None
    assert taken.assignee.name == "Root"
    with pytest.raises(Forbidden, match="Root has this case"):
        await room.desk.send(case.id, BEN, "still me", "k1")
    assert (await _owners(room, case.conversation_id))[-1] == ("agent", 3, "taken_over")


async def test_released_it_is_back_at_its_place_and_another_can_take_it(room: Desk) -> None:
    first = await room.open("Ada")
    room.clock.advance(10)
    second = await room.open("Cleo")
    await room.desk.claim(first.id, BEN)
    assert await room.desk.position(second.conversation_id) == (1, 1)
    released = await room.desk.release(first.id, BEN)
    assert (released.status, released.assignee) == ("queued", None)
    assert await room.desk.position(first.conversation_id) == (1, 2)
    assert await room.desk.position(second.conversation_id) == (2, 2)
    await room.desk.claim(first.id, EVE)
    owners = await _owners(room, first.conversation_id)
    assert [kind for kind, _, _ in owners] == ["queue", "agent", "queue", "agent"]
    assert [epoch for _, epoch, _ in owners] == [1, 2, 3, 4]


async def test_messages_are_sent_once_however_often_they_come(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    sent = await asyncio.gather(*(room.desk.send(case.id, BEN, " hello ", "k1") for _ in range(6)))
    assert len({item.event.id for item in sent}) == 1
    assert [item.replayed for item in sent].count(False) == 1
    assert sent[0].event.author.name == "Ben"
    assert sent[0].event.text == "hello"
    with pytest.raises(Conflict):
        await room.desk.send(case.id, BEN, "something else", "k1")
    await room.desk.resolve(case.id, BEN, outcome="solved")
    late = await room.desk.send(case.id, BEN, "hello", "k1")
    assert late.replayed
    with pytest.raises(Conflict, match="resolved"):
        await room.desk.send(case.id, BEN, "one more thing", "k2")
    texts = [e.text for e in await room.conversations.events(case.conversation_id) if e.type == "message"]
    assert texts == ["hello"]


@pytest.mark.parametrize("text", ["", "   \n", "x" * 4001])
async def test_there_must_be_something_to_say(room: Desk, text: str) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    with pytest.raises(InvalidInput):
        await room.desk.send(case.id, BEN, text, "k1")


async def test_writing_and_resolving_at_once_leaves_no_message_after_the_end(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)

    async def send(number: int) -> Event | None:
        try:
            return (await room.desk.send(case.id, BEN, f"line {number}", f"k{number}")).event
        except Conflict:
            return None

    results = await asyncio.gather(
        *(send(number) for number in range(4)),
        room.desk.resolve(case.id, BEN, outcome="solved"),
        *(send(number) for number in range(4, 8)),
    )
    events = await room.conversations.events(case.conversation_id)
    end = next(event.seq for event in events if event.type == "case_resolved")
    kept = [event for event in events if event.type == "message"]
    assert all(event.seq < end for event in kept)
    assert {event.id for event in kept} == {r.id for r in results if isinstance(r, Event)}
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_resolving_twice_the_same_way_is_one_ending(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    await asyncio.gather(*(room.desk.resolve(case.id, BEN, outcome="solved") for _ in range(3)))
    events = await room.conversations.events(case.conversation_id)
    assert [event.type for event in events].count("case_resolved") == 1
    with pytest.raises(Conflict):
        await room.desk.resolve(case.id, BEN, outcome="spam")
    with pytest.raises(Conflict):
        await room.desk.claim(case.id, EVE)
    with pytest.raises(Conflict):
        await room.desk.release(case.id, BEN)


async def test_the_queue_goes_by_priority_then_age(room: Desk) -> None:
    room.application.parts = {}
    cases = {}
    for name, priority in [
        ("Low", "low"),
        ("Old", "normal"),
        ("New", "normal"),
        ("Hot", "urgent"),
        ("High", "high"),
    ]:
        cases[name] = await room.open(name, priority=priority)
        room.clock.advance(1)
    listed = [case.contact.name for case in await room.desk.list("queued")]
    assert listed == ["Hot", "High", "Old", "New", "Low"]
    for place, name in enumerate(listed, start=1):
        assert await room.desk.position(cases[name].conversation_id) == (place, 5)
    await room.desk.claim(cases["Hot"].id, BEN)
    assert await room.desk.position(cases["Hot"].conversation_id) is None
    assert await room.desk.position(cases["New"].conversation_id) == (3, 4)
    assert [case.contact.name for case in await room.desk.list("open", mine=BEN.id)] == ["Hot"]
    assert await room.desk.counts() == {"queued": 4, "assigned": 1}


async def test_everybody_who_waits_is_woken_when_the_queue_moves(room: Desk) -> None:
    async with room.wakeups.subscribe("queue") as waiting:
        case = await room.open()
        changes = [m["change"] for m in await waiting.wait(1)]
        await room.desk.claim(case.id, BEN)
        await room.desk.release(case.id, BEN)
        await room.desk.claim(case.id, EVE)
        await room.desk.resolve(case.id, EVE, outcome="solved")
        changes += [m["change"] for m in await waiting.wait(1)]
    assert changes == ["opened", "claimed", "released", "claimed", "resolved"]


async def test_the_user_sees_that_the_agent_types(room: Desk) -> None:
    case = await room.open()
    await room.desk.claim(case.id, BEN)
    async with room.wakeups.subscribe(f"typing:{case.conversation_id}") as follower:
        await room.desk.typing(case.id, BEN, True)
        signs = await follower.wait(1)
    assert [(sign["author"]["name"], sign["active"]) for sign in signs] == [("Ben", True)]


async def test_activity_of_the_agent_is_noted_for_whoever_looks_for_silence(room: Desk) -> None:
    case = await room.open()
    assert case.last_activity_at is None
    await room.desk.claim(case.id, BEN)
    room.clock.advance(60)
    await room.desk.send(case.id, BEN, "hello", "k1")
    room.clock.advance(60)
    await room.say(case.conversation_id, "are you there?")
    found = await room.desk.get(case.id)
    assert found.last_activity_at is not None
    assert (room.clock.now() - found.last_activity_at).total_seconds() == 60


async def test_while_a_person_has_the_case_the_bot_gets_no_turn(room: Desk) -> None:
    case = await room.open()
    await room.say(case.conversation_id, "waiting")
    await room.desk.claim(case.id, BEN)
    await room.say(case.conversation_id, "hi Ben")
    assert await room.conversations.turns(case.conversation_id) == []
    await room.desk.resolve(case.id, BEN, outcome="solved")
    await room.say(case.conversation_id, "hi bot", "greet")
    assert len(await room.conversations.turns(case.conversation_id)) == 1


@pytest.mark.parametrize("case_id", ["", "cas_nothing", "cas_01KB3TABCDEFGHJKMNPQRSTVWX", "cnv_01KB3T"])
async def test_an_unknown_case_is_not_found(room: Desk, case_id: str) -> None:
    with pytest.raises(NotFound):
        await room.desk.claim(case_id, BEN)


async def test_staff_follow_only_conversations_that_have_a_case(room: Desk) -> None:
    line = AgentAccess(room.desk, room.conversations, house_rules())
    caller = Caller("staff", id=BEN.id, name="Ben", roles=frozenset({"agent"}))
    private = await room.conversation("Zoe")
    case = await room.open()
    assert (await line.follow(caller, case.conversation_id)).id == case.conversation_id
    for conversation_id in (private.id, "cnv_nothing", new_id("cnv")):
        with pytest.raises(NotFound):
            await line.follow(caller, conversation_id)
    with pytest.raises(Forbidden):
        await line.follow(Caller("staff", id="x", roles=frozenset({"editor"})), case.conversation_id)
    await room.desk.claim(case.id, BEN)
    event = await line.post(caller, case.conversation_id, "hello", "k1")
    assert event.author.kind == "agent"
    await line.typing(caller, case.conversation_id, True)
    with pytest.raises(Conflict, match="no open case"):
        await line.post(caller, private.id, "hello", "k1")
