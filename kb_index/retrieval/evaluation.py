"""How well the search finds the right article for questions whose article is known."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from bot.foundation.errors import InvalidInput, NotFound
from kb_index.retrieval.search import ArticleSearch

_DEPTH = 10


@dataclass(frozen=True)
class Question:
    """A question and the article that answers it."""

    text: str
    article: str


@dataclass(frozen=True)
class Asked:
    """A question as it was searched for: the rank of its article among the first ten, and the best score."""

    question: str
    article: str | None
    rank: int | None
    found: str | None
    score: float


def read_questions(path: Path) -> list[Question]:
    """Read the questions of `questions.yml` whose article is known.

    Raises:
        InvalidInput: when it has not the form `questions: [{question, article}]`, `unanswerable: [question]`.
        NotFound: when there is no such file.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[Question], list[str]]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        known = [Question(str(row["question"]), str(row["article"])) for row in values["questions"]]
        none = [str(row) for row in values.get("unanswerable") or []]
    except FileNotFoundError:
        raise NotFound("There is no such file.", hint="Name a questions.yml.") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise InvalidInput(
            f"{path.name} must hold `questions`: a list of `question` and `article`."
        ) from None
    if not known:
        raise InvalidInput(f"{path.name} holds no questions.")
    return known, none


async def ask_all(
    search: ArticleSearch, questions: Sequence[Question], unanswerable: Sequence[str] = ()
) -> list[Asked]:
    """Search for every question."""
    pairs: list[tuple[str, str | None]] = [(one.text, one.article) for one in questions]
    pairs += [(text, None) for text in unanswerable]
    asked = []
    for text, article in pairs:
        hits = await search.search(text, limit=_DEPTH)
        ids: list[str] = [hit.article_id for hit in hits]
        rank = ids.index(article) + 1 if article in ids else None
        asked.append(Asked(text, article, rank, ids[0] if ids else None, hits[0].score if hits else 0.0))
    return asked


def measure(asked: Sequence[Asked]) -> dict[str, Any]:
    """Return hit@1, hit@5 and mrr@10 (mean of 1/rank, 0 beyond ten) of the answerable questions.

    With unanswerable ones, `no_answer.auroc` is the probability that the best score of an answerable question
    is above that of an unanswerable one (Fawcett 2006), ties counting half.
    """
    known = [one for one in asked if one.article is not None]
    result: dict[str, Any] = {
        "questions": len(known),
        "hit@1": round(mean(one.rank == 1 for one in known), 4),
        "hit@5": round(mean(one.rank is not None and one.rank <= 5 for one in known), 4),
        "mrr@10": round(mean(1 / one.rank if one.rank else 0.0 for one in known), 4),
    }
    below = [one.score for one in asked if one.article is None]
    if below:
        wins = [(one.score > score) + 0.5 * (one.score == score) for one in known for score in below]
        result["no_answer"] = {"unanswerable": len(below), "auroc": round(mean(wins), 4)}
    return result


async def evaluate(search: ArticleSearch, path: Path) -> dict[str, Any]:
    """Ask all questions of the file and measure; see `measure` for the figures.

    Raises:
        InvalidInput, NotFound: when the file cannot be used.
    """
    known, none = await asyncio.to_thread(_read, path)
    return measure(await ask_all(search, known, none))
