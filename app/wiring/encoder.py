"""The search's encoder: where it lies, where its questions come from, and how it is tuned."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.settings import Settings
from foundation.database import Database
from insights.training_questions import agent_links, helped_answers
from kb_index.encoder import part_tuning
from kb_index.encoder.hot_swap import EncoderFollower
from kb_index.encoder.offline_index import Progress
from kb_index.encoder.store import EncoderStore
from kb_index.encoder.training_pairs import AnsweredQuestion
from kb_index.encoder.training_process import TunedEncoder, tune
from kb_index.encoder.tuner import QuestionSource, Tuner
from kb_index.evaluation.dataset import Query, TestSet
from kb_index.index.passage_builder import PassageBuilder
from kb_index.questions.gate_questions import gate_questions
from kb_index.search.ranking import Ranking
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser, read_vocabulary


def encoder_shelf(settings: Settings) -> EncoderStore:
    """Which encoder the search uses; the assistant's own is `settings.encoder_dir`, tuned or not."""
    return EncoderStore(settings.home / "kb-encoder", settings.encoder_dir)


def follow_encoder(settings: Settings, search: ArticleSearch) -> EncoderFollower:
    """Let the running search change over when another encoder is chosen."""
    return EncoderFollower(encoder_shelf(settings), search, search.indexes.maker.encoder.fingerprint)


def question_sources(settings: Settings, database: Database) -> Mapping[str, QuestionSource]:
    """Where questions with a known article come from, by name."""
    return {
        "gate": partial(_gate, database, settings.root / "data" / "kb" / "questions.yml"),
        "answers": partial(helped_answers, database),
        "agents": partial(agent_links, database),
    }


async def _gate(database: Database, file: Path) -> Sequence[AnsweredQuestion]:
    return [AnsweredQuestion(one.text, one.article, "gate") for one in await gate_questions(database, file)]


def encoder_tuner(settings: Settings) -> Tuner:
    """The tuner of this installation."""
    vocabulary = read_vocabulary(settings.root / "data" / "policies" / "vocabulary.yml")
    ranking = Ranking.read(settings.home / "index" / "ranking.json")
    return Tuner(encoder_shelf(settings), Normaliser(vocabulary), ranking.weights, _train(settings))


def encoder_for_parts(
    settings: Settings, base: PassageBuilder, test_set: TestSet, progress: Progress
) -> Callable[[Sequence[Query], set[str]], PassageBuilder]:
    """What tunes this installation's encoder for the parts of a set."""
    return part_tuning.encoder_for_parts(_train(settings), base, test_set, progress)


def _train(settings: Settings) -> "partial[Coroutine[Any, Any, TunedEncoder]]":
    return partial(
        tune,
        settings.encoder_model,
        python=settings.encoder_python,
        environment=settings.child_environment,
    )
