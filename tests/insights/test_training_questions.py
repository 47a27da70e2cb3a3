"""Questions that the encoder is tuned on, as they are found in the logs."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from actions.attempts.storage import attempts
from bot.conversation.storage import contacts, conversations, events
from foundation.clock import SystemClock
from foundation.database import Database
from insights.training_questions import agent_links, helped_answers
from kb_index.articles.storage import articles
from kb_index.encoder.training_pairs import AnsweredQuestion
from kb_index.evaluation.known_questions import LabelledQuestion
from kb_index.questions.gate_questions import gate_questions
from kb_index.questions.storage import known_questions

NOW = SystemClock().now()
CARD = "4111 1111 1111 1111"


async def _conversation(tx: Any, lines: list[tuple[str, str]]) -> None:
    number = (await tx.execute(sa.select(sa.func.count()).select_from(conversations))).scalar_one()
    ident = f"con_{number}"
    await tx.execute(
        contacts.insert().values(
            id=f"usr_{number}", host="kettle", ref=ident, name="", email=None, created_at=NOW
        )
    )
    await tx.execute(
        conversations.insert().values(
            id=ident, contact_id=f"usr_{number}", channel="web", owner_kind="agent", owner_staff_id=None,
            owner_name=None, epoch=1, last_seq=len(lines), page={}, client={}, created_at=NOW, updated_at=NOW,
        )
    )  # fmt: skip
    for seq, (author, text) in enumerate(lines, start=1):
        await tx.execute(
            events.insert().values(
                id=f"{ident}_{seq}", conversation_id=ident, seq=seq, type="message", author_kind=author,
                payload={"text": text}, at=NOW,
            )
        )  # fmt: skip


async def test_what_users_wrote_before_an_agent_linked_one_article_is_learnt_masked(
    database: Database,
) -> None:
    async with database.begin() as tx:
        await _conversation(
            tx,
            [
                ("user", "hello there"),
                ("user", f"paid twice with {CARD}, what now"),
                ("bot", "See /help/wrong-article"),
                ("agent", "One moment"),
                ("agent", "Here you are: https://shop.example/help/charged-twice#how"),
            ],
        )
        await _conversation(tx, [("user", "two things"), ("agent", "/help/one and /help/two")])
        await _conversation(tx, [("agent", "/help/unasked")])
    found = await agent_links(database)
    assert [(one.article_id, one.kind) for one in found] == [("charged-twice", "agent")]
    assert "paid twice with" in found[0].question
    assert CARD not in found[0].question


async def test_only_answers_that_helped_by_the_users_word_are_learnt(database: Database) -> None:
    def row(number: int, outcome: str, done: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "id": f"att_{number}", "conversation_id": "con", "turn_id": f"t{number}", "step": "1",
            "user_ref": "usr", "host": "kettle", "kind": "answer", "name": "question",
            "read": {"question": f"question {number}"}, "done": done, "outcome": outcome, "duration_ms": 1,
            "article_id": "refunds", "article_version": 1, "created_at": NOW, "finished_at": NOW, **more,
        }  # fmt: skip

    rows = [
        row(1, "assumed", {"helped": True}),
        row(2, "assumed", {}),
        row(3, "failed", {"helped": False}),
        row(4, "reopened", {"helped": True}),
        row(5, "assumed", {"helped": True}, article_id=None),
        row(6, "assumed", {"helped": True}, kind="workflow"),
        row(7, "assumed", {"helped": True}, read={"question": f"my card {CARD} is refused"}),
    ]
    async with database.begin() as tx:
        for one in rows:
            await tx.execute(attempts.insert().values(**one))
    found = sorted(await helped_answers(database), key=lambda one: one.question)
    assert found[1:] == [AnsweredQuestion("question 1", "refunds", "answer")]
    assert CARD not in found[0].question


async def test_the_gates_questions_are_learnt_as_editors_have_them_now(database: Database) -> None:
    file = Path("data/kb/questions.yml")
    seed = LabelledQuestion("forgot my passwrd", "reset-your-password")
    assert seed in await gate_questions(database, file)
    async with database.begin() as tx:
        await tx.execute(
            articles.insert().values(id="refunds", version=1, revision=1, updated_at=NOW, updated_by="x")
        )
        await tx.execute(
            known_questions.insert().values(
                id="q",
                article_id="refunds",
                question="money back",
                source="editor",
                created_at=NOW,
                created_by="x",
            )
        )
    assert await gate_questions(database, file) == [LabelledQuestion("money back", "refunds")]
