import asyncio

import pytest
import sqlalchemy as sa

from bot.conversation import turn_storage
from bot.conversation.answering import interpret
from bot.conversation.domain import Answer, Owner, Reading
from bot.conversation.errors import BrainUnavailable
from bot.conversation.events import OfferedChoice
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import SystemClock
from foundation.ids import StaffId
from tests.bot.conversation.conftest import says


async def test_turns_of_a_conversation_run_one_at_a_time_and_in_order(room) -> None:
    async def slow(turn):
        await asyncio.sleep(0.01)
        return await room.brain.echo(turn)

    room.brain.script = slow
    conversation = await room.begin()
    for number in range(6):
        await room.say(conversation, f"m{number}")
    events = await room.settle(conversation)
    assert room.brain.most_busy == 1
    said = [e.text for e in events if e.author.kind == "bot"]
    assert said == [f"You said m{number}" for number in range(6)]


async def test_conversations_do_not_wait_for_each_other(room) -> None:
    together = asyncio.Barrier(4)

    async def meet(turn):
        await together.wait()
        return await room.brain.echo(turn)

    room.brain.script = meet
    conversations = [await room.begin(f"usr_{n}") for n in range(4)]
    await asyncio.gather(*(room.say(c, "hi") for c in conversations))
    for conversation in conversations:
        assert (await room.settle(conversation))[-1].text == "You said hi"


async def test_the_bot_does_not_talk_over_a_person(room) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(turn):
        asked.set()
        await go_on.wait()
        return await room.brain.echo(turn)

    room.brain.script = wait
    conversation = await room.begin()
    await room.say(conversation, "hello")
    await asked.wait()
    async with room.conversations.transaction() as tx:
        await room.conversations.transfer(
            conversation.id, Owner("agent", StaffId("stf_1"), "Sam"), reason="claimed", tx=tx
        )
    go_on.set()
    events = await room.settle(conversation)
    assert [e.author.kind for e in events] == ["user", "system"]
    assert [t.status for t in await room.conversations.turns(conversation.id)] == ["dropped"]


async def test_even_when_the_bot_owns_it_again_an_old_answer_is_not_said(room) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(turn):
        asked.set()
        await go_on.wait()
        return await room.brain.echo(turn)

    room.brain.script = wait
    conversation = await room.begin()
    await room.say(conversation, "hello")
    await asked.wait()
    for owner in (Owner("agent", StaffId("stf_1"), "Sam"), Owner("bot")):
        async with room.conversations.transaction() as tx:
            await room.conversations.transfer(conversation.id, owner, reason="x", tx=tx)
    go_on.set()
    events = await room.settle(conversation)
    assert "bot" not in [e.author.kind for e in events]


async def test_what_waits_when_a_person_takes_over_is_not_even_asked_of_the_bot(room) -> None:
    """Asking it would act: a payment retried behind the back of the person who has the conversation."""
    handed_over = asyncio.Event()

    async def hand_over(turn):
        await handed_over.wait()
        effect = {"type": "handoff", "reason": "user_asked"}
        return Answer([{"custom": effect}], Reading("talk_to_person", 0.9))

    room.brain.script = hand_over
    conversation = await room.begin()
    for text in ("a person, please", "my payment failed", "yes"):
        await room.say(conversation, text)
    handed_over.set()
    events = await room.settle(conversation)
    assert [turn.text for turn in room.brain.asked] == ["a person, please"]
    statuses = [turn.status for turn in await room.conversations.turns(conversation.id)]
    assert statuses == ["done", "dropped", "dropped"]
    assert "bot" not in [event.author.kind for event in events]


@pytest.mark.parametrize("text", ["half a \x00 word", "half a \ud800 pair"])
async def test_an_answer_that_cannot_be_stored_gives_the_user_a_person(room, text) -> None:
    async def unstorable(turn):
        return says(text)

    room.brain.script = unstorable
    conversation = await room.begin()
    await room.say(conversation, "help")
    events = await room.settle(conversation)
    assert [e.type for e in events] == ["message", "message", "owner_changed", "handoff"]
    [turn] = await room.conversations.turns(conversation.id)
    assert (turn.status, turn.error) == ("failed", "unusable")
    assert len(room.brain.asked) == 1


