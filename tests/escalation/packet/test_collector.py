"""What is handed over is complete, and a part that fails does not hold up the case."""

from typing import Any

import pytest

from bot.conversation.domain import Author, NewEvent
from bot.conversation.events import FeedbackPayload
from escalation.domain import StateSnapshot, decide_priority
from escalation.packet.summary import notable
from foundation.errors import NotFound, Unavailable
from foundation.ids import ConversationId, new_id
from tests.escalation.conftest import NOW, Desk

CARD = {
    "type": "article",
    "article_id": "sign-in",
    "version": 3,
    "title": "Signing in",
    "url": "/help/sign-in",
}


async def test_the_packet_holds_everything(room: Desk) -> None:
    conversation = await room.conversation()
    await room.say(conversation.id, "i cant log in, my account is locked", "unlock_account")
    shown = await room.answer(conversation.id, "This may help.", CARD)
    feedback = FeedbackPayload(about_seq=shown, helpful=False)
    await room.conversations.append(conversation.id, NewEvent(Author("user", "Ada"), feedback))
    await room.say(conversation.id, "a person please", "talk_to_person")
    room.attempts.add("workflow", "unlock_account", "failed")
    case = await room.hand_off(conversation.id, reason="workflow_failed")
    packet = (await room.desk.get(case.id)).packet

    assert packet is not None
    assert [(line.author, line.text) for line in packet.transcript if line.type == "message"] == [
        ("user", "i cant log in, my account is locked"),
        ("bot", "This may help."),
        ("user", "a person please"),
    ]
    assert packet.state.as_of == NOW
    assert packet.state.parts is not None
    assert packet.state.parts["account"]["locked"] is True
    assert [(a.name, a.outcome, a.read) for a in packet.attempts] == [
        ("unlock_account", "failed", {"locked": True})
    ]
    assert [(a.article_id, a.version, a.seq, a.helpful) for a in packet.articles] == [
        ("sign-in", 3, shown, False)
    ]
    assert [(t.intent, t.confidence, t.model) for t in packet.turns] == [
        ("unlock_account", 0.87, "model-7"),
        ("talk_to_person", 0.87, "model-7"),
    ]
    assert packet.turns[0].ranking[0] == {"name": "unlock_account", "confidence": 0.87}
    assert packet.model_version == "model-7"
    assert packet.page["url"] == "https://kettle.example/account"
    assert packet.client == {"browser": "Chromium"}
    assert (packet.reason, packet.priority, packet.channel) == ("workflow_failed", "high", "web")
    assert packet.contact.email == "ada@kettle.example"
    assert packet.summary.assistant == "The user asked."
    assert packet.missing == ()


async def test_the_summary_says_what_is_wanted_tried_and_seen_in_one_masked_paragraph(room: Desk) -> None:
    conversation = await room.conversation()
    await room.say(
        conversation.id, "locked out, my password is hunter2 and mail ada@kettle.example", "unlock_account"
    )
    await room.say(conversation.id, "talk to a person", "talk_to_person")
    room.attempts.add("workflow", "unlock_account", "failed")
    case = await room.hand_off(conversation.id, reason="workflow_failed")
    assert case.summary == (
        "Ada wrote “locked out, my password is [secret] and mail [email]” (read as: unlock the account). "
        "A fix did not work. Tried: unlock account failed. "
        "The application shows: account locked; billing status past due; "
        "billing last payment pay_1 status failed."
    )


async def test_a_card_number_where_the_quote_is_cut_does_not_show(room: Desk) -> None:
    for before in range(140, 160):
        conversation = await room.conversation()
        await room.say(conversation.id, "x" * (before - 1) + " 4111111111111111 is my card", None)
        case = await room.hand_off(conversation.id)
        assert "4111" not in case.summary


