"""What the logs say of questions, read from real attempts, events and cases."""

from datetime import timedelta

from actions.attempts.model import Ending, NewAttempt
from app.adapters.recorded_handoffs import RecordedHandoffs
from app.bootstrap import Firstline
from bot.conversation.domain import Author, NewEvent
from bot.conversation.events import message
from insights.question_log import LoggedQuestions, without


async def _ask(firstline: Firstline, question: str, *, helped: bool | None, turn: str) -> str:
    conversation = await firstline.conversations.start(
        host="kettle", ref=f"usr_{turn}", name="Anna Keller", email=None, channel="web", page={}, client={}
    )
    log = firstline.actions.log
    attempt = await log.record(
        NewAttempt(
            conversation.id, turn, f"usr_{turn}", "kettle", "answer", "question", read={"question": question}
        )
    )
    await log.finish(attempt.id, Ending(turn, "assumed", article_id="refunds", article_version=1))
    if helped is not None:
        await log.feedback(attempt.id, helped=helped)
    return str(conversation.id)


async def test_what_did_not_help_is_in_vain_and_names_nobody(firstline: Firstline) -> None:
    log = LoggedQuestions(firstline.database)
    since = firstline.clock.now() - timedelta(days=1)
    good = await _ask(firstline, "when is my refund here", helped=True, turn="t1")
    bad = await _ask(firstline, "keller here, Anna, anna@x.example: refund?", helped=False, turn="t2")
    await _ask(firstline, "nobody said anything", helped=None, turn="t3")
    [vain] = await log.in_vain(since)
    assert (vain.conversation_id, vain.handed_off, vain.minutes) == (bad, False, 0.0)
    for name in ("keller", "anna", "x.example"):
        assert name not in vain.text.lower()
    assert await log.helped(since) == [("when is my refund here", "refunds")]
    assert await log.answered(since, ["refunds"]) == 2
    [day] = await log.use_of("refunds")
    assert (day.shown, day.helped, day.not_helped, day.handed_off) == (3, 1, 1, 0)
    assert good != bad


async def test_a_case_counts_and_agents_words_are_masked(firstline: Firstline) -> None:
    log = LoggedQuestions(firstline.database)
    since = firstline.clock.now() - timedelta(days=1)
    conversation = await _ask(firstline, "refund?", helped=False, turn="t1")
    handoffs = RecordedHandoffs(firstline.desk, firstline.actions.log, firstline.conversations)
    prepared = await handoffs.prepare(conversation, reason="user_asked", priority="normal", summary="x")  # type: ignore[arg-type]
    async with firstline.conversations.transaction() as tx:
        case = await handoffs.open(prepared, tx)
    await handoffs.after_open(case)
    said = NewEvent(
        Author("agent", "Greta Olsen"),
        message("Hello Anna, Greta here: 4111 1111 1111 1111 is refunded"),
    )
    await firstline.conversations.append(conversation, said)  # type: ignore[arg-type]
    [vain] = await log.in_vain(since)
    assert vain.handed_off
    [words] = await log.agents_words([conversation])
    assert "refunded" in words
    for secret in ("Anna", "Greta", "4111"):
        assert secret not in words
    assert (await log.use_of("refunds"))[0].handed_off == 1


def test_names_are_masked_as_words() -> None:
    assert without("ANNA's plan, Annabel", ["Anna Li"]) == "[name]'s plan, Annabel"
    assert without("nothing", [None, ""]) == "nothing"
