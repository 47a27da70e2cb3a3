"""A set in files, measured: what is read, what is refused, and what the figures are of."""

import json
from pathlib import Path

import pytest

from foundation.errors import InvalidInput, NotFound
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.evaluation.cross_validation import folds, run
from kb_index.evaluation.dataset import Query, TestSet, read_test_set
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Ranking
from kb_index.text.terms import Normaliser

DOCUMENTS = {
    "refund": ("Refunds", "You get your money back within five days of the return."),
    "pause": ("Take a break", "A pause of up to eight weeks stops deliveries and payments."),
    "code": ("KT-1004", "Your bank declined the card. Use another card."),
    "export": ("", "An export of your data is ready after a few minutes."),
}
QUESTIONS = {
    "q1": ("when do I get my money", "refund"),
    "q2": ("stop my boxes while I travel", "pause"),
    "q3": ("kt-1004", "code"),
    "q4": ("how do I download what you know of me", "export"),
    "q5": ("the card was not accepted", "code"),
}


def write(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"{name}.jsonl" for name in ("corpus", "queries", "unanswerable")}
    rows = [{"id": key, "title": title, "text": text} for key, (title, text) in DOCUMENTS.items()]
    del rows[3]["title"]
    paths["corpus"].write_text("\n".join(map(json.dumps, rows)))
    asked = [{"id": key, "text": text} for key, (text, _) in QUESTIONS.items()]
    paths["queries"].write_text("\n".join(map(json.dumps, asked)) + "\n\n")
    paths["unanswerable"].write_text('{"id": "u1", "text": "who won the world cup in 1954"}\n')
    paths["qrels"] = folder / "qrels.tsv"
    lines = [f"{key}\t{document}\t1" for key, (_, document) in QUESTIONS.items()]
    paths["qrels"].write_text(
        "query-id\tcorpus-id\tscore\n" + "\n".join([*lines, "q9\trefund\t1", "q1\tpause\t0"])
    )
    return paths


def maker(encoder: OnnxEncoder) -> PassageBuilder:
    return PassageBuilder(encoder, Normaliser())


@pytest.mark.parametrize("fitted", [False, True])
def test_a_set_is_measured_both_ways_and_fused(encoder: OnnxEncoder, tmp_path: Path, fitted: bool) -> None:
    test_set = read_test_set(**write(tmp_path))
    told: list[tuple[str, int, int]] = []
    result = run(
        maker(encoder), test_set, Ranking(), fit_weights=fitted,
        progress=lambda *what: told.append(what),
    )  # fmt: skip
    assert (result["documents"], result["questions"]) == (4, 5)
    assert result["fused"]["hit@5"] == 1
    assert set(result["lexical"]) == set(result["semantic"]) == {"hit@1", "hit@5", "mrr@10", "ndcg@10"}
    assert result["no_answer"]["auroc"] == 1
    assert sum(row["count"] for row in result["no_answer"]["reliability"]) == 6
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p95"]
    assert told[-1] == ("questions", 6, 6)


def test_what_has_none_of_the_words_is_not_found_by_words(encoder: OnnxEncoder, tmp_path: Path) -> None:
    test_set = read_test_set(**write(tmp_path))
    alone = TestSet(test_set.documents, (Query("q", "bicycles", {"refund": 1.0}),))
    result = run(maker(encoder), alone, Ranking(), fit_weights=False, progress=lambda *_: None)
    assert result["lexical"]["hit@5"] == 0
    assert result["semantic"]["hit@5"] == 1
    assert "no_answer" not in result


def test_questions_about_one_document_are_never_on_both_sides() -> None:
    asked = [Query(f"q{n}", "?", {f"d{n % 7}": 1.0}) for n in range(40)]
    parts = folds(asked)
    assert sorted(query.id for part in parts for query in part) == sorted(query.id for query in asked)
    seen = [{min(query.relevant) for query in part} for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 7
    assert len(folds(asked[:1])) == 1


def test_a_document_may_have_a_title_alone_and_any_heading_may_stand_above_the_judgements(
    tmp_path: Path,
) -> None:
    paths = write(tmp_path)
    with paths["corpus"].open("a") as file:
        file.write('\n{"_id": "bare", "title": "Only a title", "text": ""}\n')
    judged = paths["qrels"].read_text().splitlines()
    paths["qrels"].write_text(
        "\n".join(["topic\tdocument\trelevance", *judged[judged[0].endswith("score") :]])
    )
    read = read_test_set(**paths)
    assert read.documents[-1].text == ""
    assert read.queries


def test_judgements_may_have_the_four_columns_of_trec(tmp_path: Path) -> None:
    paths = write(tmp_path)
    as_they_were = read_test_set(**paths)
    rows = [line.split("\t") for line in paths["qrels"].read_text().splitlines()[1:]]
    paths["qrels"].write_text("\n".join(f"{query} 0 {document} {grade}" for query, document, grade in rows))
    assert read_test_set(**paths) == as_they_were


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("corpus", "{", "corpus.jsonl, line 1: it is not JSON"),
        ("corpus", '{"id": "a"}', "line 1: `text` must be a text"),
        ("corpus", '{"id": "a", "text": ["x"]}', "line 1: `text` must be a text"),
        ("corpus", "[1]", "line 1: an object"),
        ("corpus", "", "holds no documents"),
        ("corpus", '{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}', "same id"),
        ("corpus", "[" * 100_000, "line 1: it is not JSON"),
        ("corpus", "\x00\xff", "corpus.jsonl"),
        ("queries", '{"id": "zz", "text": "x"}', "No question of the set"),
        ("qrels", "q1", "qrels.tsv, line 1"),
        ("qrels", "q1\trefund\t1\nq1\tpause\tmany", "qrels.tsv, line 2"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(
    tmp_path: Path, file: str, content: str, says: str
) -> None:
    paths = write(tmp_path)
    paths[file].write_text(content, encoding="latin-1")
    with pytest.raises(InvalidInput, match=says):
        read_test_set(**paths)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        read_test_set(**(write(tmp_path) | {"queries": tmp_path / "none.jsonl"}))
