"""Measures the search on a set of its own, in memory, with the parts that also serve users."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kb_index.domain import Draft
from kb_index.evaluation.dataset import Document, Query, TestSet
from kb_index.evaluation.fitting import FittingQuestion, fit
from kb_index.evaluation.metrics import auroc, figures, reliability
from kb_index.index.faiss_index import FaissIndex
from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.ports import Filter, StoredPassage
from kb_index.search.candidates import Candidates, gather
from kb_index.search.ranking import Ranking
from kb_index.search.service import clean_question

FOLDS = 5
Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, of how much."""
TUNED_FOLDS = 3
"""Parts when the encoder is tuned for each: a tuning takes minutes."""
Tuned = Callable[[Sequence[Query], set[str]], PassageBuilder]
"""Makes what has an encoder tuned on these questions, and on nothing of these documents."""


class Trial:
    """A set's documents in both indexes, and what the search brought for each question."""

    def __init__(self, maker: PassageBuilder, documents: Sequence[Document], progress: Progress) -> None:
        self._maker = maker
        self._vectors = FaissIndex(maker.encoder.dimension, maker.name)
        self._words = LexicalIndex()
        rows: list[StoredPassage] = []
        drafts = (Draft(document.title, "any", "en", document.text) for document in documents)
        made = maker.make_all(drafts, quotable=False)
        for number, (document, passages) in enumerate(zip(documents, made, strict=True), start=1):
            for one in passages:
                rows.append(
                    StoredPassage(len(rows), document.id, "", "en", "any", one.kind, one.vector, one.terms)
                )
            progress("documents", number, len(documents))
        self._vectors.replace([], rows, 1)
        self._words.replace([], rows)

    def ask(self, query: Query) -> "TrialQuestion":
        """Search for one question, timed."""
        started = time.perf_counter()
        found = gather(self._maker, self._vectors, self._words, clean_question(query.text), Filter())
        return TrialQuestion(query, found, (time.perf_counter() - started) * 1000)


@dataclass(frozen=True)
class TrialQuestion:
    """A question, its candidates, and what finding them took."""

    query: Query
    found: Candidates
    milliseconds: float

    @property
    def seen(self) -> FittingQuestion:
        """As the fitting takes it."""
        return FittingQuestion(self.found.evidence, frozenset(self.query.relevant))

    def lexical(self) -> list[str]:
        """Ids by words alone; what has none of them is not found."""
        held = [one for one in self.found.evidence if one.lexical > 0]
        return [one.article_id for one in sorted(held, key=lambda one: (-one.lexical, one.article_id))]

    def semantic(self) -> list[str]:
        """Ids by meaning alone."""
        known = sorted(self.found.evidence, key=lambda one: (-one.semantic, one.article_id))
        return [one.article_id for one in known]


def folds(questions: Sequence[Query], count: int = FOLDS) -> list[list[Query]]:
    """Part questions, all of one document into the same part, in an order that is always the same."""
    by_document: dict[str, list[Query]] = {}
    for query in questions:
        by_document.setdefault(min(query.relevant), []).append(query)
    keys = sorted(by_document)
    random.Random(7).shuffle(keys)  # noqa: S311 (an order, not a secret)
    count = min(count, len(keys))
    return [[query for key in keys[start::count] for query in by_document[key]] for start in range(count)]


