"""Pairs, the split, the choice and the shelf; the training itself is in test_tuning_run.py."""

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.errors import Conflict, Unavailable, Unprocessable
from kb_index.domain import Draft
from kb_index.encoder import training_pairs as making
from kb_index.encoder.hot_swap import EncoderFollower
from kb_index.encoder.offline_index import Measured, OfflineIndex
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.quantisation import put_beside
from kb_index.encoder.store import EncoderStore
from kb_index.encoder.training import Row, batches, read_rows
from kb_index.encoder.training_pairs import AnsweredQuestion, Pair
from kb_index.encoder.training_process import TunedEncoder, tune
from kb_index.encoder.tuner import Tuner, TuneReport, choose, chosen_pairs
from kb_index.evaluation.cross_validation import run
from kb_index.evaluation.dataset import Document, Query, TestSet
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Ranking, Weights
from kb_index.text.terms import Normaliser

ENCODER = Path(os.environ.get("FIRSTLINE_ENCODER_DIR") or ".firstline/encoder").resolve()
FIGURES = {"hit@1": 0.8, "hit@5": 0.9, "mrr@10": 0.85, "ndcg@10": 0.86}
DRAFTS = {
    "pause": Draft(
        "Pause your plan", "plans", "en", "Choose Pause under Plan.\n", phrasings=("stop for a while",)
    ),
    "refund": Draft("Refunds", "billing", "en", "Money comes back.\n\n## How long\n\nIt takes 14 days.\n"),
    "reset": Draft("Reset your password", "sign-in", "en", "Open the sign-in page and choose Forgot.\n"),
}


