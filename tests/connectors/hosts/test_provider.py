"""The provider against a real Kettle: signed HTTP on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from actions.host import HostRefused, HostUnavailable, UnknownUser
from actions.ports import HostApplication
from connectors.hosts.http import HttpHostApplication, Timeouts
from foundation.errors import InvalidInput
from security.identity.keyring import KeyRing
from tests.support.kettle import KettleProcess

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


def as_port(host: HostApplication) -> HostApplication:
    """The type checker proves that the provider is the port."""
    return host


async def test_reads_all_parts_of_a_user(host: HttpHostApplication) -> None:
    state = await as_port(host).state("usr_ada")
    assert state.ref == "usr_ada"
    assert abs(state.as_of - datetime.now(UTC)) < timedelta(minutes=1)
    assert set(state.parts) == {
        "account", "billing", "orders", "preferences", "features", "exports", "sessions",
        "entitlements", "notifications", "subscription",
    }  # fmt: skip
    assert state.part("account")["locked"] is True


async def test_reads_only_the_parts_asked_for(host: HttpHostApplication) -> None:
    state = await host.state("usr_fay", ["orders", "billing"])
    assert set(state.parts) == {"orders", "billing"}
    assert [order["status"] for order in state.rows("orders")] == ["delayed", "in_transit", "delivered"]


async def test_a_part_that_the_application_has_not_is_left_out(host: HttpHostApplication) -> None:
    assert set((await host.state("usr_ada", ["account", "nothing"])).parts) == {"account"}
    assert (await host.state("usr_ada", ["nothing"])).parts == {}


@pytest.mark.parametrize(
    "ref",
    ["usr_nobody", "../usr_ada", "usr_ada/state", "a b", "ü%2F", ".", "..", "", "x" * 201, "a\x00", "\ud800"],
)
async def test_unknown_users(host: HttpHostApplication, ref: str) -> None:
    with pytest.raises(UnknownUser):
        await host.state(ref)
    with pytest.raises(UnknownUser):
        await host.operations(ref)
    with pytest.raises(UnknownUser):
        await host.run(ref, "unlock_account", {}, idempotency_key="k")


async def test_operations_say_what_is_allowed_and_why_not(host: HttpHostApplication) -> None:
    operations = {operation.name: operation for operation in await host.operations("usr_ada")}
    assert operations["unlock_account"].allowed
    assert operations["unlock_account"].reason is None
    assert not operations["retry_payment"].allowed
    assert operations["retry_payment"].reason == "nothing_due"


async def test_an_operation_changes_the_state_once(host: HttpHostApplication) -> None:
    first = await host.run("usr_ada", "unlock_account", {}, idempotency_key="turn-1")
    assert first.status == "done"
    account = (await host.state("usr_ada", ["account"])).part("account")
    assert (account["locked"], account["failed_sign_ins"]) == (False, 0)
    again = await host.run("usr_ada", "unlock_account", {}, idempotency_key="turn-1")
    assert again == first
    other = await host.run("usr_ada", "unlock_account", {}, idempotency_key="turn-2")
    assert (other.status, other.code) == ("refused", "not_locked")


async def test_one_key_for_two_requests_is_refused(host: HttpHostApplication) -> None:
    await host.run("usr_hana", "refund_invoice", {"number": "INV-3072"}, idempotency_key="k")
    with pytest.raises(HostRefused) as caught:
        await host.run("usr_hana", "refund_invoice", {"number": "INV-3071"}, idempotency_key="k")
    assert caught.value.reason_code == "idempotency_key_reused"


async def test_unknown_operation_is_refused(host: HttpHostApplication) -> None:
    for name in ("make_coffee", "../state", "", "A"):
        with pytest.raises(HostRefused) as caught:
            await host.run("usr_ada", name, {}, idempotency_key="k")
        assert caught.value.reason_code == "unknown_operation"


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 129, "a\nb"])
async def test_a_bad_key_never_leaves(host: HttpHostApplication, key: str) -> None:
    with pytest.raises(InvalidInput):
        await host.run("usr_ada", "unlock_account", {}, idempotency_key=key)


@pytest.mark.parametrize("value", [float("nan"), "\ud800", "a\x00b", object(), {1, 2}])
async def test_parameters_that_are_not_json_never_leave(host: HttpHostApplication, value: object) -> None:
    with pytest.raises(InvalidInput):
        await host.run("usr_ada", "refund_invoice", {"number": value}, idempotency_key="k")


async def test_lookup_by_address(host: HttpHostApplication) -> None:
    assert await host.lookup("Ada@Kettle.Example") == "usr_ada"
    assert await host.lookup("nobody@kettle.example") is None


async def test_tries_again_after_an_error(host: HttpHostApplication, kettle: KettleProcess) -> None:
    kettle.post("/demo/faults", {"rates": {"retry_payment": {"error": 0.5}}, "seed": 1})
    result = await host.run("usr_dev", "retry_payment", {}, idempotency_key="once")
    assert result.status == "done"
    assert kettle.struck() == {"error": 1}
    billing = (await host.state("usr_dev", ["billing"])).part("billing")
    assert billing["last_payment"]["status"] == "paid"


async def test_acts_once_though_the_first_answer_never_came(
    host: HttpHostApplication, kettle: KettleProcess, eventually: Eventually
) -> None:
    kettle.post("/demo/faults", {"rates": {"refund_invoice": {"hang_after": 1.0}}, "hang_seconds": 30})
    call = asyncio.create_task(
        host.run("usr_hana", "refund_invoice", {"number": "INV-3072"}, idempotency_key="refund")
    )

    async def has_struck() -> bool:
        return await asyncio.to_thread(kettle.struck) == {"hang_after": 1}

    await eventually(has_struck)
    kettle.post("/demo/faults", {})
    assert (await call).status == "done"
    other = await host.run("usr_hana", "refund_invoice", {"number": "INV-3072"}, idempotency_key="other")
    assert other.code == "already_refunded"


async def test_a_host_that_only_fails_is_unavailable(
    host: HttpHostApplication, kettle: KettleProcess
) -> None:
    kettle.post("/demo/faults", {"rates": {"state": {"error": 1.0}}})
    with pytest.raises(HostUnavailable) as caught:
        await host.state("usr_ada")
    assert caught.value.reason == "server_error"


async def test_a_lie_shows_in_the_state(host: HttpHostApplication, kettle: KettleProcess) -> None:
    kettle.post("/demo/faults", {"rates": {"unlock_account": {"lie": 1.0}}})
    assert (await host.run("usr_ada", "unlock_account", {}, idempotency_key="k")).status == "done"
    assert (await host.state("usr_ada", ["account"])).part("account")["locked"] is True


async def test_nobody_listening_is_unavailable(kettle: KettleProcess, session: aiohttp.ClientSession) -> None:
    gone = HttpHostApplication(
        "gone", "http://127.0.0.1:9", KeyRing(kettle.keys), session, timeouts=Timeouts(1, 2)
    )
    with pytest.raises(HostUnavailable) as caught:
        await gone.state("usr_ada")
    assert caught.value.reason == "unreachable"


async def test_keys_rotate_without_a_restart(host: HttpHostApplication, kettle: KettleProcess) -> None:
    old = KeyRing(kettle.keys).signing_key()
    KeyRing(kettle.keys).rotate()
    assert KeyRing(kettle.keys).signing_key().kid != old.kid
    assert (await host.state("usr_ada", ["account"])).ref == "usr_ada"


async def test_another_ring_is_refused(
    kettle: KettleProcess, session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ring = KeyRing.create(tmp_path_factory.mktemp("keys") / "kettle.json", "kettle")
    stranger = HttpHostApplication("kettle", kettle.url, ring, session)
    with pytest.raises(HostRefused) as caught:
        await stranger.state("usr_ada")
    assert caught.value.reason_code == "key_unknown"


async def test_no_key_is_unavailable(
    kettle: KettleProcess, session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ring = KeyRing(tmp_path_factory.mktemp("none") / "kettle.json")
    with pytest.raises(HostUnavailable) as caught:
        await HttpHostApplication("kettle", kettle.url, ring, session).state("usr_ada")
    assert caught.value.reason == "no_key"
