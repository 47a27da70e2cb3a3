"""Tuning the search's encoder: where questions come from in this installation, and which encoder is used."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from app.settings import Settings
from foundation.database import Database
from insights.training_questions import agent_links, helped_answers
from kb_index.articles import storage
from kb_index.domain import Draft
from kb_index.encoder import training_pairs as making
from kb_index.encoder.hot_swap import EncoderFollower
from kb_index.encoder.offline_index import OfflineIndex, Progress
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.store import EncoderStore
from kb_index.encoder.training_pairs import AnsweredQuestion
from kb_index.encoder.training_process import tune
from kb_index.encoder.tuner import QuestionSource, Tuner, chosen_pairs
from kb_index.evaluation import known_questions as evaluation
from kb_index.evaluation.dataset import Query, TestSet
from kb_index.index.passage_builder import PassageBuilder
from kb_index.questions.storage import known_questions
from kb_index.search.ranking import Ranking
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser, read_vocabulary

EVALUATED_PAIRS = 1000
"""Pairs of one tuning in an evaluation, which tunes several times."""


def encoder_shelf(settings: Settings) -> EncoderStore:
    """Which encoder the search uses; the assistant's own is `settings.encoder_dir`, tuned or not."""
    return EncoderStore(settings.home / "kb-encoder", settings.encoder_dir)


def follow_encoder(settings: Settings, search: ArticleSearch) -> EncoderFollower:
    """Let the running search change over when another encoder is chosen."""
    return EncoderFollower(encoder_shelf(settings), search, search.indexes.maker.encoder.fingerprint)


async def published_drafts(database: Database) -> dict[str, Draft]:
    """The articles that readers see, as they see them."""
    async with database.connect() as connection:
        return {str(one.article_id): one.draft for one, _ in await storage.all_published(connection)}


async def gate_questions(database: Database, file: Path) -> Sequence[AnsweredQuestion]:
    """Questions that publishing is measured with; those of the file until the product took them in."""
    c = known_questions.c
    query = sa.select(c.question, c.article_id).order_by(c.article_id, c.question)
    async with database.connect() as connection:
        rows = list(await connection.execute(query))
    if rows:
        return [AnsweredQuestion(row.question, row.article_id, "gate") for row in rows]
    found = await asyncio.to_thread(evaluation.read_questions, file)
    return [AnsweredQuestion(one.text, one.article, "gate") for one in found]


def question_sources(settings: Settings, database: Database) -> Mapping[str, QuestionSource]:
    """Where questions with a known article come from, by name."""
    return {
        "gate": partial(gate_questions, database, settings.root / "data" / "kb" / "questions.yml"),
        "answers": partial(helped_answers, database),
        "agents": partial(agent_links, database),
    }


def encoder_tuner(settings: Settings) -> Tuner:
    """The tuner of this installation."""
    vocabulary = read_vocabulary(settings.root / "data" / "policies" / "vocabulary.yml")
    ranking = Ranking.read(settings.home / "index" / "ranking.json")
    train = partial(
        tune,
        settings.encoder_model,
        python=settings.encoder_python,
        environment=settings.child_environment,
    )
    return Tuner(encoder_shelf(settings), Normaliser(vocabulary), ranking.weights, train)


def encoder_for_parts(
    settings: Settings, base: PassageBuilder, test_set: TestSet, progress: Progress
) -> Callable[[Sequence[Query], set[str]], PassageBuilder]:
    """Tunes the installed encoder for a part of a set, and waits for it: call it in a thread.

    A part's documents give no pairs at all, and nor does a question that is asked of them.
    """
    loop, numbers = asyncio.get_running_loop(), count(1)
    drafts = {one.id: Draft(one.title, "any", "en", one.text) for one in test_set.documents}

    def tuned(learn: Sequence[Query], held: set[str]) -> PassageBuilder:
        words = {making.normal(one.text) for one in test_set.queries if not held.isdisjoint(one.relevant)}
        asked = [
            AnsweredQuestion(one.text, key, "gate")
            for one in learn
            for key in sorted(one.relevant.keys() - held)
            if making.normal(one.text) not in words
        ]
        rest = {key: draft for key, draft in drafts.items() if key not in held}
        if len(rest) < 2:
            return base
        number = next(numbers)
        box = OfflineIndex(base, rest, progress, f"passages, part {number}")
        pairs = box.pairs(making.usable(asked, rest))
        chosen = chosen_pairs(pairs, making.headings(rest, box.count_tokens), EVALUATED_PAIRS)
        with tempfile.TemporaryDirectory(prefix="firstline-tune-") as folder:
            file = Path(folder) / "pairs.jsonl"
            making.write(chosen, file)
            training = tune(
                settings.encoder_model,
                file,
                Path(folder) / "tuned",
                python=settings.encoder_python,
                environment=settings.child_environment,
                progress=lambda what, done, of: progress(f"{what}, part {number}", done, of),
            )
            made = asyncio.run_coroutine_threadsafe(training, loop).result()
            return PassageBuilder(OnnxEncoder(made.folder), base.normaliser)

    return tuned
