"""The list of error codes: strict when read, complete, and true to what else knows the codes."""

from pathlib import Path

import pytest
import yaml

from actions.dialogue.error_catalogue import ErrorCatalogue
from actions.framework.registry import Registry
from connectors.hosts.demo.troubles import TROUBLES
from foundation.errors import InvalidInput
from tests.actions.conftest import ROOT

FILE = ROOT / "data" / "policies" / "errors.yml"
GOOD = "{text: Your account is locked., meaning: m, workflow: unlock_account}"


@pytest.fixture(scope="module")
def catalogue() -> ErrorCatalogue:
    return ErrorCatalogue.load(FILE)


def test_every_code_of_the_application_is_known(catalogue: ErrorCatalogue) -> None:
    assert set(TROUBLES) - {entry.code for entry in catalogue} == set()


def test_what_a_code_leads_to_exists(catalogue: ErrorCatalogue) -> None:
    registry = Registry.load()
    articles = {path.stem for path in (ROOT / "data" / "kb").glob("*.md")}
    for entry in catalogue:
        assert entry.article in articles, entry.code
        if entry.workflow is not None:
            workflow = registry.get(entry.workflow)
            assert workflow is not None, entry.code
    told = {code: w.meta.id for w in registry for code in catalogue.codes_for(w.meta.id)}
    assert told == {entry.code: entry.workflow for entry in catalogue if entry.workflow}


def test_the_classifier_takes_each_code_to_the_same_workflow(catalogue: ErrorCatalogue) -> None:
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))["pipeline"]
    codes = next(step["codes"] for step in pipeline if "codes" in step)
    registry = Registry.load()
    assert set(codes) == {entry.code for entry in catalogue if entry.workflow}
    for code, intent in codes.items():
        entry, workflow = catalogue.get(code), registry.for_intent(intent)
        assert entry is not None
        assert workflow is not None
        assert entry.workflow == workflow.meta.id, code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("KT-1004", "KT-1004"),
        ("what is kt1008??", "KT-1008"),
        ("kt 1001 again!!", "KT-1001"),
        ("the page says (KT-1003).", "KT-1003"),
        ("kt_1005, kt-1006", "KT-1005"),
        ("KT-9999 and then KT-1002", "KT-1002"),
    ],
)
def test_codes_are_found_however_they_are_typed(catalogue: ErrorCatalogue, message: str, code: str) -> None:
    found = catalogue.find_in(message)
    assert found is not None
    assert found.code == code
    assert not catalogue.unknown_in(message)


@pytest.mark.parametrize(
    "message", ["order KT-10023", "1004", "packet 1004", "KT-1004567", "xkt-1004", "KT-", "", "K-20431"]
)
def test_what_only_looks_like_a_code_is_none(catalogue: ErrorCatalogue, message: str) -> None:
    assert catalogue.find_in(message) is None
    assert not catalogue.unknown_in(message)


def test_a_code_that_is_not_in_the_list_is_seen_as_one(catalogue: ErrorCatalogue) -> None:
    assert catalogue.find_in("KT-9999 what's that") is None
    assert catalogue.unknown_in("KT-9999 what's that")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("errors: [", "errors.yml:1: "),
        ("faults: {}", "mapping named `errors`"),
        ("errors: []", "mapping named `errors`"),
        ("errors: {}\nmore: 1", "nothing else"),
        (f"errors: {{KT-1001: {GOOD}, KT-1001: {GOOD}}}", "twice"),
        (f"errors: {{1001: {GOOD}}}", "write it like KT-1004"),
        (f"errors: {{kt-1001: {GOOD}}}", "write it like KT-1004"),
        ("errors: {KT-1001: locked}", "KT-1001 may have"),
        ("errors: {KT-1001: {text: Locked up., meaning: m, workflow: ab_c, fix: x}}", "KT-1001 may have"),
        ("errors: {KT-1001: {meaning: m, workflow: unlock_account}}", "KT-1001 needs a `text`"),
        ("errors: {KT-1001: {text: It is locked., workflow: unlock_account}}", "needs a `meaning`"),
        ("errors: {KT-1001: {text: It is locked., meaning: m}}", "a `workflow` or an `article`"),
        ("errors: {KT-1001: {text: It is locked., meaning: m, workflow: Unlock!}}", "`workflow` of KT-1001"),
        ("errors: {KT-1001: {text: It is locked., meaning: m, article: [x]}}", "`article` of KT-1001"),
        ("errors: {KT-1001: {text: it is locked, meaning: m, workflow: abc}}", "not fit for users"),
        ("errors: {KT-1001: {text: See account.locked in usr_ada., meaning: m, workflow: abc}}", "not fit"),
        ("errors: {KT-1001: {text: Host 10.0.0.3 is down., meaning: m, workflow: abc}}", "not fit"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "errors.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        ErrorCatalogue.load(path)
    assert complaint in str(refused.value)


def test_an_empty_list_knows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "errors.yml"
    path.write_text("errors: {}", encoding="utf-8")
    assert ErrorCatalogue.load(path).find_in("KT-1004") is None