def silent(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


def asked(count: int, per_article: int = 4) -> list[AnsweredQuestion]:
    return [AnsweredQuestion(f"question number {n}", f"a{n // per_article}", "gate") for n in range(count)]


def measured(hit: float = 0.8, ndcg: float = 0.86, questions: int = 200) -> Measured:
    own = FIGURES | {"hit@1": hit, "ndcg@10": ndcg}
    return Measured(own, own, questions)


def test_no_article_and_no_question_is_both_learnt_and_held_back() -> None:
    everything = [
        *asked(100),
        AnsweredQuestion("Question NUMBER 3?", "a20", "answer"),
        AnsweredQuestion("question number 97", "a1", "agent"),
    ]
    parted = making.part(everything)
    assert {one.article_id for one in parted.learn}.isdisjoint(one.article_id for one in parted.held)
    words = {making.normal(one.question) for one in parted.held}
    assert words.isdisjoint(making.normal(one.question) for one in parted.learn)
    assert 20 <= len(parted.held) <= 26
    assert making.part(list(reversed(everything))).held != ()
    assert {one.article_id for one in making.part(everything[:60]).held} != set()


def test_an_article_stays_on_its_side_when_others_are_added() -> None:
    few, many = making.part(asked(60)), making.part(asked(64))
    first = {one.article_id for one in few.held}
    assert len(first & {one.article_id for one in many.held}) >= len(first) - 1


def test_questions_without_article_without_words_or_twice_are_left_out() -> None:
    rows = [
        AnsweredQuestion("how long is a refund", "refund", "gate"),
        AnsweredQuestion("How long is a refund?!", "refund", "answer"),
        AnsweredQuestion("how long is a refund", "gone", "gate"),
        AnsweredQuestion("help", "refund", "answer"),
        AnsweredQuestion("long " * 100, "refund", "answer"),
    ]
    assert making.usable(rows, DRAFTS) == rows[:1]
    assert making.phrasings(DRAFTS) == [AnsweredQuestion("stop for a while", "pause", "phrasing")]


def test_headings_lead_to_the_text_below_them() -> None:
    found = making.headings(DRAFTS, lambda text: len(text.split()))
    assert Pair("Refunds: How long", "It takes 14 days.", "refund") in found
    assert Pair("Pause your plan", "Choose Pause under Plan.", "pause") in found


def test_a_question_is_paired_with_its_articles_nearest_passage_and_anothers_as_wrong() -> None:
    box = OfflineIndex(PassageBuilder(OnnxEncoder(ENCODER), Normaliser()), DRAFTS, silent, "articles")
    (pair,) = box.pairs([AnsweredQuestion("how many days until my money is back", "refund", "answer")])
    assert (pair.article, pair.passage) == ("refund", "Refunds. How long. It takes 14 days.")
    assert pair.negative
    assert "Refunds" not in pair.negative
    figures = box.measure(
        [
            AnsweredQuestion("how many days until my money is back", "refund", "gate"),
            AnsweredQuestion("forgot pw", "pause", "gate"),
        ],
        Weights(),
    )
    assert figures.questions == 2
    assert figures.semantic["hit@1"] == figures.fused["hit@1"] == 0.5


def test_questions_come_before_headings_when_there_are_too_many() -> None:
    questions = [Pair(f"q{n}", "p", f"a{n}") for n in range(30)]
    headings = [Pair(f"h{n}", "p", f"a{n}") for n in range(30)]
    taken = chosen_pairs(questions, headings, 40)
    assert taken[:30] == questions
    assert len({one.question for one in taken[30:]} & {one.question for one in headings}) == 10
    assert len(chosen_pairs(questions, headings, 20)) == 20


def test_a_batch_holds_no_article_and_no_text_twice_and_every_row_once_an_epoch() -> None:
    rows = [Row(f"q{n}", f"p{n % 40}", f"a{n % 25}", f"n{n}" if n % 2 else "") for n in range(100)]
    dealt = list(batches(rows, 16, random.Random(1)))
    for batch in dealt:
        assert len({row.article for row in batch}) == len({row.passage for row in batch}) == len(batch) <= 16
        assert len({bool(row.negative) for row in batch}) == 1
    taken = [row for batch in dealt for row in batch]
    assert len(taken) == len(set(taken)) >= 96
    assert list(batches([Row("q", "p", "a"), Row("r", "s", "a")], 8, random.Random(1))) == []


def test_pairs_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    assert making.write([Pair("wo?\u2028", "hier", "a", "dort"), Pair("q", "p", "b")], file) == 2
    assert read_rows(file) == [Row("wo?\u2028", "hier", "a", "dort"), Row("q", "p", "b")]


@pytest.mark.parametrize(
    ("tuned", "small", "used"),
    [
        (measured(0.80, 0.87), None, "tuned"),
        (measured(0.80, 0.86), None, "current"),
        (measured(0.79, 0.90), None, "current"),
        (measured(0.82, 0.88), measured(0.82, 0.879), "tuned-int8"),
        (measured(0.82, 0.88), measured(0.81, 0.88), "tuned"),
        (measured(0.82, 0.88, 50), measured(0.82, 0.88, 50), "tuned"),
    ],
)
def test_what_finds_more_is_kept(tuned: Measured, small: Measured | None, used: str) -> None:
    both = {"current": measured(), "tuned": tuned}
    assert choose(both if small is None else {**both, "tuned-int8": small})[0] == used


def encoder_folder(folder: Path, fingerprint: str) -> Path:
    """The real encoder under another name."""
    folder.mkdir(parents=True)
    for name in ("model.onnx", "tokenizer.json"):
        (folder / name).symlink_to((ENCODER / name).resolve())
    manifest = json.loads((ENCODER / "encoder.json").read_text())
    (folder / "encoder.json").write_text(json.dumps(manifest | {"fingerprint": fingerprint}))
    return folder


def test_the_shelf_gives_the_tuned_encoder_until_it_is_broken_or_the_installed_one_changes(
    tmp_path: Path,
) -> None:
    base = encoder_folder(tmp_path / "base", "base")
    shelf = EncoderStore(tmp_path / "kb-encoder", base)
    assert shelf.current() == base
    with shelf.work() as work:
        kept = shelf.put(encoder_folder(work / "tuned", "tuned"), {"used": "tuned"})
    assert shelf.current() == kept
    assert shelf.load().fingerprint == "tuned"
    assert shelf.report() == {"used": "tuned"}

    (kept / "model.onnx").unlink()
    (kept / "model.onnx").write_bytes(b"not a model")
    assert shelf.load().fingerprint == "base"
    (kept / "model.onnx").unlink()
    assert shelf.current() == base

    with shelf.work() as work:
        shelf.put(encoder_folder(work / "tuned", "tuned2"), {})
    assert not kept.exists()
    other = json.loads((base / "encoder.json").read_text()) | {"fingerprint": "another base"}
    (base / "encoder.json").write_text(json.dumps(other))
    assert shelf.current() == base


def test_the_installed_encoder_is_used_in_8_bits_where_its_own_twin_lies_beside_it(tmp_path: Path) -> None:
    base = encoder_folder(tmp_path / "encoder", "base")
    shelf = EncoderStore(tmp_path / "kb-encoder", base)
    twin = encoder_folder(tmp_path / "encoder-int8", "base-int8")
    assert shelf.current() == twin
    assert shelf.report() == {}
    (twin / "model.onnx").unlink()
    (twin / "model.onnx").write_bytes(b"not a model")
    assert shelf.load().fingerprint == "base"
    shutil.rmtree(twin)
    encoder_folder(twin, "another-int8")
    assert shelf.current() == base


def test_an_encoder_that_cannot_be_quantised_has_no_twin(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "encoder", "base")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(b"not a model")
    assert "the search uses full weights" in put_beside(folder, ["a text"])
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]


