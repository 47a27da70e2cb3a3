"""What an encoder is tuned on: questions with the article that answers, and from them pairs with passages."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from kb_index.domain import Draft
from kb_index.text.passages import split

Kind = Literal["gate", "phrasing", "answer", "agent"]
"""Where a question is from: the gate, an editor's other phrasing, an answer that helped by the user's own
word, or an article that an agent linked."""
MIN_WORDS = 2
MAX_QUESTION = 300
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question, masked, and the article that answers it."""

    question: str
    article_id: str
    kind: Kind


@dataclass(frozen=True)
class Pair:
    """A line of the file that `kb_index.encoder.training` reads."""

    question: str
    passage: str
    article: str
    negative: str = ""


@dataclass(frozen=True)
class Split:
    """Questions to learn from and questions held back; no article and no question is on both sides."""

    learn: tuple[AnsweredQuestion, ...]
    held: tuple[AnsweredQuestion, ...]


def normal(question: str) -> str:
    """Return the question's words in small letters: equal for questions that are the same to a reader."""
    return " ".join(_WORDS.findall(question.casefold()))


def usable(asked: Iterable[AnsweredQuestion], drafts: Mapping[str, Draft]) -> list[AnsweredQuestion]:
    """Leave out what has no published article, is too short to mean anything or is there twice."""
    found: dict[tuple[str, str], AnsweredQuestion] = {}
    for one in asked:
        words = normal(one.question)
        if one.article_id in drafts and len(words.split()) >= MIN_WORDS and len(one.question) <= MAX_QUESTION:
            found.setdefault((words, one.article_id), one)
    return list(found.values())


def phrasings(drafts: Mapping[str, Draft]) -> list[AnsweredQuestion]:
    """Return the editors' other ways to ask."""
    return [
        AnsweredQuestion(text, key, "phrasing") for key, draft in drafts.items() for text in draft.phrasings
    ]


def order(article_id: str, seed: int = 7) -> bytes:
    """Return what articles are shuffled by; it depends on nothing else that is there."""
    return hashlib.sha256(f"{seed} {article_id}".encode()).digest()


def part(asked: Sequence[AnsweredQuestion], share: float = 0.2, seed: int = 7) -> Split:
    """Hold back all questions of some articles, about `share` of the questions.

    Which ones follows from the articles' ids and `seed` alone, so that a later tuning holds back the same.
    What is asked of a held-back article is not learnt of another one either.
    """
    by_article: dict[str, list[AnsweredQuestion]] = {}
    for one in asked:
        by_article.setdefault(one.article_id, []).append(one)
    held: list[AnsweredQuestion] = []
    for key in sorted(by_article, key=lambda key: order(key, seed)):
        if len(held) >= share * len(asked):
            break
        held += by_article[key]
    articles, words = {one.article_id for one in held}, {normal(one.question) for one in held}
    learn = [one for one in asked if one.article_id not in articles and normal(one.question) not in words]
    return Split(tuple(learn), tuple(held))


def headings(drafts: Mapping[str, Draft], count: Callable[[str], int]) -> list[Pair]:
    """Return pairs of title or heading and the text below it, the title woven in for headings."""
    found: list[Pair] = []
    for key, draft in drafts.items():
        for passage in split(draft.body, count):
            asked = f"{draft.title}: {passage.heading}" if passage.heading else draft.title
            found.append(Pair(asked, passage.text, key))
    return found


def write(pairs: Iterable[Pair], path: Path) -> int:
    """Write the pairs as JSON lines; returns how many."""
    lines = [json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in pairs]
    path.write_text("".join(lines), "utf-8")
    return len(lines)
