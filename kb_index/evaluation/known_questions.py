"""How well the search finds the right article for questions whose article is known."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation import strict_yaml
from foundation.errors import InvalidInput, NotFound, Unprocessable
from kb_index.evaluation.metrics import DEPTH, auroc, figures
from kb_index.search.service import ArticleSearch


@dataclass(frozen=True)
class LabelledQuestion:
    """A question and the article that answers it."""

    text: str
    article: str


@dataclass(frozen=True)
class SearchedQuestion:
    """A question as it was searched for: the first ten articles, and the probability that the first one
    answers. `article` is the right one, None for an unanswerable question."""

    question: str
    article: str | None
    found: tuple[str, ...]
    probability: float


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Read the questions of `questions.yml` whose article is known.

    Raises:
        InvalidInput: when it has not the form `questions: [{question, article}]`, `unanswerable: [question]`.
        NotFound: when there is no such file.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[LabelledQuestion], list[str]]:
    try:
        values = strict_yaml.load(path.read_bytes(), path.name).value
        known = [LabelledQuestion(str(row["question"]), str(row["article"])) for row in values["questions"]]
        none = [str(row) for row in values.get("unanswerable") or []]
    except FileNotFoundError:
        raise NotFound("There is no such file.", hint="Name a questions.yml.") from None
    except (KeyError, TypeError, AttributeError):
        raise InvalidInput(
            f"{path.name} must hold `questions`: a list of `question` and `article`."
        ) from None
    if not known:
        raise InvalidInput(f"{path.name} holds no questions.")
    return known, none


async def ask_all(
    search: ArticleSearch, questions: Sequence[LabelledQuestion], unanswerable: Sequence[str] = ()
) -> list[SearchedQuestion]:
    """Search for every question."""
    pairs: list[tuple[str, str | None]] = [(one.text, one.article) for one in questions]
    pairs += [(text, None) for text in unanswerable]
    asked = []
    for text, article in pairs:
        found = await search.find(text, limit=DEPTH)
        ids = tuple(str(hit.article_id) for hit in found.hits)
        asked.append(SearchedQuestion(text, article, ids, found.probability))
    return asked


def measure(asked: Sequence[SearchedQuestion]) -> dict[str, Any]:
    """Return hit@1, hit@5, mrr@10 and ndcg@10 of the answerable questions, and with unanswerable ones
    `no_answer.auroc`: how well the probability tells them apart."""
    known = [one for one in asked if one.article is not None]
    relevant = [{str(one.article): 1.0} for one in known]
    result: dict[str, Any] = {"questions": len(known), **figures([one.found for one in known], relevant)}
    below = [one.probability for one in asked if one.article is None]
    if below:
        above = [one.probability for one in known]
        result["no_answer"] = {"unanswerable": len(below), "auroc": auroc(above, below)}
    return result


async def evaluate(search: ArticleSearch, path: Path) -> dict[str, Any]:
    """Ask all questions of the file and measure; see `measure` for the figures.

    Raises:
        InvalidInput, NotFound: when the file cannot be used.
        Unprocessable: when no article is published.
    """
    known, none = await asyncio.to_thread(_read, path)
    if not len(search):
        raise Unprocessable("No article is published here.", hint="`firstline kb import` takes some in.")
    return measure(await ask_all(search, known, none))
