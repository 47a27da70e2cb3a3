"""Evidence to an order, an order to a probability, and what is fitted from questions."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from kb_index.evaluation.fitting import FittingQuestion, fit
from kb_index.evaluation.metrics import auroc, figures, reliability
from kb_index.search.ranking import Calibration, Evidence, Ranking, Weights

unit = st.floats(0, 1)
evidence = st.builds(Evidence, st.uuids().map(str), unit, unit, st.floats(0, 2))


def test_words_decide_where_the_question_is_covered_and_meaning_where_not() -> None:
    meant = Evidence("meant", title=0.62, text=0.60, lexical=0.1)
    covered = Evidence("covered", title=0.58, text=0.55, lexical=1.0)
    hardly = Evidence("hardly", title=0.58, text=0.55, lexical=0.3)
    assert [one.id for one in Weights().fuse([meant, covered])] == ["covered", "meant"]
    assert [one.id for one in Weights().fuse([meant, hardly])] == ["meant", "hardly"]


@given(st.lists(evidence, max_size=20))
def test_an_order_is_whole_stable_and_gives_a_probability(known: list[Evidence]) -> None:
    ranked = Weights().fuse(known)
    assert sorted(one.id for one in ranked) == sorted(one.article_id for one in known)
    assert ranked == Weights().fuse(list(reversed(known)))
    assert 0 <= Calibration().probability(ranked) <= 1


def test_words_count_as_far_as_they_set_an_article_apart() -> None:
    meant = Evidence("meant", title=0.70, text=0.60, lexical=0.1)
    worded = Evidence("worded", title=0.62, text=0.56, lexical=0.8)
    without = [Evidence(f"other-{n}", 0.3, 0.3, 0.0) for n in range(18)]
    alike = [Evidence(f"other-{n}", 0.3, 0.3, 0.8 * (n % 2)) for n in range(18)]
    assert Weights().fuse([meant, worded, *without])[0].id == "worded"
    assert Weights().fuse([meant, worded, *alike])[0].id == "meant"


def test_an_article_that_stands_out_is_likelier_to_answer() -> None:
    def probability(following: float) -> float:
        known = [Evidence("first", 0.6, 0.6), *(Evidence(f"n{n}", following, following) for n in range(20))]
        return Calibration().probability(Weights().fuse(known))

    assert probability(0.1) > 0.6 > 0.4 > probability(0.55)
    assert Calibration().probability(Weights().fuse([Evidence("only", 0.7, 0.7)])) > 0.5
    assert Calibration().probability(Weights().fuse([Evidence("only", 0.1, 0.1)])) < 0.1


def test_advice_follows_the_probability() -> None:
    calibration = Calibration(none=0.2, offer=0.4, answer=0.6)
    advice = [calibration.advise(one) for one in (0.1, 0.2, 0.4, 0.6, 1.0)]
    assert advice == ["none", "ask", "offer", "answer", "answer"]


def questions(by_words: bool) -> list[FittingQuestion]:
    """Questions whose right article has the words, or the meaning, and a rival that has the other."""
    seen = []
    for number in range(40):
        shade = number / 400
        right = (
            Evidence("right", 0.5, 0.5, 0.9 - shade) if by_words else Evidence("right", 0.7, 0.7 - shade, 0.1)
        )
        rival = Evidence("rival", 0.6, 0.6 - shade, 0.2) if by_words else Evidence("rival", 0.5, 0.5, 0.7)
        seen.append(FittingQuestion((right, rival), frozenset({"right"})))
    return seen


@pytest.mark.parametrize("by_words", [True, False])
def test_weights_are_learned_from_what_was_right(by_words: bool) -> None:
    ranking = fit([questions(by_words)], "test")
    assert math.isclose(
        sum((ranking.weights.semantic, ranking.weights.text, ranking.weights.lexical)), 1, abs_tol=1e-3
    )
    assert all(ranking.weights.fuse(one.evidence)[0].id == "right" for one in questions(by_words))
    assert (ranking.weights.lexical > 0.3) is by_words


def test_the_probability_is_learned_from_questions_with_and_without_their_article() -> None:
    seen = [
        FittingQuestion(
            (Evidence("right", 0.7, 0.7, 0.6), Evidence(f"other-{n}", 0.3, 0.3, 0.1)), frozenset({"right"})
        )
        for n in range(30)
    ]
    ranking = fit([seen], "test")
    with_it = ranking.calibration.probability(ranking.weights.fuse(seen[0].evidence))
    without = ranking.calibration.probability(ranking.weights.fuse(seen[0].evidence[1:]))
    assert with_it > 0.7 > 0.3 > without


def test_nothing_to_learn_from_leaves_the_defaults() -> None:
    assert fit([[]], "nothing") == Ranking(fitted_on="nothing")


def test_a_ranking_survives_its_file(tmp_path: Path) -> None:
    ranking = fit([questions(True)], "test")
    path = tmp_path / "ranking.json"
    assert Ranking.read(path) == Ranking()
    path.write_text(ranking.to_json())
    assert Ranking.read(path) == ranking


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weights": {}, "calibration": {}, "fitted_on": ""}', "\xff"]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ranking.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InvalidInput, match=r"ranking\.json"):
        Ranking.read(path)


def test_graded_relevance_counts() -> None:
    found = figures([["b", "a"]], [{"a": 2.0, "b": 1.0}])
    ideal = 2 + 1 / math.log2(3)
    assert found == {"hit@1": 1, "hit@5": 1, "mrr@10": 1, "ndcg@10": round((1 + 2 / math.log2(3)) / ideal, 4)}


@given(st.lists(unit, min_size=1, max_size=30), st.lists(unit, min_size=1, max_size=30))
def test_auroc_counts_pairs(positive: list[float], negative: list[float]) -> None:
    wins = sum((one > other) + 0.5 * (one == other) for one in positive for other in negative)
    assert auroc(positive, negative) == pytest.approx(wins / len(positive) / len(negative), abs=1e-4)


def test_a_reliability_table_counts_every_question_once() -> None:
    table = reliability([0.05, 0.95, 0.97, 1.0], [False, True, True, False])
    assert [(row["count"], row["observed"]) for row in table] == [(1, 0.0), (3, 0.6667)]
