"""One word for a thing: closed sets have one owner, and whatever else knows their words is held to it."""

import importlib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
import sqlalchemy as sa
import yaml

import escalation.packet.summary
from actions.dialogue.open_offers import CLEAR, UNREAD
from actions.framework.intents import IntentCatalogue
from bot.conversation.case_words import CASE_OUTCOMES, PRIORITIES, REASONS
from bot.rasa_components.passages import CHAT, FALLBACK
from escalation.domain import AT_LEAST, BY_ASSISTANT
from foundation.database import Database
from foundation.outcomes import CONVERSATION_OUTCOMES, OUTCOMES

ROOT = Path(__file__).parents[2]
ROOMS = (
    "foundation",
    "bot",
    "kb_index",
    "security",
    "actions",
    "escalation",
    "insights",
    "connectors",
    "app",
)
# Rasa's own environment, and what runs when it is imported.
NOT_IMPORTED = re.compile(r"bot\.rasa_components\.|app\.schema\.migrations\.|.*\.__main__$")
ALIKE = (OUTCOMES, CONVERSATION_OUTCOMES, REASONS, PRIORITIES, CASE_OUTCOMES)
T = TypeVar("T")


def _sources() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, path.read_text("utf-8")


def _members(key: Any) -> set[Any] | None:
    """The members of a closed set that stands as a mapping's key; None when the key is no closed set."""
    if get_origin(key) is Literal:
        return {*get_args(key)}
    if get_origin(key) in (Union, types.UnionType):
        parts = [{None} if part is type(None) else _members(part) for part in get_args(key)]
        return None if None in parts else {member for part in parts if part for member in part}
    return None


def _mappings() -> Iterator[tuple[str, set[Any], Mapping[Any, Any]]]:
    """Mappings of our modules whose keys are annotated to be a closed set, with that set."""
    for name, source in _sources():
        if NOT_IMPORTED.match(name) or not re.search(r"^\w+: (Mapping|dict)\[", source, re.MULTILINE):
            continue
        module = importlib.import_module(name)
        for variable, hint in get_type_hints(module).items():
            if get_origin(hint) in (dict, Mapping):
                members = _members(get_args(hint)[0])
                if members is not None:
                    yield f"{name}.{variable}", members, getattr(module, variable)


def test_a_mapping_from_a_closed_set_has_a_word_for_every_member() -> None:
    found = {where: (members, mapping) for where, members, mapping in _mappings()}
    assert {
        "actions.dialogue.handoff._OUTCOMES",
        "actions.healing.settlement._OUTCOMES",
        "escalation.packet.summary._OUTCOMES",
        "escalation.packet.summary._REASONS",
    } <= set(found), "the search finds those that are there"
    for where, (members, mapping) in found.items():
        assert set(mapping) == members, where


def test_no_list_of_these_words_is_written_down_a_second_time() -> None:
    """A literal of three or more words, all of them members of one set, is a copy of it, or of most of it."""
    owners = {"foundation.outcomes", "bot.conversation.case_words"}
    for name, source in _sources():
        if name in owners or name.startswith("app.schema.migrations"):
            continue
        for found in re.findall(r"Literal\[([^\]]*)\]", source):
            words = set(re.findall(r'"(\w+)"', found))
            for own in ALIKE:
                assert len(words) < 3 or not words <= set(own), (name, words)


@pytest.mark.parametrize(
    ("constraint", "words"), [("ck_attempts_outcome", OUTCOMES)], ids=["attempts.outcome"]
)
async def test_the_database_takes_these_words_and_no_others(
    database: Database, constraint: str, words: Sequence[str]
) -> None:
    query = sa.text("select pg_get_constraintdef(oid) from pg_constraint where conname = :name")
    async with database.connect() as connection:
        definition = str((await connection.execute(query, {"name": constraint})).scalar_one())
    assert set(re.findall(r"'(\w+)'", definition)) == set(words)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("docs/audit.md", OUTCOMES),
        ("docs/scenarios.md", CONVERSATION_OUTCOMES),
        ("docs/workflows.md", OUTCOMES),
    ],
)
def test_the_docs_explain_every_outcome(file: str, words: Sequence[str]) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert [word for word in words if f"`{word}`" not in text] == []


def test_words_about_cases_are_reasons_and_priorities() -> None:
    assert set(AT_LEAST) <= set(REASONS)
    assert set(AT_LEAST.values()) <= set(PRIORITIES)
    assert set(REASONS) >= BY_ASSISTANT


@pytest.fixture(scope="module")
def intents() -> IntentCatalogue:
    return IntentCatalogue.load(ROOT / "data" / "policies" / "intents.yml")


def test_whoever_knows_control_intents_knows_those_of_the_catalogue(intents: IntentCatalogue) -> None:
    control = {intent.name for intent in intents if intent.kind == "control"}
    fallback = {intent.name for intent in intents if intent.kind == "fallback"}
    assert intents.without_matter == control | fallback
    # Rasa's components import nothing of ours. A wish for a person is a request of its own.
    assert set(CHAT) == (control | fallback) - {"talk_to_person"}
    assert FALLBACK in fallback
    assert fallback == UNREAD
    assert control > CLEAR
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))["intents"]
    declared = {next(iter(one)) if isinstance(one, dict) else one for one in domain}
    assert control | fallback <= declared | {FALLBACK}
    taught = {
        one["intent"]
        for one in yaml.safe_load((ROOT / "data/training/nlu_control.yml").read_text("utf-8"))["nlu"]
        if "intent" in one
    }
    assert taught <= control | fallback


def test_the_console_marks_the_trouble_that_the_summary_names() -> None:
    script = (ROOT / "web" / "src" / "console" / "snapshot.ts").read_text("utf-8")
    found = re.search(r'const trouble = new Set\("([a-z_ ]+)"\.split', script)
    assert found is not None
    assert set(found[1].split()) == set(escalation.packet.summary.TROUBLE.split())