async def test_messages_to_a_person_start_no_turn(room) -> None:
    conversation = await room.begin()
    async with room.conversations.transaction() as tx:
        await room.conversations.transfer(conversation.id, Owner("queue"), reason="x", tx=tx)
    await room.say(conversation, "anybody there?")
    assert await room.conversations.turns(conversation.id) == []
    assert room.brain.asked == []


async def silence(turn):
    return Answer([], Reading())


async def refusal(turn):
    raise BrainUnavailable("action_failed")


async def crash(turn):
    raise ValueError("boom")


async def hang(turn):
    await asyncio.sleep(60)


async def test_a_dead_brain_gives_the_user_a_person(room) -> None:
    expected = {silence: "empty", refusal: "action_failed", crash: "crashed", hang: "too_slow"}
    for number, (script, error) in enumerate(expected.items()):
        room.brain.script = script
        conversation = await room.begin(f"usr_{number}")
        await room.say(conversation, "help")
        events = await room.settle(conversation)
        assert [e.type for e in events] == ["message", "message", "owner_changed", "handoff"]
        assert events[1].author.kind == "system"
        [turn] = await room.conversations.turns(conversation.id)
        assert (turn.status, turn.error) == ("failed", error)
        assert (await room.conversations.get(conversation.id)).owner.kind == "queue"
        case = await room.desk.open_case(conversation.id)
        assert case.reason == "assistant_unavailable"


async def test_what_a_dead_runner_left_is_taken_up_once(room, eventually) -> None:
    conversation = await room.begin()
    posted = await room.conversations.post_user_message(
        conversation.id, author_name="Ada", text="hello", choice=None, key="k"
    )
    now = SystemClock().now()
    async with room.database.begin() as tx:  # as a runner that died at once would leave it
        assert await turn_storage.claim_turn(tx, conversation.id, "run_dead", now, now) is not None
    other = TurnRunner(room.database, room.conversations, room.brain, room.desk, SystemClock())
    await other.start()
    try:
        await eventually(lambda: said(room, conversation))
    finally:
        await other.stop()
    events = await room.settle(conversation)
    assert [e.text for e in events] == ["hello", "You said hello"]
    assert events[1].turn_id == posted.event.turn_id


async def said(room, conversation) -> bool:
    return any(e.author.kind == "bot" for e in await room.conversations.events(conversation.id))


async def test_a_runner_that_lost_its_lease_says_nothing(room) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(turn):
        if not asked.is_set():
            asked.set()
            await go_on.wait()
        return await room.brain.echo(turn)

    room.brain.script = wait
    conversation = await room.begin()
    await room.say(conversation, "hello")
    await asked.wait()
    async with room.database.begin() as tx:
        await tx.execute(sa.update(turn_storage.turns).values(runner="run_other"))
    go_on.set()
    await asyncio.sleep(0.1)
    assert not await said(room, conversation)


def test_effects_and_cards_are_read_from_the_brains_messages() -> None:
    answer = Answer(
        [
            {"text": "One moment."},
            {"custom": {"type": "article", "text": "Here", "article_id": "a", "quote": "q"}},
            {"text": "Did it help?", "buttons": [{"title": "Yes", "payload": "/helped"}]},
            {"custom": {"type": "handoff", "reason": "user_asked", "priority": "high", "summary": "s"}},
        ],
        Reading("how_to", 0.8),
    )
    outcome = interpret(answer)
    assert [m.text for m in outcome.messages] == ["One moment.", "Here", "Did it help?"]
    assert outcome.messages[1].card == {"type": "article", "article_id": "a", "quote": "q"}
    assert outcome.messages[2].buttons == (OfferedChoice(title="Yes", payload="/helped"),)
    assert outcome.handoff is not None
    assert outcome.handoff.priority == "high"


async def test_the_context_of_a_handoff_tells_how_the_last_message_was_read(room) -> None:
    async def hand_over(turn):
        effect = {"type": "handoff", "reason": "user_asked", "priority": "normal", "summary": ""}
        return Answer([{"custom": effect}], Reading("talk_to_person", 0.97, [], "model-1"))

    room.brain.script = hand_over
    conversation = await room.begin()
    await room.say(conversation, "a person, please")
    await room.settle(conversation)
    [case] = room.desk.cases
    assert case.intents == ["talk_to_person"]
