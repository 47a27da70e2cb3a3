"""Every conversation has one outcome, and they add up."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.outcomes import CONVERSATION_OUTCOMES, Outcome
from foundation.outcomes import OUTCOMES as OF_ATTEMPTS
from insights.outcomes import Outcomes, conversation_outcome
from security.privacy.masking import mask_json

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "abandoned"),
        (["verified"], "verified"),
        (["failed", "verified"], "verified"),
        (["verified", "assumed"], "verified"),
        (["verified", "failed"], "failed"),
        (["assumed", "failed", "assumed"], "assumed"),
        (["reopened", "assumed"], "reopened"),
        (["reopened", "verified"], "verified"),
        (["verified", None], "open"),
        (["open"], "open"),
        (["abandoned", "assumed", "abandoned"], "assumed"),
        (["verified", "escalated", None], "escalated"),
    ],
)
def test_what_a_conversation_came_to(outcomes: list[str | None], expected: str) -> None:
    assert conversation_outcome(outcomes) == expected


@given(st.lists(st.sampled_from([None, "open", *OF_ATTEMPTS])))
def test_any_history_has_one_outcome(history: list[str | None]) -> None:
    assert conversation_outcome(history) in CONVERSATION_OUTCOMES


class World:
    """Conversations with attempts, at a time that is ours."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FixedClock(START)
        self.log = AttemptLog(database, self.clock, mask_json)
        self.outcomes = Outcomes(database, self.clock)
        self.turns = 0

    async def conversation(self, name: str, channel: str = "web") -> None:
        values = {"id": name, "channel": channel, "at": self.clock.now(), "contact": "con_1"}
        async with self.database.begin() as tx:
            await tx.execute(
                sa.text(
                    "insert into contacts (id, host, ref, name, created_at) values "
                    "(:contact, 'kettle', 'usr_1', 'U', :at) on conflict do nothing"
                ),
                values,
            )
            columns = set(await tx.run_sync(_columns))
            row = {
                "id": name, "contact_id": "con_1", "channel": channel, "owner_kind": "bot", "epoch": 0,
                "last_seq": 0, "page": "{}", "client": "{}", "created_at": self.clock.now(),
                "updated_at": self.clock.now(),
            }  # fmt: skip
            used = {k: v for k, v in row.items() if k in columns}
            marks = ", ".join(f":{k}" for k in used)
            await tx.execute(sa.text(f"insert into conversations ({', '.join(used)}) values ({marks})"), used)

    async def attempt(
        self, conversation: str, outcome: Outcome | None, *, name: str = "unlock", user: str = "usr_1"
    ) -> str:
        self.turns += 1
        turn = f"trn_{self.turns}"
        made = await self.log.record(NewAttempt(conversation, turn, user, "kettle", "workflow", name))
        if outcome is not None:
            await self.log.finish(made.id, Ending(turn, outcome))
        return made.id

    async def counts(self) -> dict[str, int]:
        counted = await self.outcomes.count()
        assert sum(counted.outcomes.values()) == counted.conversations
        return {name: number for name, number in counted.outcomes.items() if number}


def _columns(connection: sa.Connection) -> list[str]:
    return [column["name"] for column in sa.inspect(connection).get_columns("conversations")]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


async def test_outcomes_add_up_to_all_conversations(world: World) -> None:
    for number, outcome in enumerate(["verified", "assumed", "failed", "escalated", "abandoned", None]):
        await world.conversation(f"cnv_{number}")
        await world.attempt(f"cnv_{number}", outcome, user=f"usr_{number}")  # type: ignore[arg-type]
    await world.conversation("cnv_quiet")
    await world.conversation("cnv_ours", channel="system")
    assert await world.counts() == {
        "verified": 1, "assumed": 1, "failed": 1, "escalated": 1, "abandoned": 1, "open": 2,
    }  # fmt: skip
    world.clock.advance(3600)
    assert (await world.counts())["abandoned"] == 2, "nothing was attempted, and the user is gone"


async def test_back_in_the_same_conversation_within_72_hours_reopens_it(world: World) -> None:
    await world.conversation("cnv_1")
    await world.attempt("cnv_1", "assumed")
    assert await world.counts() == {"assumed": 1}
    world.clock.advance(timedelta(hours=5).total_seconds())
    await world.attempt("cnv_1", "assumed", name="another_thing")
    assert await world.counts() == {"reopened": 1}


async def test_back_with_the_same_thing_in_another_conversation_reopens_the_first(world: World) -> None:
    await world.conversation("cnv_1")
    await world.attempt("cnv_1", "assumed")
    world.clock.advance(timedelta(hours=71).total_seconds())
    await world.conversation("cnv_2")
    await world.attempt("cnv_2", "verified")
    assert await world.counts() == {"reopened": 1, "verified": 1}


@pytest.mark.parametrize(
    ("hours", "name", "user"),
    [(73, "unlock", "usr_1"), (5, "something_else", "usr_1"), (5, "unlock", "usr_2")],
)
async def test_later_or_with_something_else_or_somebody_else_it_stays(
    world: World, hours: int, name: str, user: str
) -> None:
    await world.conversation("cnv_1")
    await world.attempt("cnv_1", "assumed")
    world.clock.advance(timedelta(hours=hours).total_seconds())
    await world.conversation("cnv_2")
    await world.attempt("cnv_2", "verified", name=name, user=user)
    assert await world.counts() == {"assumed": 1, "verified": 1}


async def test_what_was_verified_is_not_reopened(world: World) -> None:
    await world.conversation("cnv_1")
    await world.attempt("cnv_1", "verified")
    world.clock.advance(timedelta(hours=5).total_seconds())
    await world.attempt("cnv_1", "assumed")
    assert await world.counts() == {"verified": 1}


async def test_at_once_after_an_answer_is_the_same_visit(world: World) -> None:
    await world.conversation("cnv_1")
    await world.attempt("cnv_1", "assumed")
    world.clock.advance(60)
    await world.attempt("cnv_1", "assumed", name="another_thing")
    assert await world.counts() == {"assumed": 1}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    histories=st.lists(
        st.lists(st.sampled_from([None, *OF_ATTEMPTS[:5]]), max_size=4), min_size=1, max_size=6
    )
)
async def test_any_histories_add_up(world: World, histories: list[list[Outcome | None]]) -> None:
    for number, history in enumerate(histories):
        world.turns += 1
        name = f"cnv_{world.turns}_{number}"
        await world.conversation(name)
        for outcome in history:
            await world.attempt(name, outcome)
    await world.counts()


async def test_conversations_are_found_by_what_they_came_to(world: World) -> None:
    for number, outcome in enumerate(["verified", "failed", "verified", None]):
        await world.conversation(f"cnv_{number}")
        await world.attempt(f"cnv_{number}", "abandoned", user=f"usr_{number}")
        await world.attempt(f"cnv_{number}", outcome, user=f"usr_{number}")  # type: ignore[arg-type]
    await world.conversation("cnv_4")
    found = world.outcomes.conversations_with
    assert await found("verified", before=None, limit=10) == ["cnv_2", "cnv_0"]
    assert await found("verified", before="cnv_2", limit=10) == ["cnv_0"]
    assert await found("verified", before=None, limit=1) == ["cnv_2"]
    assert await found("open", before=None, limit=10) == ["cnv_4", "cnv_3"]
    assert await found("abandoned", before=None, limit=10) == [], (
        "an attempt's outcome is not the conversation's"
    )
    assert await world.outcomes.of(["cnv_1", "cnv_3", "cnv_none"]) == {"cnv_1": "failed", "cnv_3": "open"}
