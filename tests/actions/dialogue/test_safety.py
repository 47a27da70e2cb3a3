"""What protects users: limits, permission, a confirmation in the application, taking back, causes told."""

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, get_args

import pytest
import sqlalchemy as sa

from actions.attempts.storage import attempts
from actions.dialogue.consent import agrees, begins_with_yes, refuses, wants_it_again
from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Step, Verification, Workflow
from actions.ports import TurnContext
from actions.workflows.kettle.unlock_account import UnlockAccount
from foundation.database import Database
from foundation.outcomes import Outcome
from tests.actions.conftest import Bench


def lock(bench: Bench) -> None:
    bench.host.parts["account"].update(locked=True, lock_reason="too_many_attempts", status="locked")


async def test_the_same_fix_is_tried_only_so_often_in_a_day(bench: Bench) -> None:
    limit = UnlockAccount.meta.retry_limit
    for _ in range(limit):
        lock(bench)
        await bench.chat.start("unlock_account")
        await bench.chat.yes()
        bench.clock.advance(UnlockAccount.meta.cool_down + 1)
    assert bench.host.acts == limit
    lock(bench)
    reply = await bench.chat.start("unlock_account")
    assert "trying again won't help" in reply.text
    assert reply.slots["offered_person"] is True
    assert bench.host.acts == limit
    bench.clock.advance(timedelta(hours=25).total_seconds())
    await bench.chat.start("unlock_account")
    await bench.chat.yes()
    assert bench.host.acts == limit + 1


async def test_a_limit_reached_between_question_and_yes_holds(bench: Bench) -> None:
    lock(bench)
    first, second = bench.chat, bench.another_chat()
    await first.start("unlock_account")
    limit = UnlockAccount.meta.retry_limit
    for _ in range(limit):
        lock(bench)
        await second.start("unlock_account")
        await second.yes()
        bench.clock.advance(UnlockAccount.meta.cool_down + 1)
    lock(bench)
    before = bench.host.acts
    assert "won't help" in (await first.yes()).text
    assert bench.host.acts == before


async def test_without_the_list_of_operations_nothing_is_done(bench: Bench) -> None:
    lock(bench)
    bench.host.fault = "no_operations"
    reply = await bench.chat.start("unlock_account")
    assert "can't check" in reply.text
    assert reply.slots["pending_workflow"] is None
    assert bench.host.calls == []


async def test_all_causes_are_told_and_taken_one_after_the_other(bench: Bench) -> None:
    lock(bench)
    bench.host.parts["account"].update(password_expired=True)
    told = await bench.chat.act("action_diagnose_sign_in", bench.chat.hear("sign_in_trouble", "cant get in"))
    assert "I found 2 things." in told.text
    assert told.text.count("Your account is locked") == 1, "what comes first is told once"
    assert told.text.index("password") < told.text.index("Your account is locked")
    assert told.slots["pending_workflow"] == "unlock_account"
    then = await bench.chat.yes()
    assert "There is one more thing." in then.text
    assert then.slots["pending_workflow"] == "reset_password"
    assert [a.outcome for a in await bench.attempts()] == ["verified", None]


class Rename(Workflow):
    """A change that can be taken back."""

    meta: ClassVar[Metadata] = Metadata(
        id="rename", title="Rename", done_title="Renamed", area="account", intents=("rename",),
        reads=("account.name",), operations=("rename",), risk="low", reversible=True,
    )  # fmt: skip

    def diagnose(self, seen: Seen) -> Diagnosis:
        return Diagnosis("applies", "I can change the name.", question="Shall I?")

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        return (Step("rename", {"name": "New"}),)

    def verify(self, before: Seen, after: Seen) -> Verification:
        ok = after["account.name"] == "New"
        return Verification(
            ok, (Fact("Name", str(before["account.name"]), str(after["account.name"])),), "It is."
        )

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        return (Step("rename", {"name": before["account.name"]}),)


