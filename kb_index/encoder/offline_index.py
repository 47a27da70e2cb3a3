"""Articles under one encoder, in memory: measures how well it finds them, and brings passages to learn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb_index.domain import Draft
from kb_index.encoder.training_pairs import AnsweredQuestion, Pair, normal
from kb_index.evaluation.metrics import figures
from kb_index.index.faiss_index import FaissIndex
from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.ports import Filter, StoredPassage
from kb_index.search.candidates import gather
from kb_index.search.ranking import Weights
from kb_index.search.service import clean_question

Progress = Callable[[str, int, int], None]
TOO_NEAR = 0.95
"""A passage of another article nearer than this share of the answering one's cosine may answer as well."""
_BLOCK = 256


@dataclass(frozen=True)
class Measured:
    """Figures by name, of the encoder alone and as the search uses it, and how many questions they are of."""

    semantic: dict[str, float]
    fused: dict[str, float]
    questions: int


@dataclass(frozen=True)
class Answered:
    """What was found for a question: the articles that answer it with their grades, and ids in order of rank,
    by the encoder alone and as the search uses it."""

    relevant: dict[str, float]
    semantic: tuple[str, ...]
    fused: tuple[str, ...]


def summed(answered: Sequence[Answered]) -> Measured:
    """Figures over the questions."""
    relevant = [one.relevant for one in answered]
    semantic, fused = [one.semantic for one in answered], [one.fused for one in answered]
    return Measured(figures(semantic, relevant), figures(fused, relevant), len(answered))


class OfflineIndex:
    """Articles in indexes of their own. The other phrasings are left out: they are asked, or learnt."""

    def __init__(self, maker: PassageBuilder, drafts: Mapping[str, Draft], told: Progress, what: str) -> None:
        self._maker = maker
        self._vectors = FaissIndex(maker.encoder.dimension, maker.name)
        self._words = LexicalIndex()
        rows: list[StoredPassage] = []
        texts: list[str] = []
        plain = (replace(draft, phrasings=()) for draft in drafts.values())
        made_all = maker.make_all(plain, quotable=False)
        for number, ((key, draft), passages) in enumerate(
            zip(drafts.items(), made_all, strict=True), start=1
        ):
            for made in passages:
                place = (len(rows), key, "", draft.language, draft.area, made.kind)
                rows.append(StoredPassage(*place, made.vector, made.terms))
                texts.append(_read(draft, made.kind, made.passage.heading, made.passage.text))
            told(what, number, len(drafts))
        self._vectors.replace([], rows, 1)
        self._words.replace([], rows)
        self._texts = texts
        self._articles = np.array([row.article_id for row in rows])
        self._matrix = np.stack([np.frombuffer(row.vector, dtype=np.float32) for row in rows])

    def ask(self, asked: Sequence[AnsweredQuestion], weights: Weights) -> list[Answered]:
        """Ask the questions as users would; one that several articles answer is asked once."""
        relevant: dict[str, dict[str, float]] = {}
        for one in asked:
            relevant.setdefault(normal(one.question), {})[one.article_id] = 1.0
        texts = {normal(one.question): one.question for one in asked}
        answered = []
        for key, known in relevant.items():
            found = gather(self._maker, self._vectors, self._words, clean_question(texts[key]), Filter())
            near = sorted(found.evidence, key=lambda one: (-one.semantic, one.article_id))
            fused = tuple(one.id for one in weights.fuse(found.evidence))
            answered.append(Answered(known, tuple(one.article_id for one in near), fused))
        return answered

    def measure(self, asked: Sequence[AnsweredQuestion], weights: Weights) -> Measured:
        """Ask the questions and sum up; see `ask`."""
        return summed(self.ask(asked, weights))

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the encoder would read."""
        return self._maker.encoder.count_tokens(text)

    def pairs(self, asked: Sequence[AnsweredQuestion]) -> list[Pair]:
        """Pair each question with the passage of its article that is nearest, and with the nearest passage of
        another article that is not too near to be wrong."""
        answers: dict[str, set[str]] = {}
        for one in asked:
            answers.setdefault(normal(one.question), set()).add(one.article_id)
        found: list[Pair] = []
        known = set(self._articles.tolist())
        for start in range(0, len(asked), _BLOCK):
            block = asked[start : start + _BLOCK]
            scores = (
                self._maker.encoder.encode([one.question for one in block], purpose="query") @ self._matrix.T
            )
            found += [
                self._pair(one, answers[normal(one.question)], row)
                for one, row in zip(block, scores, strict=True)
                if one.article_id in known
            ]
        return found

    def _pair(self, one: AnsweredQuestion, answers: set[str], scores: np.ndarray) -> Pair:
        own = np.flatnonzero(self._articles == one.article_id)
        best = own[int(np.argmax(scores[own]))]
        wrong = ~np.isin(self._articles, list(answers)) & (scores < TOO_NEAR * scores[best])
        negative = self._texts[int(np.argmax(np.where(wrong, scores, -2.0)))] if wrong.any() else ""
        return Pair(one.question, self._texts[int(best)], one.article_id, negative)


def _read(draft: Draft, kind: str, heading: str, text: str) -> str:
    """What the encoder reads of a passage; see `PassageBuilder.make`."""
    return ". ".join(filter(None, (draft.title, heading, text))) if kind == "text" else text