def test_two_do_not_tune_at_once(tmp_path: Path) -> None:
    shelf = EncoderStore(tmp_path / "kb-encoder", ENCODER)
    with shelf.work(), pytest.raises(Conflict), shelf.work():
        pass


def _put_forever(shelf: EncoderStore) -> None:
    for number in range(1_000_000):
        with shelf.work() as work:
            shelf.put(encoder_folder(work / "tuned", f"tuned-{number % 3}"), {})


@pytest.mark.slow
def test_killed_at_any_moment_an_encoder_is_in_use_and_whole(tmp_path: Path) -> None:
    base = encoder_folder(tmp_path / "base", "base")
    shelf = EncoderStore(tmp_path / "kb-encoder", base)
    seen = set()
    for number in range(50):
        child = multiprocessing.get_context("fork").Process(target=_put_forever, args=(shelf,))
        child.start()
        time.sleep(0.001 * (1 + number))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        folder = shelf.current()
        assert {path.name for path in folder.iterdir()} == {"model.onnx", "tokenizer.json", "encoder.json"}
        assert json.loads((folder / "encoder.json").read_text())["fingerprint"] == folder.name
        seen.add(folder.name)
    assert len(seen) > 1
    with shelf.work():
        assert {path.name for path in shelf.folder.iterdir()} <= {
            "current.json", ".lock", ".work", shelf.current().name,
        }  # fmt: skip


class Search:
    """Notes the encoders it is to use."""

    def __init__(self) -> None:
        self.used: list[str] = []

    async def use_encoder(self, encoder: OnnxEncoder) -> None:
        self.used.append(encoder.fingerprint)


async def test_a_running_search_changes_over_and_back(tmp_path: Path) -> None:
    base = encoder_folder(tmp_path / "base", "base")
    shelf, search = EncoderStore(tmp_path / "kb-encoder", base), Search()
    follower = EncoderFollower(shelf, search, "base", poll=0.01)
    assert not await follower.look()
    with shelf.work() as work:
        shelf.put(encoder_folder(work / "tuned", "tuned"), {})
    await follower.start()
    while not search.used:
        await asyncio.sleep(0.01)
    await follower.stop()
    shelf.put_back()
    assert await follower.look()
    assert search.used == ["tuned", "base"]


