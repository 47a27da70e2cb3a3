"""Words: what counts as the same one, and which passages have it."""

from pathlib import Path

import pytest

from foundation.errors import InvalidInput
from kb_index.index.lexical_index import LexicalIndex
from kb_index.ports import Filter, StoredPassage
from kb_index.text.terms import Normaliser, lemma, read_vocabulary

NORMALISER = Normaliser()
OPEN = Filter()


def row(number: int, article: str, text: str, **more: object) -> StoredPassage:
    terms = " ".join(NORMALISER.terms(text))
    values = {"language": "en", "area": "billing", **more}
    return StoredPassage(number, article, "", kind="text", vector=b"", terms=terms, **values)  # type: ignore[arg-type]


def filled() -> LexicalIndex:
    index = LexicalIndex()
    rows = [
        row(1, "refunds", "Refunds take five days after the return has arrived"),
        row(2, "refunds", "A refund goes back to the card you paid with"),
        row(3, "codes", "KT-1004 means that the card was declined", area="sign-in"),
        row(4, "pause", "Pause your subscription for four weeks", language="en-GB"),
        row(5, "staff", "Refunds of staff", audience="staff", plans=("gold",), product_versions=("2",)),
    ]
    index.replace([], rows)
    return index


def found(index: LexicalIndex, question: str, where: Filter = OPEN) -> list[str]:
    return [one.article_id for one in index.best(NORMALISER.terms(question), 10, where)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("notifications", "notification"), ("deliveries", "delivery"), ("cancelled", "cancel"), ("went", "go"),
     ("address", "address"), ("bus", "bus"), ("status", "status"), ("syncing", "sync"), ("kt", "kt")],
)  # fmt: skip
def test_forms_of_a_word_are_one_term(word: str, expected: str) -> None:
    assert lemma(word) == expected


def test_what_users_type_comes_to_terms() -> None:
    assert NORMALISER.terms("I can't log in to my ACCOUNTS (KT-1004)!") == [
        "not",
        "log",
        "account",
        "kt-1004",
    ]
    assert NORMALISER.terms("Café, naïve; user’s e-mails") == ["cafe", "naive", "user", "e", "mail"]
    assert NORMALISER.terms("what is this") == ["what", "is", "this"], "nothing else is there"
    assert NORMALISER.terms("!?… 🎉") == []


def test_one_word_of_a_thousand_letters_is_no_term() -> None:
    assert NORMALISER.terms("a" * 1000 + " refund") == ["refund"]


def test_rare_words_decide_and_an_article_is_its_best_passage() -> None:
    index = filled()
    assert found(index, "when do I get my refund on the card")[0] == "refunds"
    assert found(index, "KT-1004") == ["codes"]
    best = index.best(NORMALISER.terms("refund"), 10, OPEN)
    assert len(best) == len({one.article_id for one in best})
    assert found(index, "bicycles") == []


def test_a_question_that_is_covered_has_a_share_near_one() -> None:
    index = filled()
    covered = index.best(NORMALISER.terms("pause subscription"), 1, OPEN)[0].share
    half = index.best(NORMALISER.terms("pause bicycle"), 1, OPEN)[0].share
    assert covered > 0.8
    assert half < 0.6


def test_a_misspelt_word_finds_its_term_for_less() -> None:
    index = filled()
    right = index.best(NORMALISER.terms("subscription"), 1, OPEN)[0]
    wrong = index.best(NORMALISER.terms("subscritpion"), 1, OPEN)[0]
    assert (wrong.article_id, right.article_id) == ("pause", "pause")
    assert wrong.share < right.share
    assert index.known("refnd") == "refund"
    assert index.known("kt-1005") is None, "a code is never another one"
    assert index.known("xyzzyx") is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(area="billing", audiences=frozenset({"everyone"})), {"refunds"}),
        (Filter(area="sign-in"), set()),
        (Filter(audiences=frozenset({"staff"})), {"staff"}),
        (Filter(plan="gold"), {"refunds", "staff"}),
        (Filter(plan="silver"), {"refunds"}),
        (Filter(product_version="3"), {"refunds"}),
        (Filter(language="de"), set()),
    ],
)
def test_filters_leave_out(where: Filter, expected: set[str]) -> None:
    assert set(found(filled(), "refund", where)) == expected


def test_a_language_takes_its_regions() -> None:
    assert found(filled(), "pause", Filter(language="en")) == ["pause"]
    assert found(filled(), "pause", Filter(language="en-GB")) == ["pause"]


def test_what_is_replaced_or_taken_back_is_gone() -> None:
    index = filled()
    index.replace(["refunds"], [row(9, "refunds", "Money comes back soon")])
    assert found(index, "refund days arrived") == ["staff"]
    assert found(index, "money soon") == ["refunds"]
    index.replace(["refunds", "unknown"], [])
    assert found(index, "money soon") == []
    assert index.known("soon") is None
    assert len(index) == 3


def test_just_some_articles_can_be_compared() -> None:
    index = filled()
    terms = NORMALISER.terms("refund card")
    assert [one.article_id for one in index.compare(terms, ["codes", "pause"], OPEN)] == ["codes"]
    assert index.compare(terms, [], OPEN) == []
    best = {one.article_id: one.share for one in index.best(terms, 10, OPEN)}
    assert index.compare(terms, ["refunds"], OPEN)[0].share == pytest.approx(best["refunds"])


def test_synonyms_and_product_terms_are_one_term(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.yml"
    path.write_text("terms:\n- [sign in, log in, login]\n- [two-factor, 2FA, second step]\n")
    normaliser = Normaliser(read_vocabulary(path))
    assert normaliser.terms("login")[-1] == normaliser.terms("logging in")[-1] == "sign_in"
    assert normaliser.terms("my 2fa code")[0] == normaliser.terms("the second step code")[0] == "two_factor"
    assert normaliser.fingerprint != NORMALISER.fingerprint, "what was made otherwise is not comparable"
    assert read_vocabulary(tmp_path / "none.yml").phrases == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "must hold `terms`"),
        ("terms: [x]", "entry 1: a list"),
        ("terms:\n- [a b c d e]\n", "one to 4 words"),
        ("terms:\n- [bill, invoice]\n- [receipt, invoices]\n", "entry 2: `invoice` stands in another"),
        ("a: [", "vocabulary.yml:1"),
    ],
)
def test_a_vocabulary_of_another_form_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "vocabulary.yml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=says):
        read_vocabulary(path)
