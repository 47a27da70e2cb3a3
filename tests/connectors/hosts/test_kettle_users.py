"""Throw-away users of Kettle in any state, and who its users are."""

from typing import Any

import aiohttp
import pytest

from connectors.hosts.demo.sample import SAMPLES
from connectors.hosts.http import HttpHostApplication
from tests.support.kettle import KettleProcess


async def call(kettle: KettleProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{kettle.url}/demo/users{path}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def make(kettle: KettleProcess, like: str = "hana", **state: Any) -> str:
    status, made = await call(kettle, "POST", "", {"like": like, "state": state})
    assert status == 201, made
    return str(made["ref"])


async def state_of(kettle: KettleProcess, ref: str) -> Any:
    return (await call(kettle, "GET", f"/{ref}"))[1]["state"]


ANY_STATE: list[dict[str, Any]] = [
    {"account": {"locked": True, "failed_sign_ins": 7, "password_expired": True}},
    {"account": {"second_factor": {"enabled": True, "lost_device": True}}},
    {"billing": {"status": "past_due", "last_payment": {"failure_code": "card_declined"}}},
    {"billing": {"payment_method": {"kind": "Visa", "last4": "4242", "expires": "2024-01"}}},
    {
        "orders": [
            {"number": "K-1", "status": "lost", "items": ["Tea"]},
            {"number": "K-2", "status": "delayed"},
        ]
    },
    {"preferences": {"saved": {"grind": "filter"}, "sync": {"state": "failed", "error": "timeout"}}},
    {"features": {"gift_boxes": False}, "entitlements": {"roast_radar": True}},
    {"exports": [{"id": "exp_1", "kind": "invoices", "state": "stuck"}]},
    {"notifications": {"email": {"state": "bounced"}, "sms": {"enabled": True, "state": "unverified"}}},
    {"subscription": {"shown_plan": "Old Plan", "migration": {"state": "half_applied", "steps_done": 1}}},
]


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "tea.example"},
        {"Host": "localhost.tea.example"},
        {"Host": "[::2]:8081"},
    ],
)
async def test_who_comes_through_a_proxy_of_this_machine_is_not_local(
    kettle: KettleProcess, header: dict[str, str]
) -> None:
    calls = [
        ("POST", "/demo/users"),
        ("POST", "/demo/reset"),
        ("POST", "/demo/faults"),
        ("GET", "/demo/users"),
    ]
    async with aiohttp.ClientSession(headers=header) as session:
        for method, path in calls:
            async with session.request(method, kettle.url + path, json={"like": "hana"}) as answer:
                assert answer.status in (403, 405), path
                assert answer.status == 405 or (await answer.json())["code"] == "loopback_only"


async def test_who_calls_directly_is_local(kettle: KettleProcess) -> None:
    port = kettle.url.rpartition(":")[2]
    async with aiohttp.ClientSession() as session:
        for host in (f"127.0.0.1:{port}", f"LOCALHOST:{port}", "localhost", f"[::1]:{port}"):
            url = f"{kettle.url}/demo/users"
            async with session.post(url, json={"like": "hana"}, headers={"Host": host}) as answer:
                assert answer.status == 201, host


PAUSED = {"subscription": {"state": "paused"}}
STALE = {"subscription": {"shown_plan": "Old Plan"}}


