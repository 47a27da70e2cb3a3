"""Nobody waits for ever: an answer, or word of it and a person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.conversation import turn_runner as runners
from bot.conversation import turn_storage
from bot.conversation.answering import APOLOGY
from bot.conversation.domain import Conversation, Event, Turn
from bot.conversation.patience import Patience
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import FixedClock, SystemClock
from foundation.ids import ContactId, ConversationId, TurnId
from tests.bot.conversation.conftest import NotingDesk, Room, ScriptedBrain

Begin = Callable[..., Awaitable[TurnRunner]]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def begin(room: Room) -> AsyncIterator[Begin]:
    """Start runners in the place of the room's own."""
    await room.runner.stop()
    started: list[TurnRunner] = []

    async def start(*, desk: NotingDesk | None = None, **given: Any) -> TurnRunner:
        room.runner = TurnRunner(
            room.database, room.conversations, room.brain, desk or room.desk, SystemClock(), **given
        )
        started.append(room.runner)
        await room.runner.start()
        return room.runner

    yield start
    for one in started:
        await one.stop()


async def post(room: Room, conversation: Conversation, text: str = "hello") -> None:
    await room.conversations.post_user_message(
        conversation.id, author_name="Ada", text=text, choice=None, key="k"
    )


def passed_on(events: list[Event]) -> bool:
    """Whether the user was told once, and then given a person."""
    return [event.type for event in events] == ["message", "message", "owner_changed", "handoff"] and (
        events[1].author.kind,
        events[1].text,
    ) == ("system", APOLOGY)


async def test_who_finds_no_free_slot_in_time_gets_a_person(
    room: Room, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "SLOTS", 2)

    async def hang(turn: Turn) -> Any:
        await asyncio.sleep(60)

    room.brain.script = hang
    # Those that have slots are not to end.
    monkeypatch.setattr(Patience, "left", lambda *_: 60.0)
    await begin(patience=0.5, deadline=60)
    for number in range(2):
        await room.say(await room.begin(f"usr_hang{number}"), "hang")
    late = await room.begin("usr_late")
    await room.say(late, "hello")
    assert passed_on(await room.settle(late))
    [turn] = await room.conversations.turns(late.id)
    assert (turn.status, turn.error) == ("failed", "overdue")
    assert [case.conversation_id for case in room.desk.cases] == [late.id]
    assert len(room.brain.asked) == 2


async def test_time_in_the_queue_counts_for_the_brains_deadline(room: Room, begin: Begin) -> None:
    async def hang(turn: Turn) -> Any:
        await asyncio.sleep(60)

    room.brain.script = hang
    await begin(patience=0.5, deadline=60)
    conversation = await room.begin()
    await room.say(conversation, "hello")
    assert passed_on(await room.settle(conversation))
    assert room.desk.cases[0].reason == "assistant_unavailable"