@pytest.fixture
def renaming(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench with a workflow that can be taken back."""
    rename = Rename()
    monkeypatch.setitem(bench.room.registry._by_id, "rename", rename)
    monkeypatch.setitem(bench.room.registry._by_intent, "rename", rename)
    bench.host.more["rename"] = lambda parameters: bench.host.parts["account"].update(parameters)
    return bench


async def test_a_change_is_taken_back_on_request_and_seen_to_be(renaming: Bench) -> None:
    chat = renaming.chat
    await chat.start("rename")
    assert "It is." in (await chat.yes()).text
    reply = await chat.act("action_undo_last", chat.hear("undo_last", "undo that"))
    assert "took it back" in reply.text
    assert renaming.host.parts["account"]["name"] == "Ada"
    again = await chat.act("action_undo_last", chat.hear("undo_last", "undo that"))
    assert "nothing that I changed" in again.text
    assert [(a.name, a.outcome) for a in await renaming.attempts()] == [
        ("rename", "verified"),
        ("undo_rename", "verified"),
    ]


async def test_an_undo_that_runs_twice_acts_once(renaming: Bench) -> None:
    chat = renaming.chat
    await chat.start("rename")
    await chat.yes()
    latest = chat.hear("undo_last", "undo that")
    await chat.act("action_undo_last", latest)
    acts = renaming.host.acts
    assert "took it back" in (await chat.act("action_undo_last", latest)).text
    assert renaming.host.acts == acts


async def test_after_half_an_hour_a_person_takes_it_back(renaming: Bench) -> None:
    chat = renaming.chat
    await chat.start("rename")
    await chat.yes()
    renaming.clock.advance(1900)
    reply = await chat.act("action_undo_last", chat.hear("undo_last", "undo that"))
    assert "a while ago" in reply.text
    assert renaming.host.parts["account"]["name"] == "New"


async def test_what_is_final_is_not_taken_back(bench: Bench) -> None:
    lock(bench)
    await bench.chat.start("unlock_account")
    await bench.chat.yes()
    reply = await bench.chat.act("action_undo_last", bench.chat.hear("undo_last", "undo that"))
    assert "can't take back" in reply.text
    assert bench.host.parts["account"]["locked"] is False


async def test_a_change_that_is_not_verified_is_put_back(
    renaming: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "verify", lambda *_: Verification(False, (), "It isn't right."))
    chat = renaming.chat
    await chat.start("rename")
    reply = await chat.yes()
    assert "put everything back" in reply.text
    assert renaming.host.parts["account"]["name"] == "Ada"
    [attempt] = await renaming.attempts()
    assert (attempt.outcome, attempt.done["undone"]) == ("failed", True)


async def test_a_confirmation_in_the_application_is_asked_for_and_looked_for(bench: Bench) -> None:
    lock(bench)
    bench.host.forbidden["unlock_account"] = "step_up_required"
    bench.host.confirm_at = "/confirm"
    await bench.chat.start("unlock_account")
    asked = await bench.chat.yes()
    assert asked.card("step_up")["url"] == "/confirm"
    assert bench.host.calls == []
    assert asked.slots["pending_workflow"] == "unlock_account"
    again = await bench.chat.yes()
    assert again.card("step_up"), "a claim alone is not enough"
    assert "can't see the confirmation yet" in again.text
    assert "can't see" not in asked.text
    del bench.host.forbidden["unlock_account"]
    assert "open again" in (await bench.chat.yes()).text
    assert bench.host.acts == 1


async def test_a_confirmation_that_is_demanded_only_at_the_act_is_asked_for_too(bench: Bench) -> None:
    lock(bench)
    bench.host.fault, bench.host.refusal = "refuse", ("step_up_required", "Confirm first.")
    await bench.chat.start("unlock_account")
    asked = await bench.chat.yes()
    assert asked.card("step_up")
    assert asked.slots["pending_workflow"] == "unlock_account"
    assert [a.outcome for a in await bench.attempts()] == [None]
    bench.host.fault = None
    assert "open again" in (await bench.chat.yes()).text
    assert bench.host.acts == 1
    assert len({key for _, _, key in bench.host.calls}) == 2, "a refused act and a new one are two acts"
    assert [a.outcome for a in await bench.attempts()] == ["verified"]


async def test_an_operation_that_is_not_declared_never_reaches_the_application(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(bench)
    monkeypatch.setattr(UnlockAccount, "plan", lambda *_: (Step("retry_payment"),))
    reply = await bench.chat.start("unlock_account")
    assert reply.slots["offered_person"] is True
    workflow = bench.room.registry.get("unlock_account")
    assert workflow is not None
    context = TurnContext("cnv_1", "trn_1", "usr_ada", "kettle", "Ada")
    before = Seen({"account.locked": True})
    done = await bench.room.actor.carry_out(context, workflow, before, "trn_1")
    assert done.result is not None
    assert done.result.status == "refused"
    assert bench.host.calls == []


@pytest.mark.parametrize("forbidden", [True, False])
async def test_taking_back_is_checked_like_any_act(renaming: Bench, forbidden: bool) -> None:
    chat = renaming.chat
    await chat.start("rename")
    await chat.yes()
    acts = renaming.host.acts
    if forbidden:
        renaming.host.forbidden["rename"] = "not_permitted"
    else:
        renaming.host.fault = "no_operations"
    reply = await chat.act("action_undo_last", chat.hear("undo_last", "undo that"))
    assert "doesn't allow that" in reply.text
    assert reply.slots["offered_person"] is True
    assert renaming.host.acts == acts
    renaming.host.forbidden.clear()
    renaming.host.fault = None
    reply = await chat.act("action_undo_last", chat.hear("undo_last", "undo that"))
    assert "took it back" in reply.text


def test_the_registry_refuses_what_would_be_unsafe() -> None:
    class NoProof(UnlockAccount):
        verify = Workflow.verify

    class NoUndo(UnlockAccount):
        meta = replace(UnlockAccount.meta, reversible=True)

    for made, word in ((NoProof, "verify"), (NoUndo, "undo")):
        with pytest.raises(ValueError, match=word):
            Registry([made()])


UNLOCK = "Yes, unlock it. Shall I unlock it now? Your password stays as it is."
PAY = "Yes, pay €18.90. Shall I try it again now with your Visa ending in 4242? That charges €18.90."
SEND = "Yes, send it again. Shall I have the same things sent again? You aren't charged for it."
REFUND = "Yes, refund €24.90. Shall I send €24.90 back to the card you paid with?"


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("yes", UNLOCK), ("Yes, unlock it", UNLOCK), ("yes but make it quick", UNLOCK),
        ("ok go on then", UNLOCK),
        ("why not", UNLOCK), ("sure thing", UNLOCK), ("unlock it please", UNLOCK), ("just fix it!", UNLOCK),
        ("Alright, send a new one then", SEND.replace("same", "new")), ("send another one", SEND),
        ("oh please do", PAY), ("try it again now", PAY), ("go for it", PAY), ("sort it out", PAY),
        ("by all means", PAY), ("i'd like that, yes", PAY), ("refund it", REFUND), ("do the refund", REFUND),
        ("\U0001f44d", PAY), ("\U0001f44d\U0001f3fd", PAY), ("ok \u2705", PAY), ("that too please", PAY),
        ("resend it", SEND), ("turn it back on", UNLOCK), ("yes turn it on", UNLOCK),
    ],
)  # fmt: skip
def test_what_agrees_to_an_offer(said: str, offered: str) -> None:
    assert agrees(said, offered)
    assert not refuses(said, offered)


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("yes but wait", UNLOCK), ("yes, don't do it", UNLOCK), ("yes or no?", UNLOCK), ("", UNLOCK),
        ("okay, cancel that", UNLOCK), ("yesterday it worked", UNLOCK), ("no", UNLOCK), ("later", PAY),
        ("yes I would rather talk to a person", UNLOCK), ("yes but with another card", PAY),
        ("pay it back", PAY), ("ok where is my order", PAY),
        ("ok so yesterday I tried to order the green tea and it failed", UNLOCK),
        ("ok what about my invoice", PAY), ("okay I can't log in either", PAY),
        ("sure, refund INV-3071", REFUND),
        ("yes refund the other one", REFUND), ("refund my last invoice", PAY), ("i can do it", PAY),
        ("go away", PAY), ("get out", UNLOCK), ("do nothing", PAY), ("it is locked", UNLOCK),
        ("turn it off", UNLOCK), ("hold on", UNLOCK), ("no wait yes", UNLOCK), ("refund it", PAY),
    ],
)  # fmt: skip
def test_what_does_not_agree_to_an_offer(said: str, offered: str) -> None:
    assert not agrees(said, offered)


@pytest.mark.parametrize(
    ("said", "no"),
    [
        ("no", True), ("later", True), ("not now, maybe tomorrow", True), ("nah leave it", True),
        ("don't unlock it", True), ("no thanks", True), ("hold off", True), ("leave it as it is", True),
        ("no, pause it for two weeks", False), ("not what I asked", False), ("yes", False), ("", False),
        ("no I want a person", False), ("cancel my subscription", False), ("stop sending newsletters", False),
        ("hold on", False), ("no wait yes", False), ("\U0001f44e", True), ("\U0001f44d", False),
    ],
)  # fmt: skip
def test_what_refuses_an_offer(said: str, no: bool) -> None:
    assert refuses(said, UNLOCK) is no


async def test_a_plain_yes_goes_before_what_the_message_was_read_as(bench: Bench) -> None:
    for action, intent in (("action_start_workflow", "unlock_account"), ("action_decline_workflow", "deny")):
        lock(bench)
        chat = bench.another_chat()
        await chat.start("unlock_account")
        reply = await chat.act(action, chat.hear(intent, "Yes, unlock it"))
        assert "open again" in reply.text
        bench.clock.advance(UnlockAccount.meta.cool_down + 1)


async def test_a_plain_yes_to_nothing_is_no_yes(bench: Bench) -> None:
    lock(bench)
    reply = await bench.chat.start("unlock_account", "ok my account is locked")
    assert "Shall I unlock it" in reply.text
    assert bench.host.calls == []


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("try again", True), ("please retry it", True), ("give it another go", True),
        ("once more please", True), ("can you try that one more time", True), ("try my other card", False),
        ("try", False),
        ("again I can't sign in", False), ("", False), ("yes, do it again", True),
    ],
)  # fmt: skip
def test_what_asks_for_another_try(said: str, again: bool) -> None:
    assert wants_it_again(said) is again


@pytest.mark.parametrize(
    ("said", "yes"),
    [
        ("yes and where is my parcel", True), ("go ahead and pause my boxes too", True), ("yes", False),
        ("ok and where is my parcel", False), ("no and stop asking", False), ("my card and my box", False),
    ],
)  # fmt: skip
def test_a_yes_before_another_request(said: str, yes: bool) -> None:
    assert begins_with_yes(said, PAY) is yes


@pytest.mark.parametrize("outcome", [*get_args(Outcome), None])
async def test_a_hand_off_tells_of_every_outcome(
    bench: Bench, database: Database, outcome: Outcome | None
) -> None:
    lock(bench)
    await bench.chat.start("unlock_account", "unlock my account")
    [attempt] = await bench.attempts()
    async with database.begin() as tx:
        ended = attempts.c.created_at if outcome else None
        change = sa.update(attempts).where(attempts.c.id == attempt.id)
        await tx.execute(change.values(outcome=outcome, finished_at=ended))
    reply = await bench.chat.act("action_hand_off", bench.chat.hear("talk_to_human", "a person please"))
    assert reply.card("handoff")["summary"]