def contains(found: Any, wanted: Any) -> bool:
    """Whether all that was asked for is there."""
    if isinstance(wanted, dict):
        return all(contains(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(any(contains(f, w) for f in found) for w in wanted)
    return bool(found == wanted)


@pytest.mark.parametrize("state", ANY_STATE, ids=lambda state: "-".join(state))
async def test_a_user_is_made_in_any_state_and_shows_it(kettle: KettleProcess, state: dict[str, Any]) -> None:
    ref = await make(kettle, **state)
    found = await state_of(kettle, ref)
    assert contains(found, state), found
    status, _ = await call(kettle, "DELETE", f"/{ref}")
    assert status == 200
    assert (await call(kettle, "GET", f"/{ref}"))[0] == 404


async def test_what_is_not_named_is_as_the_sample_has_it(kettle: KettleProcess) -> None:
    ref = await make(kettle, "fay")
    mine, fays = await state_of(kettle, ref), await state_of(kettle, "usr_fay")
    assert [o["number"] for o in mine["orders"]] == [o["number"] for o in fays["orders"]]
    assert mine["subscription"] == fays["subscription"]


async def test_two_throw_away_users_do_not_touch_each_other(kettle: KettleProcess) -> None:
    one, other = await make(kettle, "dev"), await make(kettle, "dev")
    host_state = await state_of(kettle, other)
    await call(kettle, "PATCH", f"/{one}", {"state": {"billing": {"status": "active"}}})
    assert (await state_of(kettle, one))["billing"]["amount_due_cents"] == 0
    assert await state_of(kettle, other) == host_state


async def test_the_state_can_be_fixed_by_the_operations(
    kettle: KettleProcess, host: HttpHostApplication
) -> None:
    ref = await make(kettle, billing={"status": "past_due"}, account={"locked": True})
    for operation in ("retry_payment", "unlock_account"):
        assert (await host.run(ref, operation, {}, idempotency_key=f"{ref}-{operation}")).status == "done"
    state = await state_of(kettle, ref)
    assert (state["billing"]["status"], state["account"]["locked"]) == ("active", False)
    _, shown = await call(kettle, "GET", f"/{ref}")
    assert [row["operation"] for row in shown["operations"]] == ["retry_payment", "unlock_account"]


async def test_a_bank_that_declines_declines_again(kettle: KettleProcess, host: HttpHostApplication) -> None:
    ref = await make(
        kettle, billing={"status": "past_due", "last_payment": {"failure_code": "insufficient_funds"}}
    )
    result = await host.run(ref, "retry_payment", {}, idempotency_key=f"{ref}-1")
    assert (result.status, result.code) == ("failed", "insufficient_funds")


@pytest.mark.parametrize(
    ("operation", "parameters", "state", "shows"),
    [
        ("refresh_cache", {}, STALE, ("subscription", "shown_plan", "Espresso Club")),
        ("pause_subscription", {"weeks": "2"}, {}, ("subscription", "state", "paused")),
        ("resume_subscription", {}, PAUSED, ("subscription", "state", "active")),
        ("refresh_features", {}, {"features": {"gift_boxes": False}}, ("features", "gift_boxes", True)),
    ],
)  # fmt: skip
async def test_the_operations_on_the_subscription(
    kettle: KettleProcess, host: HttpHostApplication, operation: str, parameters: Any, state: Any, shows: Any
) -> None:
    ref = await make(kettle, **state)
    result = await host.run(ref, operation, parameters, idempotency_key=f"{ref}-1")
    assert result.status == "done", result
    part, name, value = shows
    assert (await state_of(kettle, ref))[part][name] == value
    again = await host.run(ref, operation, parameters, idempotency_key=f"{ref}-2")
    assert again.status == "refused"


async def test_a_lost_order_is_sent_again_once(kettle: KettleProcess, host: HttpHostApplication) -> None:
    ref = await make(kettle, orders=[{"number": "K-90", "status": "lost", "items": ["Tea"]}])
    first = await host.run(ref, "replace_order", {"number": "K-90"}, idempotency_key=f"{ref}-1")
    assert first.status == "done"
    again = await host.run(ref, "replace_order", {"number": "K-90"}, idempotency_key=f"{ref}-2")
    assert (again.status, again.code) == ("refused", "already_replaced")
    orders = {order["number"]: order for order in (await state_of(kettle, ref))["orders"]}
    assert orders["K-90"]["replaced_by"] == first.result["number"]
    assert orders[first.result["number"]]["items"] == ["Tea"]


async def test_a_box_is_skipped_and_not(kettle: KettleProcess, host: HttpHostApplication) -> None:
    ref = await make(kettle)
    for operation, skipped in (("skip_delivery", True), ("unskip_delivery", False)):
        assert (await host.run(ref, operation, {}, idempotency_key=f"{ref}-{operation}")).status == "done"
        assert (await state_of(kettle, ref))["subscription"]["next_delivery"]["skipped"] is skipped


async def test_a_confirmation_lets_a_delicate_operation_through(
    kettle: KettleProcess, host: HttpHostApplication
) -> None:
    ref = await make(kettle, "jon")
    listed = {o.name: o for o in await host.operations(ref)}["sign_out_other_sessions"]
    assert (listed.allowed, listed.reason, listed.confirm_at) == (False, "step_up_required", "/confirm")
    await call(kettle, "POST", f"/{ref}/confirm", {})
    assert (await host.run(ref, "sign_out_other_sessions", {}, idempotency_key=f"{ref}-1")).status == "done"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"like": "nobody"}, "like must be one of ada"),
        ({"like": "hana", "extra": 1}, "'extra' is not known"),
        ({"like": "hana", "state": {"account": {"locket": True}}}, "state.account.locket"),
        ({"like": "hana", "state": {"acount": {}}}, "state.acount"),
        ({"like": "hana", "state": {"account": {"locked": "yes"}}}, "state.account.locked"),
        ({"like": "hana", "state": {"account": {"status": "locked"}}}, "state.account.status"),
        (
            {"like": "hana", "state": {"orders": [{"number": "K-1", "status": "gone"}]}},
            "state.orders.0.status",
        ),
        ({"like": "hana", "state": {"orders": [{"number": "K-1", "status": "lost"}] * 2}}, "two orders"),
        ({"like": "hana", "name": ""}, "name must be"),
        ({"like": 7}, "like must be one of"),
        ([], "must be a JSON object"),
    ],
)
async def test_a_slip_of_the_pen_is_named(kettle: KettleProcess, body: Any, words: str) -> None:
    status, answer = await call(kettle, "POST", "", body)
    assert status == 400
    assert words in answer["message"]


