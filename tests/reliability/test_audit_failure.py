"""A person is reached though the audit log cannot be written, and the operator is told that it cannot."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestClient

from app.bootstrap import Firstline
from connectors.hosts.demo.keys import KeyFile, mint_token
from tests.app.conftest import app_client, firstline, overrides
from tests.reliability.conftest import Note
from tests.security.audit.test_audit_gaps import FORGED

__all__ = ["app_client", "firstline", "overrides"]
Break = Callable[[Firstline], Awaitable[None]]


async def corrupt_key(firstline: Firstline) -> None:
    (firstline.settings.audit_keys / "signing.pem").write_text("nonsense")


async def forged_row(firstline: Firstline) -> None:
    async with firstline.database.begin() as tx:
        await tx.execute(sa.text(FORGED))


@pytest.mark.parametrize("broken", [corrupt_key, forged_row])
async def test_a_person_is_reached_whatever_became_of_the_audit_log(
    app_client: TestClient[Any, Any], firstline: Firstline, broken: Break, figure: Note
) -> None:
    await broken(firstline)
    async with app_client.get("/readyz") as answer:
        assert (await answer.json())["parts"]["audit"] == "down"
    ring = KeyFile(firstline.settings.host_keys / "kettle.json")
    token, _ = mint_token(ring, ref="usr_ada", name="Ada", email="ada@kettle.example")
    headers = {"Authorization": f"Bearer {token}"}
    async with app_client.post("/api/v1/conversations", json={}, headers=headers) as answer:
        conversation = (await answer.json())["id"]
    path = f"/api/v1/conversations/{conversation}/handoff"
    async with app_client.post(path, json={}, headers=headers) as answer:
        status = answer.status
    assert status in (200, 201)
    assert len(await firstline.desk.list()) == 1
    [attempt] = await firstline.actions.log.for_conversation(conversation)
    assert attempt.outcome == "escalated", "the hand-off is in the log, and waits to be entered where it must"
    figure(
        fault=f"audit log: {broken.__name__.replace('_', ' ')}",
        measure="asking for a person",
        before="503, no case",
        after=f"{status}, a case; /readyz names the audit log",
    )