def script(path: Path, body: str) -> Path:
    """A stand-in for the encoder environment's Python."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


async def test_a_training_that_dies_or_cannot_start_says_so(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    python = script(
        tmp_path / "python", """echo '{"step": 1, "of": 4, "loss": 1}'; echo killed >&2; kill -9 $$"""
    )
    with pytest.raises(Unavailable, match=r"status -9: killed"):
        await tune(
            None,
            tmp_path / "pairs",
            tmp_path / "out",
            python=python,
            progress=lambda *step: told.append(step),
        )
    assert told == [("training", 1, 4)]
    with pytest.raises(Unavailable, match="not installed"):
        await tune(None, tmp_path / "pairs", tmp_path / "out", python=tmp_path / "none")
    refusing = script(tmp_path / "refusing", """echo '{"error": "No.", "hint": "Do this."}'; exit 1""")
    with pytest.raises(Unprocessable, match=r"No\.") as refused:
        await tune(None, tmp_path / "pairs", tmp_path / "out", python=refusing)
    assert refused.value.hint == "Do this."


async def test_the_training_ends_with_who_wanted_it(tmp_path: Path) -> None:
    python = script(tmp_path / "python", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    task = asyncio.create_task(tune(None, tmp_path / "pairs", tmp_path / "out", python=python))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def articles() -> tuple[dict[str, Draft], list[AnsweredQuestion]]:
    names = ["invoice", "parcel", "password", "grinder", "gift", "voucher", "address", "newsletter"]
    drafts = {n: Draft(f"About your {n}", "any", "en", f"Choose {n} in the menu.\n") for n in names}
    forms = ("where is my {}", "{} does not work", "i want another {}", "tell me about the {}", "{} gone")
    return drafts, [AnsweredQuestion(form.format(n), n, "gate") for n in names for form in forms]


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_no_better_or_fails_leaves_the_encoder_in_use(tmp_path: Path, fails: bool) -> None:
    async def train(pairs: Path, out: Path, *, int8: bool, expect: str, progress: object) -> TunedEncoder:
        assert expect == "base"
        assert len(read_rows(pairs)) > 20
        if fails:
            raise Unavailable("Killed.")
        return TunedEncoder(encoder_folder(out, "same again"), "same again", 1)

    shelf = EncoderStore(tmp_path / "kb-encoder", encoder_folder(tmp_path / "base", "base"))
    tuner = Tuner(shelf, Normaliser(), Weights(), train)
    drafts, questions = articles()
    if fails:
        with pytest.raises(Unavailable):
            await tuner.run(drafts, questions, progress=silent)
    else:
        report = await tuner.run(drafts, questions, progress=silent)
        assert (report.used, report.fingerprint) == ("current", "base")
        assert report.learnt["gate"] + report.held_back == len(questions)
    assert shelf.current() == shelf.base
    assert {path.name for path in shelf.folder.iterdir()} == {".lock"}


async def test_too_few_questions_are_refused_with_what_to_do(tmp_path: Path) -> None:
    async def train(*_: object, **__: object) -> TunedEncoder:
        raise AssertionError

    tuner = Tuner(EncoderStore(tmp_path / "kb-encoder", ENCODER), Normaliser(), Weights(), train)
    with pytest.raises(Unprocessable, match="0 questions") as refused:
        await tuner.run(
            {key: replace(draft, phrasings=()) for key, draft in DRAFTS.items()}, [], progress=silent
        )
    assert "phrasings" in (refused.value.hint or "")


def test_a_report_is_json() -> None:
    report = TuneReport("current", "why", "abc", {"gate": 3}, 4, 1.5, {"current": {}})
    assert json.loads(json.dumps(report.as_json()))["learnt"] == {"gate": 3}


def test_an_evaluation_tunes_each_part_on_the_others_alone() -> None:
    documents = tuple(Document(f"d{n}", f"Thing number {n}", f"All about thing {n}.") for n in range(7))
    queries = tuple(Query(f"q{n}", f"where is thing {n}", {f"d{n % 7}": 1.0}) for n in range(21))
    beyond = tuple(Query(f"u{n}", "who won in 1954", {}) for n in range(4))
    maker = PassageBuilder(OnnxEncoder(ENCODER), Normaliser())
    seen: list[tuple[set[str], set[str]]] = []

    def tuned(learn: Sequence[Query], held: set[str]) -> PassageBuilder:
        seen.append(({key for query in learn for key in query.relevant}, held))
        return maker

    result = run(
        maker,
        TestSet(documents, queries, beyond),
        Ranking(),
        fit_weights=True,
        progress=silent,
        tuned=tuned,
    )
    assert all(
        learnt.isdisjoint(held) and learnt | held == {d.id for d in documents} for learnt, held in seen
    )
    assert sorted(key for _, held in seen for key in held) == sorted(d.id for d in documents)
    assert (result["questions"], result["no_answer"]["unanswerable"]) == (21, 4)
