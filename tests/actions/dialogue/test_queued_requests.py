"""Two requests in one message."""

from tests.actions.conftest import Bench


async def test_two_requests_in_one_message_are_taken_one_after_the_other(bench: Bench) -> None:
    bench.host.parts["account"].update(locked=True, lock_reason="too_many_attempts", failed_sign_ins=5)
    bench.host.parts["exports"] = [{"id": "exp_1", "kind": "orders", "state": "stuck", "requested_at": None}]
    latest = bench.chat.hear("unlock_account", "it is locked, and the export hangs")
    latest["metadata"]["also"] = ["export_stuck"]
    reply = await bench.chat.act("action_start_workflow", latest)
    assert reply.slots["pending_workflow"] == "unlock_account"
    reply = await bench.chat.yes()
    assert reply.card("resolution")["workflow"] == "unlock_account"
    assert reply.slots["pending_workflow"] == "restart_export"
    assert reply.payloads[-2:] == ["/affirm", "/deny"]
    assert len(bench.host.calls) == 1
    reply = await bench.chat.no()
    assert reply.slots["pending_workflow"] is None
    found = [(a.name, a.intent, a.outcome) for a in await bench.attempts()]
    assert found == [
        ("unlock_account", "unlock_account", "verified"),
        ("restart_export", "export_stuck", "abandoned"),
    ]


async def test_the_second_request_comes_at_once_when_the_first_needs_no_answer(bench: Bench) -> None:
    bench.host.parts["exports"] = [{"id": "exp_1", "kind": "orders", "state": "stuck", "requested_at": None}]
    latest = bench.chat.hear("order_status", "where is my box, and why does my export hang")
    latest["metadata"]["also"] = ["export_stuck", "no_such_intent", "greet"]
    reply = await bench.chat.act("action_start_workflow", latest)
    assert "no orders" in reply.text
    assert reply.slots["pending_workflow"] == "restart_export"


async def test_the_same_trouble_told_twice_is_one_request(bench: Bench) -> None:
    bench.host.parts["account"].update(locked=True, lock_reason="too_many_attempts", failed_sign_ins=5)
    latest = bench.chat.hear("unlock_account", "it is locked, and I forgot my password")
    latest["metadata"]["also"] = ["reset_password", "sign_in_trouble"]
    await bench.chat.act("action_start_workflow", latest)
    assert (await bench.chat.yes()).slots["pending_workflow"] is None
