"""Every check goes through one port, and answers as it did before there was one."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import app.permissions
from app.permissions import house_rules
from escalation.domain import Assignee
from escalation.permissions import CaseAction, case_resource
from foundation.authorization import Action, Resource, Rulebook, StaffMember
from foundation.errors import FirstlineError
from foundation.http.server import ENDPOINTS, build_http
from foundation.ids import StaffId
from tests.app.admission import AsTold, answers, stubbed

BEFORE: dict[str, Any] = json.loads(Path(__file__).with_name("authorization_before.json").read_text())


def member(name: str, *roles: str) -> StaffMember:
    return StaffMember(StaffId(f"stf_{name}"), {"1": "Sam", "2": "Tim", "3": "Ada"}[name], frozenset(roles))


AGENTS = {
    "who has it": member("1", "agent"),
    "another agent": member("2", "agent"),
    "admin": member("3", "admin"),
    "admin who has it": member("1", "admin"),
}
SAM = Assignee(StaffId("stf_1"), "Sam")
CASES = {
    "queued": ("queued", None),
    "assigned": ("assigned", SAM),
    "resolved": ("resolved", SAM),
    "resolved, never claimed": ("resolved", None),
}


async def test_every_route_answers_every_caller_as_before(app_client) -> None:
    endpoints = stubbed(app_client.app[ENDPOINTS].values())
    now = await answers(build_http(endpoints, AsTold(), house_rules(), allowed_origins=frozenset), endpoints)
    before = {route: BEFORE["rows"][row] for route, row in BEFORE["routes"].items()}
    assert {route: now.get(route) for route in before} == before


def asked(action: Action, agent: StaffMember, resource: Resource) -> Any:
    try:
        house_rules().authorize(agent, action, resource).enforce()
    except FirstlineError as error:
        return [error.status, error.code, error.message, error.hint, error.extra]
    return "allowed"


@pytest.mark.parametrize("action", [*BEFORE["desk"]])
def test_every_act_on_a_case_is_answered_as_before(action: str) -> None:
    for state, (status, assignee) in CASES.items():
        contact = SimpleNamespace(host="kettle", ref="u1")
        case: Any = SimpleNamespace(id="cas_1", status=status, assignee=assignee, contact=contact)
        now = {name: asked(CaseAction(action), agent, case_resource(case)) for name, agent in AGENTS.items()}
        assert now == BEFORE["desk"][action][state], (action, state)