async def test_the_user_is_told_what_was_handed_over(room: Desk) -> None:
    conversation = await room.conversation()
    await room.say(conversation.id, "help", None)
    await room.answer(conversation.id, "Look here.", CARD)
    room.attempts.add("workflow", "unlock_account", "failed")
    case = await room.hand_off(conversation.id)
    events = await room.conversations.events(conversation.id)
    handoff = next(event for event in events if event.type == "handoff")
    assert handoff.data == {
        "case": case.id,
        "reason": "user_asked",
        "priority": "high",
        "shared": [
            "This conversation.",
            "Your account's state: account, billing.",
            "What was tried: 1 step, with the results.",
            "The help article you were shown.",
            "The page you are on.",
        ],
    }


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ({"silent": True}, "kettle did not answer within 0.2 s"),
        ({"error": Unavailable("The application does not answer.")}, "The application does not answer."),
        ({"error": RuntimeError("secret detail")}, "kettle answered nothing that could be used"),
        ({"error": ConnectionResetError()}, "kettle answered nothing that could be used"),
    ],
)
async def test_with_the_application_down_the_case_is_opened_all_the_same(
    room: Desk, failure: dict[str, Any], words: str
) -> None:
    for name, value in failure.items():
        setattr(room.application, name, value)
    case = await room.open()
    packet = (await room.desk.get(case.id)).packet
    assert packet is not None
    assert packet.state.parts is None
    assert packet.state.problem is not None
    assert packet.state.problem.startswith("The state could not be read")
    assert words in packet.state.problem
    assert "state" in packet.missing
    assert "secret detail" not in str(packet)
    assert "could not be read" in case.summary


async def test_an_unknown_application_and_a_failing_log_are_named(room: Desk) -> None:
    conversation = await room.conversations.start(
        host="other", ref="u", name="Zoe", email=None, channel="web", page={}, client={}
    )
    room.attempts.error = RuntimeError("down")
    case = await room.hand_off(conversation.id)
    packet = (await room.desk.get(case.id)).packet
    assert packet is not None
    assert set(packet.missing) == {"state", "attempts"}
    assert packet.model_version == "model-live"


async def test_odd_state_is_stored_and_a_huge_part_is_left_out(room: Desk) -> None:
    room.application.parts = {
        "account": {"na\x00me": "A\x00da \ud83d", "score": float("nan"), "when": NOW, "deep": [({"a": 1},)]},
        "history": ["x" * 1000] * 100,
    }
    packet = (await room.desk.get((await room.open()).id)).packet
    assert packet is not None
    assert packet.state.parts == {
        "account": {"name": "Ada ?", "score": None, "when": str(NOW), "deep": [[{"a": 1}]]}
    }
    assert packet.missing == ("state: history (too large)",)


async def test_a_long_conversation_is_handed_over_from_its_latest_part(room: Desk) -> None:
    conversation = await room.conversation()
    for number in range(320):
        await room.answer(conversation.id, f"line {number}", None)
    packet = (await room.desk.get((await room.hand_off(conversation.id)).id)).packet
    assert packet is not None
    assert (len(packet.transcript), packet.transcript_from) == (300, 21)
    assert packet.transcript[-1].text == "line 319"


async def test_there_is_no_case_without_a_conversation(room: Desk) -> None:
    with pytest.raises(NotFound):
        await room.desk.prepare(ConversationId(new_id("cnv")), reason="user_asked")


@pytest.mark.parametrize(
    ("reason", "asked", "account", "priority"),
    [
        ("user_asked", "normal", {}, "normal"),
        ("user_asked", "low", {}, "low"),
        ("user_asked", "urgent", {"locked": True}, "urgent"),
        ("user_asked", "normal", {"locked": True}, "high"),
        ("user_asked", "normal", {"password_expired": True}, "high"),
        ("workflow_failed", "low", {}, "high"),
        ("repeated_failure", "urgent", {}, "urgent"),
        ("something_new", "whatever", {}, "normal"),
    ],
)
def test_priority_is_the_most_urgent_of_its_grounds(
    reason: str, asked: str, account: dict[str, bool], priority: str
) -> None:
    assert decide_priority(reason, asked, StateSnapshot(parts={"account": account})) == priority


def test_what_stands_out_in_a_state_is_named() -> None:
    parts = {
        "account": {"locked": False, "email_verified": False, "status": "active"},
        "orders": [{"number": "K-1", "status": "delayed"}, {"number": "K-2", "status": "delivered"}],
        "preferences": {"sync": {"state": "failed"}},
        "exports": [{"id": "exp_1", "state": "stuck"}],
    }
    assert list(notable(parts)) == [
        "account not email verified",
        "orders K-1 status delayed",
        "preferences sync state failed",
        "exports exp_1 state stuck",
    ]
