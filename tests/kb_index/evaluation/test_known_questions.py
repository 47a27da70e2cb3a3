"""The figures say what they say."""

import math
from pathlib import Path

import pytest

from foundation.errors import InvalidInput, NotFound, Unprocessable
from kb_index.evaluation.known_questions import SearchedQuestion, evaluate, measure
from tests.kb_index.conftest import Room, fill


def asked(rank: int | None, score: float = 0.5, article: str | None = "a") -> SearchedQuestion:
    others = tuple(f"other-{number}" for number in range(9))
    found = others if rank is None else (*others[: rank - 1], "a", *others[rank:])
    return SearchedQuestion("?", article, found, score)


def test_hits_and_reciprocal_ranks() -> None:
    figures = measure([asked(1), asked(2), asked(6), asked(None)])
    assert figures == {
        "questions": 4,
        "hit@1": 0.25,
        "hit@5": 0.5,
        "mrr@10": round((1 + 1 / 2 + 1 / 6) / 4, 4),
        "ndcg@10": round((1 + 1 / math.log2(3) + 1 / math.log2(7)) / 4, 4),
    }


def test_the_probability_s_power_to_tell_what_has_no_answer() -> None:
    known = [asked(1, 0.9), asked(1, 0.5)]
    unknown = [asked(None, 0.1, None), asked(None, 0.5, None), asked(None, 0.7, None)]
    assert measure([*known, *unknown])["no_answer"] == {"unanswerable": 3, "auroc": round((3 + 1.5) / 6, 4)}


async def test_a_file_of_questions_is_asked(room: Room, tmp_path: Path) -> None:
    await fill(room)
    path = tmp_path / "questions.yml"
    path.write_text(
        "questions:\n- {question: forgot password, article: reset-password}\n"
        "- {question: money back, article: refunds}\n- {question: money back, article: gone}\n"
        "unanswerable:\n- do you sell bicycles\n"
    )
    figures = await evaluate(room.search, path)
    assert (figures["questions"], figures["hit@1"]) == (3, 0.6667)
    assert figures["no_answer"] == {"unanswerable": 1, "auroc": 1.0}


async def test_where_nothing_is_published_there_is_nothing_to_measure(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "questions.yml"
    path.write_text("questions:\n- {question: money back, article: refunds}\n")
    with pytest.raises(Unprocessable, match="No article is published"):
        await evaluate(room.search, path)


@pytest.mark.parametrize(
    "text", ["", "[]", "questions: 5", "questions: [{question: x}]", "questions: []", "a: [", "\t"]
)
async def test_a_file_of_another_form_is_refused(room: Room, tmp_path: Path, text: str) -> None:
    path = tmp_path / "questions.yml"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        await evaluate(room.search, path)
    with pytest.raises(NotFound):
        await evaluate(room.search, tmp_path / "none.yml")