async def test_an_overdue_turn_is_given_up_once_by_however_many_runners(
    room: Room, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = [await room.begin(f"usr_{number}") for number in range(6)]
    for conversation in conversations:
        await post(room, conversation)
    monkeypatch.setattr(room.brain, "ready", never)
    for _ in range(3):
        await begin(patience=0.3)
    for conversation in conversations:
        assert passed_on(await room.settle(conversation))
    assert len(room.desk.cases) == 6
    assert room.brain.asked == []


async def never() -> bool:
    return False


def failing_when_done(error: Exception) -> Callable[..., Awaitable[bool]]:
    finish = turn_storage.finish_turn

    async def finish_turn(*given: Any, status: str, **named: Any) -> bool:
        if status == "done":
            raise error
        return await finish(*given, status=status, **named)

    return finish_turn


async def test_an_answer_that_can_never_be_stored_gives_the_user_a_person(
    room: Room, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_storage, "finish_turn", failing_when_done(ValueError("poison")))
    await begin()
    conversation = await room.begin()
    await room.say(conversation, "hello")
    assert passed_on(await room.settle(conversation))
    assert len(room.brain.asked) == 1


async def test_what_fails_for_a_passing_reason_again_and_again_is_not_tried_for_ever(
    room: Room, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_storage, "finish_turn", failing_when_done(PoolTimeout("none free")))
    await begin()
    conversation = await room.begin()
    await room.say(conversation, "hello")
    assert passed_on(await room.settle(conversation))
    [turn] = await room.conversations.turns(conversation.id)
    assert (turn.error, turn.claims) == ("interrupted", 6)
    assert len(room.brain.asked) == 5


class ShutDesk(NotingDesk):
    """A desk that opens no case until told to."""

    shut = True

    async def prepare(self, conversation_id: ConversationId, **given: Any) -> Any:
        if self.shut:
            raise RuntimeError("the log of attempts cannot be written")
        return await super().prepare(conversation_id, **given)


async def test_while_no_case_can_be_opened_the_user_is_told_once_and_the_case_comes_later(
    room: Room, begin: Begin, eventually: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
) -> None:
    async def refuse(turn: Turn) -> Any:
        raise RuntimeError

    room.brain.script = refuse
    desk = ShutDesk(room.conversations)
    await begin(desk=desk)
    conversation = await room.begin()
    await room.say(conversation, "hello")

    async def tried_again() -> bool:
        [turn] = await room.conversations.turns(conversation.id)
        return turn.claims == 2

    await eventually(tried_again)
    events = await room.conversations.events(conversation.id)
    assert [event.text for event in events] == ["hello", APOLOGY]
    desk.shut = False
    assert passed_on(await room.settle(conversation))
    assert len(room.brain.asked) == 1


def asked_for(at: datetime) -> Turn:
    return Turn(
        TurnId("trn_1"), ConversationId("cnv_1"), 1, 0, "pending", "hello", None, None, None, [], None, None,
        at, None, None, None,
    )  # fmt: skip


async def answers() -> bool:
    return True


async def is_gone() -> bool:
    raise ConnectionRefusedError


async def test_waiting_is_counted_from_when_the_database_was_back() -> None:
    clock = FixedClock(NOW)
    patience = Patience(clock, 15)
    turn = asked_for(NOW)
    clock.advance(10)
    assert patience.left(turn) == 5
    assert patience.overdue_before() is None, "it has not been looked at for long enough"
    clock.advance(20)
    assert patience.left(turn) == 0
    assert patience.overdue_before() == NOW + timedelta(seconds=15)
    assert await patience.tried(is_gone) is None
    assert patience.left(turn) == 15
    clock.advance(100)
    assert await patience.tried(answers)
    assert patience.left(turn) == 15
    assert patience.overdue_before() is None
    clock.advance(15)
    assert patience.overdue_before() is not None


async def test_a_pool_without_a_free_connection_does_not_start_the_clock_again() -> None:
    async def full() -> bool:
        raise PoolTimeout("none free")

    clock = FixedClock(NOW)
    patience = Patience(clock, 15)
    clock.advance(20)
    assert await patience.tried(full) is None
    assert await patience.tried(answers)
    assert patience.left(asked_for(NOW)) == 0


async def test_what_is_left_in_the_database_is_taken_up_fairly(room: Room, begin: Begin) -> None:
    for number in range(30):
        await post(room, await room.begin("usr_flood"), f"f{number}")
    others = [await room.begin(f"usr_{number}") for number in range(3)]
    for conversation in others:
        await post(room, conversation, "other")
    async with room.database.connect() as connection:
        found = await turn_storage.waiting_conversations(connection, SystemClock().now(), each=20, limit=10)
    users = [user for _, user in found]
    assert set(users[:4]) == {users[0], *(ContactId(one.contact_id) for one in others)}
    assert users[4:] == [users[0]] * 6


async def test_a_conversation_somebody_works_on_is_not_waiting(room: Room, begin: Begin) -> None:
    conversation = await room.begin()
    for number in range(2):
        await room.conversations.post_user_message(
            conversation.id, author_name="Ada", text="hello", choice=None, key=f"k{number}"
        )
    now = SystemClock().now()
    async with room.database.begin() as tx:
        await turn_storage.claim_turn(tx, conversation.id, "run_other", now, now + timedelta(seconds=6))
    async with room.database.connect() as connection:
        assert await turn_storage.waiting_conversations(connection, now, each=20, limit=10) == []
        later = now + timedelta(seconds=7)
        assert len(await turn_storage.waiting_conversations(connection, later, each=20, limit=10)) == 1


async def test_only_so_many_turns_are_at_work_and_few_of_one_user(room: Room, begin: Begin) -> None:
    release = asyncio.Event()
    at_work: dict[ConversationId, int] = {}

    async def wait(turn: Turn) -> Any:
        at_work[turn.conversation_id] = 1
        await release.wait()
        return await ScriptedBrain.echo(room.brain, turn)

    room.brain.script = wait
    await begin()
    crowd = [await room.begin("usr_flood") for _ in range(8)]
    others = [await room.begin(f"usr_{number}") for number in range(14)]
    for conversation in (*crowd, *others):
        await room.say(conversation, "hello")
    async with asyncio.timeout(10):
        while room.brain.busy < runners.SLOTS:
            await asyncio.sleep(0.01)
    assert sum(conversation.id in at_work for conversation in crowd) == runners.SLOTS_EACH
    release.set()
    for conversation in (*crowd, *others):
        assert (await room.settle(conversation))[-1].text == "You said hello"
    assert room.brain.most_busy == runners.SLOTS