def run(
    maker: PassageBuilder,
    test_set: TestSet,
    ranking: Ranking,
    *,
    fit_weights: bool,
    progress: Progress,
    tuned: Tuned | None = None,
) -> dict[str, Any]:
    """Return the figures of both searches alone and fused, of "no answer", and of the time taken.

    With `fit_weights` the weights and the calibration under which a question is measured were fitted on
    questions about other documents (cross-validation in five parts); else `ranking` is used as it is. With
    `tuned` the encoder of a question was tuned on other documents' questions, too.
    """
    if tuned is None:
        everything = (*test_set.queries, *test_set.unanswerable)
        asked = _ask(Trial(maker, test_set.documents, progress), everything, "questions", progress)
    else:
        asked = _ask_tuned(test_set, tuned, progress)
    rankings = _rankings(test_set.queries, asked, ranking) if fit_weights else {}
    known = [asked[query.id] for query in test_set.queries]
    fused, probabilities, right = [], [], []
    for one in known:
        own = rankings.get(one.query.id, ranking)
        ranked = own.weights.fuse(one.found.evidence)
        fused.append([each.id for each in ranked])
        probabilities.append(own.calibration.probability(ranked))
        right.append(bool(ranked) and ranked[0].id in one.query.relevant)
    relevant = [one.query.relevant for one in known]
    times = sorted(one.milliseconds for one in asked.values())
    result: dict[str, Any] = {
        "documents": len(test_set.documents),
        "questions": len(known),
        "lexical": figures([one.lexical() for one in known], relevant),
        "semantic": figures([one.semantic() for one in known], relevant),
        "fused": figures(fused, relevant),
        "latency_ms": {
            "p50": round(statistics.median(times), 2),
            "p95": round(times[int(0.95 * (len(times) - 1))], 2),
        },
        "weights": _weights(list(rankings.values()) or [ranking]),
    }
    if test_set.unanswerable:
        general = _general(known, ranking, fit_weights)
        none = [_probability(asked[query.id], general) for query in test_set.unanswerable]
        answerable = [_probability(one, general) for one in known] if not fit_weights else probabilities
        result["no_answer"] = {
            "unanswerable": len(none),
            "auroc": auroc(answerable, none),
            "reliability": reliability([*probabilities, *none], [*right, *[False] * len(none)]),
        }
    return result


def _ask(trial: Trial, queries: Sequence[Query], what: str, progress: Progress) -> dict[str, TrialQuestion]:
    asked = {}
    for number, query in enumerate(queries):
        asked[query.id] = trial.ask(query)
        progress(what, number + 1, len(queries))
    return asked


def _ask_tuned(test_set: TestSet, tuned: Tuned, progress: Progress) -> dict[str, TrialQuestion]:
    """Ask each part's questions with the encoder tuned on the other parts'; and each encoder its share of the
    unanswerable ones, which none was tuned on."""
    parts, asked = folds(test_set.queries, TUNED_FOLDS), dict[str, TrialQuestion]()
    for number, part in enumerate(parts):
        own = {query.id for query in part}
        documents = {key for query in part for key in query.relevant}
        maker = tuned([query for query in test_set.queries if query.id not in own], documents)
        name = f"part {number + 1} of {len(parts)}"
        trial = Trial(maker, test_set.documents, _named(progress, name))
        share = test_set.unanswerable[number :: len(parts)]
        asked |= _ask(trial, (*part, *share), f"{name}, questions", progress)
    return asked


def _named(progress: Progress, name: str) -> Progress:
    return lambda what, done, of: progress(f"{name}, {what}", done, of)


def _rankings(
    queries: Sequence[Query], asked: dict[str, TrialQuestion], fallback: Ranking
) -> dict[str, Ranking]:
    """The ranking for each question, fitted on the questions of the other parts."""
    parts = folds(queries)
    if len(parts) < 2:
        return dict.fromkeys((query.id for query in queries), fallback)
    found: dict[str, Ranking] = {}
    for part in parts:
        own = {query.id for query in part}
        others = [asked[query.id].seen for query in queries if query.id not in own]
        found |= dict.fromkeys(own, fit([others], "the other parts of this set"))
    return found


def _general(known: Sequence[TrialQuestion], ranking: Ranking, fitted: bool) -> Ranking:
    """For unanswerable questions, which no part was fitted on: a ranking of all answerable ones."""
    return fit([[one.seen for one in known]], "this set's answerable questions") if fitted else ranking


def _probability(one: TrialQuestion, ranking: Ranking) -> float:
    return ranking.calibration.probability(ranking.weights.fuse(one.found.evidence))


def _weights(rankings: Sequence[Ranking]) -> dict[str, float]:
    names = ("semantic", "text", "lexical")
    return {name: round(statistics.mean(getattr(one.weights, name) for one in rankings), 4) for name in names}
