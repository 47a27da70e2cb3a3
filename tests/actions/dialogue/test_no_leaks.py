"""Nothing of the inside reaches a user: not by texts, not by buttons, not by cards.

Every workflow is fed states whose every word is hostile, with verdicts of all kinds; the engine is fed
hostile answers of the application in whole conversations.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from actions.dialogue.error_catalogue import ErrorCatalogue
from actions.framework.formatting import named, own_address, passed_on, reference
from actions.framework.intents import IntentCatalogue
from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Seen, Workflow
from actions.host import OperationResult, UserState
from tests.actions.conftest import ROOT, Bench, Reply, healthy
from tests.actions.dialogue.test_texts import leaks
from tests.actions.troubles import INVOICE, LOST, PHONE, TROUBLES, Trouble, lay_over

SECRETS = [
    'Traceback (most recent call last): File "/srv/kettle/billing.py", line 311, in charge',
    "java.lang.NullPointerException at com.kettle.billing.Charge.run(Charge.java:42)",
    "could not connect to db-7.prod.kettle.internal:5432",
    "upstream 10.20.30.40 timed out",
    "see https://jenkins.corp.example/job/7",
    "error in /var/lib/kettle/queue/17.json",
    "C:\\kettle\\app\\charge.dll crashed",
    "SELECT email FROM users WHERE id = 7",
    "delete from sessions where user is 7",
    "mallory@other.example has this card too",
    "belongs to usr_mallory since yesterday",
    "customer 4711081 not found",
    "see ticket OPS-4411 for this",
    "key 550e8400-e29b-41d4-a716-446655440000 is taken",
    "token 9f86d081884c7d659a2feaa0c55ad015 expired",
    "{'state': None, 'code': 17}",
    "<b onclick=alert(1)>done</b>",
    "psycopg.errors.UniqueViolation duplicate key",
    "worker kettle-worker-03 restarted at localhost:8080",
]
MARKS = [
    "traceback", "/srv", "line 311", "nullpointer", "com.kettle", "charge.run", "db-7", "internal", "5432",
    "10.20.30.40", "jenkins", "corp.example", "/var/", "17.json", "charge.dll", "select ", "from users",
    "delete from", "mallory", "usr_", "4711081", "ops-4411", "550e8400", "9f86d081", "'state'", "onclick",
    "psycopg", "worker-03", "localhost",
]  # fmt: skip
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWN = "ada@kettle.example"
WORKFLOWS = list(Registry.load())
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.meta.id)
each_secret = pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
KEPT = frozenset({"status", "state", "lock_reason", "failure_code", "date", "expected_at", "number", "at",
                  "invoice", "refundable_until", "paused_until", "email", "reason"})  # fmt: skip
"""Fields that decide which way a workflow goes; poisoned in turn, so that all ways are gone."""


def everything_wrong() -> dict[str, Any]:
    """A state with all troubles at once, so that workflows go beyond "all is well"."""
    state = healthy()
    for trouble in TROUBLES:
        if not trouble.undo and trouble.workflow != "resume_subscription":
            lay_over(state, copy.deepcopy(dict(trouble.changes)))
    state["orders"] += [{**LOST, "number": "K-20440", "status": "in_transit", "carrier": "DHL"}]
    state["billing"]["invoices"] += [{**INVOICE, "number": "INV-3001", "date": "2026-01-20"}]
    paid = {"id": "pay_1", "invoice": "INV-3002", "status": "paid", "amount_cents": 1890, "at": "2026-02-25"}
    state["billing"]["payments"] = [paid, {**paid, "id": "pay_2"}]
    state["sessions"] += [PHONE]
    state["account"]["second_factor"] = {"enabled": True, "method": "totp", "lost_device": True}
    state["notifications"]["sms"] = {"enabled": True, "number": "+353865550142", "state": "unverified"}
    return state


def poisoned(value: Any, secret: str, *, keep: frozenset[str], name: str = "") -> Any:
    """Put `secret` in the place of every word, in names of settings and features too."""
    if isinstance(value, Mapping):
        flags = name in ("features", "entitlements", "saved", "applied")
        return {
            (f"{secret} {key}" if flags else key): poisoned(inner, secret, keep=keep, name=key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [poisoned(inner, secret, keep=keep, name=name) for inner in value]
    return secret if isinstance(value, str) and name not in keep else value


def states(secret: str) -> Iterator[dict[str, Any]]:
    """States with the secret everywhere, and with single deciding fields left as they are."""
    for state in (everything_wrong(), healthy()):
        yield poisoned(state, secret, keep=frozenset())
        yield poisoned(state, secret, keep=KEPT)
        for name in sorted(KEPT):
            yield poisoned(state, secret, keep=KEPT - {name})


def said_by(workflow: Workflow, seen: Seen, after: Seen, result: OperationResult) -> Iterator[str]:
    """All that a workflow may say of two looks and an answer."""
    diagnosis = workflow.diagnose(seen)
    yield from _of(diagnosis)
    if diagnosis.ask is not None:
        for choice in diagnosis.ask.choices:
            answered = Seen(seen.values, seen.as_of, {diagnosis.ask.name: choice.value})
            yield from _of(workflow.diagnose(answered))
        answered = Seen(seen.values, seen.as_of, {diagnosis.ask.name: result.message or ""})
        yield from _of(workflow.diagnose(answered))
    if workflow.meta.changes_something:
        verification = workflow.verify(seen, after)
        yield verification.text
        for fact in verification.facts:
            yield from (fact.label, fact.before, fact.after)
        yield workflow.explain_failure(after, result)
        yield workflow.explain_refusal(result)
        yield workflow.refused_beforehand(result.code)
        yield workflow.refused_beforehand(result.message)


def _of(diagnosis: Diagnosis) -> Iterator[str]:
    yield from (diagnosis.text, diagnosis.question, diagnosis.yes)
    if diagnosis.card is not None:
        yield json.dumps(diagnosis.card, ensure_ascii=False).replace('"', "")
    if diagnosis.ask is not None:
        yield diagnosis.ask.text
        yield from (choice.title for choice in diagnosis.ask.choices)
        if diagnosis.ask.card is not None:
            yield json.dumps(diagnosis.ask.card, ensure_ascii=False).replace('"', "")


def assert_clean(text: str) -> None:
    """No mark of a secret, and nobody's address but the user's own."""
    found = [mark for mark in MARKS if mark in text.casefold()]
    assert not found, (found, text)
    assert "@" not in text.replace(OWN, ""), text


@each_workflow
@each_secret
def test_no_state_and_no_answer_makes_a_workflow_tell_a_secret(workflow: Workflow, secret: str) -> None:
    looks = [Seen.of(_state(parts), workflow.meta.reads) for parts in states(secret)]
    result = OperationResult("failed", secret, secret, {"detail": secret})
    told = 0
    for before, after in pairwise([*looks, looks[0]]):
        for text in said_by(workflow, before, after, result):
            assert_clean(text)
            told += bool(text)
    assert told > len(looks)


@each_workflow
def test_a_workflow_speaks_plainly_of_a_usual_state(workflow: Workflow) -> None:
    for parts in (everything_wrong(), healthy()):
        seen = Seen.of(_state(parts), workflow.meta.reads)
        for text in said_by(workflow, seen, seen, OperationResult("done")):
            assert_clean(text)
            # Cards name things by the words of their contract (`in_transit`); texts do not.
            assert text.startswith("{") or not leaks(text), text


@each_secret
def test_sentences_and_names_of_the_application_are_weighed(secret: str) -> None:
    assert passed_on(secret) is None
    assert named(secret, "-") == "-"
    assert reference(secret, "-") == "-"
    assert own_address(secret, "-") == "-"


@pytest.mark.parametrize(
    "name",
    ["Safari on iPhone", "Espresso Club", "Yunnan (black)", "DHL", "Röst & Co.", "L'Équipe", "Chrome 119"],
)
def test_names_that_people_use_are_read_out(name: str) -> None:
    assert named(name, "-") == name


def test_the_catalogues_texts_and_labels_are_clean() -> None:
    for entry in ErrorCatalogue.load(ROOT / "data/policies/errors.yml"):
        assert_clean(entry.text)
        assert not leaks(entry.text)
    for label in IntentCatalogue.load(ROOT / "data/policies/intents.yml"):
        assert_clean(label.label)
        assert_clean(label.question)


@pytest.mark.parametrize(
    "fault", ["refuse", "fail", "lie", "hang", "no_state", "no_second_look", "no_operations"]
)
@pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.workflow for trouble in TROUBLES])
async def test_no_conversation_tells_a_secret(bench: Bench, trouble: Trouble, fault: str) -> None:
    secret = SECRETS[(len(fault) + len(trouble.workflow)) % len(SECRETS)]
    bench.host.refusal = (secret, secret)
    bench.knowledge.lay_out("", ("some-article", 0.9))
    trouble.bring_about(bench)
    if fault.startswith("no_state"):
        bench.host.fault = fault
    begun = await trouble.begin(bench)
    bench.host.fault = fault
    for reply in (begun, await bench.chat.yes(), await bench.chat.yes()):
        for text in visible(reply):
            assert_clean(text)


@each_secret
async def test_a_reason_in_the_list_of_operations_is_not_passed_on(bench: Bench, secret: str) -> None:
    trouble = TROUBLES[0]
    trouble.bring_about(bench)
    bench.host.forbidden[trouble.operation_name] = secret
    reply = await trouble.begin(bench)
    assert reply.text
    for text in visible(reply):
        assert_clean(text)


def visible(reply: Reply) -> Iterator[str]:
    """All that the widget shows of a reply. The summary of a hand-off is for agents."""
    for message in reply.messages:
        yield message.get("text") or ""
        card = {
            key: value for key, value in message["custom"].items() if key not in ("summary", "attempt_id")
        }
        yield json.dumps(card, ensure_ascii=False)
        yield from (button["title"] for button in message["buttons"])


def _state(parts: dict[str, Any]) -> UserState:
    return UserState("usr_ada", NOW, parts)
