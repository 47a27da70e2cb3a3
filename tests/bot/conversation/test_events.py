"""What events say: read back as written, whatever is stored, and described as it is sent."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from openapi_schema_validator import OAS31Validator

from bot.conversation.domain import ASSISTANT, SYSTEM, Event
from bot.conversation.events import (
    PAYLOADS,
    CaseResolvedPayload,
    FeedbackPayload,
    HandoffPayload,
    KnownPayload,
    MessagePayload,
    NewOwner,
    NoticePayload,
    OfferedChoice,
    OwnerChangedPayload,
    UnknownPayload,
    message,
    read_payload,
)
from bot.conversation.schemas import EventOut, event_out
from foundation.ids import EventId, new_id

CARD = {"type": "step_up", "title": "Confirm that it's you", "url": "/confirm"}
WRITTEN: list[tuple[KnownPayload, dict[str, Any]]] = [
    (
        message("Shall I?", buttons=(OfferedChoice(title="Yes", payload="/affirm"),), card=CARD),
        {
            "text": "Shall I?",
            "buttons": [{"title": "Yes", "payload": "/affirm"}],
            "card": CARD,
            "choice": None,
        },
    ),
    (message("Yes", choice="/affirm"), {"text": "Yes", "buttons": [], "card": None, "choice": "/affirm"}),
    (
        NoticePayload(notice="ntc_1", text="Put right.", card=None),
        {"notice": "ntc_1", "text": "Put right.", "card": None},
    ),
    (
        OwnerChangedPayload(owner=NewOwner(kind="agent", name="Sam"), epoch=3, reason="claimed"),
        {"owner": {"kind": "agent", "name": "Sam"}, "epoch": 3, "reason": "claimed"},
    ),
    (
        HandoffPayload(case="cas_1", reason="user_asked", priority="high", shared=("This.",)),
        {"case": "cas_1", "reason": "user_asked", "priority": "high", "shared": ["This."]},
    ),
    (CaseResolvedPayload(case="cas_1", outcome="solved"), {"case": "cas_1", "outcome": "solved"}),
    (
        CaseResolvedPayload(case="cas_1", outcome="solved", note="Look."),
        {"case": "cas_1", "outcome": "solved", "note": "Look."},
    ),
    (
        FeedbackPayload(about_seq=4, helpful=False, comment=None),
        {"about_seq": 4, "helpful": False, "comment": None},
    ),
]
OLD: list[tuple[str, dict[str, Any]]] = [
    ("feedback", {"about_seq": 4, "helpful": True}),
    ("notice", {"notice": "ntc_1", "text": "", "card": None, "buttons": [], "choice": None}),
    ("message", {"text": "hi", "buttons": [], "card": None, "choice": None, "language": "en"}),
]
"""Rows that earlier versions, and the erasing of a user, left; and one with a field of a later version."""
UNREADABLE: list[tuple[str, dict[str, Any]]] = [
    ("reaction", {"about_seq": 4, "emoji": "+1"}),
    ("message", {"version": 2, "parts": [{"text": "hi"}]}),
    ("message", {"version": "two", "text": "hi", "buttons": [], "card": None, "choice": None}),
    ("message", {"text": None}),
    ("owner_changed", {}),
]


def _event(payload: KnownPayload | UnknownPayload) -> Event:
    return Event(EventId("evt_1"), "cnv_1", 1, SYSTEM, payload, None, None, datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def described() -> OAS31Validator:
    schema = EventOut.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas = {**schema.pop("$defs"), "EventOut": schema}
    return OAS31Validator({"$ref": "#/components/schemas/EventOut", "components": {"schemas": schemas}})


def test_the_set_of_types_is_the_type_checkers_too() -> None:
    assert set(get_args(KnownPayload)) == set(PAYLOADS) == {type(payload) for payload, _ in WRITTEN}
    assert len({payload.type for payload in PAYLOADS}) == len(PAYLOADS)


@pytest.mark.parametrize(("payload", "stored"), WRITTEN)
def test_what_is_written_is_stored_as_ever_and_read_back_the_same(
    payload: KnownPayload, stored: dict[str, Any]
) -> None:
    assert payload.stored() == stored
    assert read_payload(payload.type, stored) == payload


@pytest.mark.parametrize(("type_", "stored"), OLD)
def test_old_rows_are_read_and_sent_unchanged(type_: str, stored: dict[str, Any]) -> None:
    event = _event(read_payload(type_, stored))
    assert not isinstance(event.payload, UnknownPayload)
    assert (event.type, event.data) == (type_, stored)


@pytest.mark.parametrize(("type_", "stored"), UNREADABLE)
def test_what_cannot_be_read_stops_no_reader(type_: str, stored: dict[str, Any]) -> None:
    event = _event(read_payload(type_, stored))
    assert isinstance(event.payload, UnknownPayload)
    assert (event.type, event.text, event_out(event).data) == (type_, "", stored)


def test_payloads_are_never_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        message("hi").text = "ho"  # type: ignore[misc]


@pytest.mark.parametrize(("payload", "_stored"), WRITTEN)
def test_every_event_is_as_the_api_describes_it(
    described: OAS31Validator, payload: KnownPayload, _stored: dict[str, Any]
) -> None:
    sent = event_out(_event(payload)).model_dump(mode="json")
    described.validate(sent)
    for wrong in ({**sent, "type": "nothing_of_ours"}, {**sent, "data": {}}):
        assert not described.is_valid(wrong)


def test_the_description_is_a_union_told_apart_by_its_type(
    described: OAS31Validator,
) -> None:
    schemas = described.schema["components"]["schemas"]
    mapping = schemas["EventOut"]["discriminator"]
    assert mapping["propertyName"] == "type"
    assert set(mapping["mapping"]) == {payload.type for payload in PAYLOADS}
    for name, reference in mapping["mapping"].items():
        form = schemas[reference.rpartition("/")[2]]
        assert form["properties"]["type"]["const"] == name
        assert set(form["required"]) == set(EventOut.model_fields)
    assert set(schemas["MessagePayload"]["required"]) == set(MessagePayload.model_fields)


async def test_an_event_of_a_later_version_is_passed_on_between_the_others(room: Any) -> None:
    conversation = await room.begin()
    await room.say(conversation, "hello")
    await room.settle(conversation)
    async with room.conversations.transaction() as tx:
        await tx.execute(
            sa.text(
                "insert into events (id, conversation_id, seq, type, author_kind, payload, at)"
                " values (:id, :conversation, 3, 'reaction', 'user', '{\"emoji\": \"+1\"}', now())"
            ),
            {"id": new_id("evt"), "conversation": conversation.id},
        )
        await tx.execute(sa.text("update conversations set last_seq = 3"))
    events = await room.conversations.events(conversation.id)
    assert [event.type for event in events] == ["message", "message", "reaction"]
    assert events[1].author == ASSISTANT
    assert event_out(events[2]).data == {"emoji": "+1"}
