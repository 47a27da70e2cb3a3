"""Whoever asks for a person, the conversation counts as escalated."""

from app.adapters.recorded_handoffs import RecordedHandoffs
from app.bootstrap import Firstline


async def _hand_over(firstline: Firstline, ref: str) -> str:
    """Press the button for a person before anything was said."""
    conversation = await firstline.conversations.start(
        host="kettle", ref=ref, name="Ada", email=None, channel="web", page={}, client={}
    )
    handoffs = RecordedHandoffs(firstline.desk, firstline.actions.log, firstline.conversations)
    for _ in range(2):
        prepared = await handoffs.prepare(
            conversation.id, reason="user_asked", priority="normal", summary="The user asked for a person."
        )
        async with firstline.conversations.transaction() as tx:
            await firstline.conversations.lock(conversation.id, tx)
            case = await handoffs.open(prepared, tx)
        await handoffs.after_open(case)
    return str(conversation.id)


async def test_a_person_called_by_the_button_alone_is_one_attempt_and_escalated(firstline: Firstline) -> None:
    conversation = await _hand_over(firstline, "usr_ada")
    [attempt] = await firstline.actions.log.for_conversation(conversation)
    assert (attempt.kind, attempt.name, attempt.outcome) == ("handoff", "user_asked", "escalated")
    assert attempt.user_ref == "usr_ada"
    [case] = await firstline.desk.list()
    full = await firstline.desk.get(case.id)
    assert full.packet is not None
    assert [one.outcome for one in full.packet.attempts] == ["escalated"]
