import asyncio

import pytest

from bot.conversation.domain import BOT, SYSTEM, Author, NewEvent, Owner
from bot.conversation.events import NoticePayload, message
from foundation.errors import Conflict, NotFound, RateLimited
from foundation.ids import ConversationId, StaffId, new_id

NOTE = NoticePayload(notice="ntc_1", text="We put that right.", card=None)


async def test_numbers_have_no_gaps_and_no_doubles_under_contention(room) -> None:
    conversation = await room.begin()
    event = NewEvent(Author("user", "Ada"), message("hi"))
    await asyncio.gather(*(room.conversations.append(conversation.id, event) for _ in range(60)))
    events = await room.conversations.events(conversation.id)
    assert [e.seq for e in events] == list(range(1, 61))
    assert (await room.conversations.get(conversation.id)).last_seq == 60


async def test_a_message_sent_again_with_its_key_is_stored_once(room) -> None:
    conversation = await room.begin()
    first, *others = await asyncio.gather(*(room.say(conversation, "hello", "key-1") for _ in range(8)))
    assert {e.seq for e in others} == {first.seq}
    events = await room.settle(conversation)
    assert [(e.author.kind, e.text) for e in events] == [
        ("user", "hello"),
        ("bot", "You said hello"),
    ]


async def test_a_refused_repeat_leaves_no_gap(room) -> None:
    conversation = await room.begin()
    await room.say(conversation, "one", "key-1")
    with pytest.raises(Conflict):
        await room.say(conversation, "two", "key-1")
    await room.settle(conversation)
    event = await room.conversations.append(conversation.id, NewEvent(SYSTEM, NOTE))
    assert event.seq == 3


async def test_keys_of_user_and_agent_do_not_collide(room) -> None:
    conversation = await room.begin()
    for author in (Author("user", "Ada"), Author("agent", "Sam")):
        await room.conversations.append(conversation.id, NewEvent(author, message("hi"), client_key="same"))
    assert len(await room.conversations.events(conversation.id)) == 2


async def test_events_are_read_from_a_cursor(room) -> None:
    conversation = await room.begin()
    for number in range(5):
        await room.conversations.append(conversation.id, NewEvent(SYSTEM, message(str(number))))
    assert [e.seq for e in await room.conversations.events(conversation.id, after=2)] == [3, 4, 5]
    assert [e.seq for e in await room.conversations.events(conversation.id, after=2, limit=1)] == [3]
    assert await room.conversations.events(conversation.id, after=99) == []


async def test_transfer_raises_the_epoch_and_is_in_the_transcript(room) -> None:
    conversation = await room.begin()
    async with room.conversations.transaction() as tx:
        moved = await room.conversations.transfer(
            conversation.id, Owner("agent", StaffId("stf_1"), "Sam"), reason="claimed", tx=tx
        )
    assert (moved.epoch, moved.owner.kind) == (1, "agent")
    assert await room.conversations.get(conversation.id) == (await room.conversations.get(conversation.id))
    [event] = await room.conversations.events(conversation.id)
    assert event.data == {"owner": {"kind": "agent", "name": "Sam"}, "epoch": 1, "reason": "claimed"}


async def test_a_rolled_back_transfer_leaves_nothing(room) -> None:
    conversation = await room.begin()
    with pytest.raises(RuntimeError):
        async with room.conversations.transaction() as tx:
            await room.conversations.transfer(conversation.id, Owner("queue"), reason="x", tx=tx)
            raise RuntimeError
    now = await room.conversations.get(conversation.id)
    assert (now.owner, now.epoch, now.last_seq) == (BOT, 0, 0)


async def test_unknown_conversations_are_said_to_be_unknown(room) -> None:
    unknown = ConversationId(new_id("cnv"))
    with pytest.raises(NotFound):
        await room.conversations.get(unknown)
    with pytest.raises(NotFound):
        await room.conversations.append(unknown, NewEvent(SYSTEM, NOTE))
    with pytest.raises(NotFound):
        await room.conversations.post_user_message(unknown, author_name="A", text="x", choice=None, key="k")


async def test_a_flood_is_refused_and_what_was_taken_is_answered(room) -> None:
    async def slow(turn):
        await asyncio.sleep(0.02)
        return await room.brain.echo(turn)

    room.brain.script = slow
    conversation = await room.begin()
    results = await asyncio.gather(
        *(room.say(conversation, f"m{n}") for n in range(40)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, RateLimited)]
    taken = [r for r in results if not isinstance(r, Exception)]
    assert refused
    assert len(refused) + len(taken) == 40
    events = await room.settle(conversation)
    assert sum(e.author.kind == "bot" for e in events) == len(taken)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
