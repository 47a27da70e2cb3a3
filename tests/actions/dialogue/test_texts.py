"""No text for users shows internals, whatever the application says and whatever state it is in."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.framework.formatting import day, moment, money, passed_on
from actions.framework.intents import IntentCatalogue
from actions.framework.registry import Registry
from actions.framework.workflow import Seen
from actions.host import OperationResult
from tests.actions.conftest import ROOT, Bench

LEAK = re.compile(
    r"traceback|exception|https?://|(?-i:\bNone\b)|\bnull\b|[{}<>\\]|\b[a-z]+_[a-z0-9_]+\b|\b(?:usr|cnv|trn|att|exp|pay)_"
    r"|0x[0-9a-f]{4}|\b\d{1,3}(?:\.\d{1,3}){3}\b|\bNaN\b|\b(?:datetime|dict|list)\(",
    re.IGNORECASE,
)
NASTY = [
    'Traceback (most recent call last): File "/srv/app/billing.py", line 3',
    "psycopg.OperationalError: connection to 10.2.3.4 refused",
    "user usr_ada not found in table users_v2",
    "http://billing.internal/api failed",
    "KeyError: 'card'",
    "null",
    "<script>alert(1)</script>",
    "x" * 5000,
    "",
    "internal_error",
    "Java.lang.NullPointerException at com.kettle.Billing",
]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**7), st.text(max_size=12), st.sampled_from(NASTY)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
WORKFLOWS = list(Registry.load())


def leaks(text: str) -> bool:
    return LEAK.search(text) is not None


def texts_of(workflow: Any, before: Seen, after: Seen, result: OperationResult) -> list[str]:
    diagnosis = workflow.diagnose(before)
    texts = [diagnosis.text, diagnosis.question, diagnosis.yes]
    texts += [workflow.explain_refusal(result), workflow.explain_failure(after, result)]
    texts += [workflow.refused_beforehand(result.code), workflow.refused_beforehand(result.message)]
    if workflow.meta.changes_something:
        verification = workflow.verify(before, after)
        texts += [verification.text, *(fact.label for fact in verification.facts)]
    return texts


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.meta.id)
@pytest.mark.parametrize("message", NASTY)
def test_an_applications_internals_are_not_passed_on(workflow: Any, message: str) -> None:
    result = OperationResult("failed", message[:64], message)
    empty = Seen({})
    for text in texts_of(workflow, empty, empty, result):
        assert not leaks(text), text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.meta.id)
def test_any_state_is_survived_and_never_called_resolved_by_accident(workflow: Any, data: Any) -> None:
    fields = st.fixed_dictionaries(dict.fromkeys(workflow.meta.reads, values))
    seen = Seen(data.draw(fields))
    diagnosis = workflow.diagnose(seen)
    assert diagnosis.verdict in ("applies", "fine", "blocked", "asks")
    assert diagnosis.text or diagnosis.ask
    assert (diagnosis.ask is not None) == (diagnosis.verdict == "asks")
    asks_consent = diagnosis.verdict == "applies" and workflow.meta.needs_consent
    assert bool(diagnosis.question) == asks_consent
    if workflow.meta.changes_something:
        again = workflow.verify(seen, seen)
        # What needs mending is not mended when nothing has changed.
        assert not (diagnosis.verdict == "applies" and again.ok), (seen, again)


@pytest.mark.parametrize("message", NASTY)
def test_unfit_sentences_are_dropped(message: str) -> None:
    assert passed_on(message) is None


@pytest.mark.parametrize(
    "message", ["The card has expired.", "your bank said no", "A mail was sent less than a minute ago."]
)
def test_fit_sentences_are_passed_on(message: str) -> None:
    said = passed_on(message)
    assert said
    assert said[0].isupper()
    assert said.endswith(".")


async def test_no_message_of_any_flow_leaks(bench: Bench) -> None:
    bench.host.refusal = ("E_INTERNAL", NASTY[0])
    bench.host.parts["account"].update(locked=True, lock_reason="too_many_attempts", email_verified=False)
    bench.host.parts["billing"].update(status="past_due", amount_due_cents=1890)
    bench.knowledge.lay_out("", ("some-article", 0.9))
    said: list[str] = []
    for fault in (None, "lie", "hang", "refuse", "fail", "no_state", "no_second_look"):
        bench.host.fault = fault
        for intent in (
            "unlock_account",
            "reset_password",
            "resend_verification",
            "payment_failed",
            "export_stuck",
        ):
            chat = bench.another_chat()
            for reply in (await chat.start(intent), await chat.yes(), await chat.yes()):
                said += [m.get("text") or m["custom"].get("text", "") for m in reply.messages]
                said += [
                    b["title"] for m in reply.messages for b in m["buttons"] or m["custom"].get("buttons", [])
                ]
    assert len(set(said)) > 20
    for text in said:
        assert not leaks(text), text


def test_labels_are_fit_for_buttons() -> None:
    for label in IntentCatalogue.load(ROOT / "data/policies/intents.yml"):
        assert not leaks(label.label)
        assert label.label[0].isupper()


def test_every_workflow_is_reached_by_an_intent_that_exists() -> None:
    labels = IntentCatalogue.load(ROOT / "data/policies/intents.yml")
    for workflow in WORKFLOWS:
        assert workflow.meta.intents
        for intent in workflow.meta.intents:
            label = labels.get(intent)
            assert label is not None
            assert label.kind == "workflow"


def test_money_and_days_are_written_for_people() -> None:
    assert money(1890, "EUR") == "€18.90"
    assert money(5, "SEK") == "0.05 SEK"
    assert money(None, "EUR") == money(True, "EUR") == "the amount due"
    assert day("2026-03-04") == "Wednesday 4 March"
    assert moment("2026-03-04T10:32:00+01:00") == "4 March, 09:32 UTC"
    assert day("soon") is None
