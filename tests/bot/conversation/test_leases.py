"""A lease is kept while a live task works on the turn, and given up as soon as none does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.conversation import turn_storage
from bot.conversation.domain import Reading, Turn
from bot.conversation.leases import LEASE, Leases
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.ids import ConversationId
from tests.bot.conversation.conftest import Room


async def waiting(room: Room, ref: str = "usr_1") -> ConversationId:
    """A conversation with a turn that no runner has been told of."""
    conversation = await room.begin(ref)
    await room.conversations.post_user_message(
        conversation.id, author_name="Ada", text="hello", choice=None, key="k"
    )
    return conversation.id


async def row(database: Database, conversation_id: ConversationId) -> Any:
    query = sa.select(turn_storage.turns).where(turn_storage.turns.c.conversation_id == conversation_id)
    async with database.connect() as connection:
        return (await connection.execute(query)).one()


@pytest.fixture
async def idle(room: Room) -> Room:
    """The room with its runner stopped."""
    await room.runner.stop()
    return room


async def test_only_what_is_at_work_is_kept(idle: Room) -> None:
    leases = Leases(idle.database, SystemClock())
    left, kept = await waiting(idle), await waiting(idle, "usr_2")
    with pytest.raises(RuntimeError):
        async with leases.claimed(left) as turn:
            assert turn is not None
            raise RuntimeError
    before = (await row(idle.database, left)).lease_until
    async with leases.claimed(kept):
        assert await leases.keep() == 1
    assert (await row(idle.database, left)).lease_until == before


async def test_what_a_task_has_left_waits_again_and_what_others_do_is_not_touched(idle: Room) -> None:
    leases = Leases(idle.database, SystemClock())
    left, at_work = await waiting(idle), await waiting(idle, "usr_2")
    async with leases.claimed(at_work):
        with pytest.raises(RuntimeError):
            async with leases.claimed(left):
                raise RuntimeError
        assert leases.given_up.is_set()
        assert await leases.release() == 1
        assert (await row(idle.database, left)).status == "pending"
        assert (await row(idle.database, at_work)).status == "running"
    assert not leases.given_up.is_set()


async def test_a_claim_that_arrived_although_it_failed_is_given_back(idle: Room, monkeypatch) -> None:
    leases = Leases(idle.database, SystemClock())
    conversation_id = await waiting(idle)
    claim = turn_storage.claim_turn

    async def lose_the_answer(tx: Any, *given: Any, **named: Any) -> Turn | None:
        await claim(tx, *given, **named)
        await tx.commit()
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(turn_storage, "claim_turn", lose_the_answer)
        with pytest.raises(ConnectionResetError):
            async with leases.claimed(conversation_id):
                pass
    assert (await row(idle.database, conversation_id)).status == "running"
    assert await leases.release() == 1
    async with leases.claimed(conversation_id) as turn:
        assert turn is not None


async def test_what_was_left_is_given_back_while_its_conversation_is_claimed_again(
    idle: Room,
) -> None:
    leases = Leases(idle.database, SystemClock())
    conversation_id = await waiting(idle)
    with pytest.raises(RuntimeError):
        async with leases.claimed(conversation_id):
            raise RuntimeError
    async with leases.claimed(conversation_id) as turn:
        assert turn is None, "the lease of the first claim still runs"
        assert await leases.release() == 1


async def test_a_claim_under_way_is_not_given_back(idle: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    leases, release = Leases(idle.database, SystemClock()), asyncio.Event()
    conversation_id = await waiting(idle)
    claim, arrived = turn_storage.claim_turn, asyncio.Event()

    async def answer_late(tx: Any, *given: Any, **named: Any) -> Turn | None:
        turn = await claim(tx, *given, **named)
        await tx.commit()
        arrived.set()
        await release.wait()
        return turn

    monkeypatch.setattr(turn_storage, "claim_turn", answer_late)

    async def work() -> str:
        async with leases.claimed(conversation_id) as turn:
            assert turn is not None
            return str((await row(idle.database, conversation_id)).status)

    task = asyncio.create_task(work())
    await arrived.wait()
    assert await leases.release() == 0
    assert leases.given_up.is_set(), "what was claimed meanwhile may have to be given back later"
    release.set()
    assert await task == "running"


async def test_a_release_that_fails_is_still_to_be_done(idle: Room) -> None:
    leases = Leases(Database.open("postgresql+asyncpg://nobody@127.0.0.1:1/none"), SystemClock())
    leases.given_up.set()
    with pytest.raises(OSError, match="Connect call failed"):
        await leases.release()
    assert leases.given_up.is_set()


async def test_an_earlier_claim_of_the_same_runner_does_not_count(idle: Room) -> None:
    leases, clock = Leases(idle.database, SystemClock()), SystemClock()
    conversation_id = await waiting(idle)
    async with leases.claimed(conversation_id) as first:
        pass
    later = clock.now() + LEASE + timedelta(seconds=1)
    async with idle.database.begin() as tx:
        again = await turn_storage.claim_turn(tx, conversation_id, leases.runner, later, later + LEASE)
    assert first is not None
    assert again is not None
    accepted = []
    for turn in (first, again):
        async with idle.database.begin() as tx:
            accepted.append(
                await turn_storage.finish_turn(
                    tx,
                    turn,
                    leases.runner,
                    status="done",
                    reading=Reading(),
                    error=None,
                    now=clock.now(),
                )
            )
    assert accepted == [False, True]


@pytest.fixture
async def busy(idle: Room) -> AsyncIterator[Room]:
    """A runner that is at work on another user's turn all the time, and so sends heartbeats."""

    async def one_hangs(turn: Turn) -> Any:
        if turn.text == "hang":
            await asyncio.sleep(60)
        return await idle.brain.echo(turn)

    idle.brain.script = one_hangs
    idle.runner = TurnRunner(idle.database, idle.conversations, idle.brain, idle.desk, SystemClock())
    await idle.runner.start()
    await idle.say(await idle.begin("usr_hanging"), "hang")
    yield idle
    await idle.runner.stop()


def failing_once(error: BaseException) -> Callable[..., Awaitable[bool]]:
    finish = turn_storage.finish_turn
    failed: list[bool] = []

    async def finish_turn(*given: Any, **named: Any) -> bool:
        if not failed:
            failed.append(True)
            raise error
        return await finish(*given, **named)

    return finish_turn


@pytest.mark.parametrize(
    "error", [PoolTimeout("no connection"), ConnectionResetError(), asyncio.CancelledError()]
)
async def test_a_turn_whose_task_has_ended_is_answered_although_the_runner_is_busy(
    busy: Room, monkeypatch, error: BaseException
) -> None:
    monkeypatch.setattr(turn_storage, "finish_turn", failing_once(error))
    conversation = await busy.begin()
    await busy.say(conversation, "hello")
    events = await busy.settle(conversation)
    assert [event.text for event in events] == ["hello", "You said hello"]


async def test_a_runner_that_stops_leaves_its_turns_to_the_next_at_once(busy: Room) -> None:
    conversation = await busy.begin()
    await busy.say(conversation, "hang")
    async with asyncio.timeout(10):
        while (await row(busy.database, conversation.id)).status != "running":
            await asyncio.sleep(0.01)
    await busy.runner.stop()
    assert (await row(busy.database, conversation.id)).status == "pending"