async def test_faults_of_one_user_are_no_faults_of_another(
    kettle: KettleProcess, host: HttpHostApplication
) -> None:
    one, other = await make(kettle), await make(kettle)
    status, _ = await call(kettle, "POST", f"/{one}/faults", {"rates": {"pause_subscription": {"lie": 1}}})
    assert status == 200
    for ref, state in ((one, "active"), (other, "paused")):
        result = await host.run(ref, "pause_subscription", {"weeks": "1"}, idempotency_key=f"{ref}-1")
        assert result.status == "done"
        assert (await state_of(kettle, ref))["subscription"]["state"] == state


async def test_a_sample_user_cannot_be_removed(kettle: KettleProcess) -> None:
    assert (await call(kettle, "DELETE", "/usr_hana"))[0] == 409


async def test_a_token_is_what_a_page_would_get(kettle: KettleProcess) -> None:
    ref = await make(kettle)
    status, made = await call(kettle, "POST", f"/{ref}/token", {})
    assert status == 200
    assert len(made["token"].split(".")) == 3


async def test_all_users_are_told_page_by_page(kettle: KettleProcess, host: HttpHostApplication) -> None:
    refs: list[str] = []
    after = None
    while True:
        page = await host.users(after, 4)
        assert len(page.refs) <= 4
        refs += page.refs
        if page.next is None:
            break
        after = page.next
    assert refs == sorted(set(refs))
    assert {sample.ref for sample in SAMPLES} <= set(refs)


async def test_an_unlisted_user_is_there_and_not_in_the_list(
    kettle: KettleProcess, host: HttpHostApplication
) -> None:
    _, made = await call(kettle, "POST", "", {"like": "hana", "listed": False})
    assert made["ref"] not in (await host.users(None, 500)).refs
    assert (await host.state(made["ref"], ["account"])).part("account")["locked"] is False
