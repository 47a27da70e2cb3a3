"""Every check goes through one port, and answers as it did before there was one."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import bootstrap
from app.permissions import house_rules
from escalation.domain import Assignee
from escalation.permissions import CaseAction, case_resource
from foundation.authorization import (
    UNSEEN,
    AccessRule,
    Action,
    Anonymous,
    Decision,
    Denial,
    Principal,
    Resource,
    Rulebook,
    StaffMember,
    Who,
    anybody,
)
from foundation.callers import Caller
from foundation.errors import FirstlineError, Forbidden
from foundation.http import Endpoint
from foundation.http.server import ENDPOINTS, build_http
from foundation.ids import StaffId, new_id
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


REFUSED = Denial("test", Forbidden, "Not now.", code="refused_by_the_recorder")
PEOPLE: dict[str, Caller | None] = {
    "Ada": Caller("user", id="kettle:u1", name="Ada", host="kettle", ref="u1"),
    "Ben": Caller("user", id="kettle:u2", name="Ben", host="kettle", ref="u2"),
    "Ada of another host": Caller("user", id="pot:u1", name="Ada", host="pot", ref="u1"),
    "Greta": Caller("staff", id=new_id("stf"), name="Greta", roles=frozenset({"agent"})),
    "Hugo": Caller("staff", id=new_id("stf"), name="Hugo", roles=frozenset({"admin"})),
    "Edda": Caller("staff", id=new_id("stf"), name="Edda", roles=frozenset({"editor"})),
}
BASE = "/api/v1/conversations"


class Recorder:
    """The house's rules, noting what is asked; `closed` refuses whatever has a resource."""

    def __init__(self) -> None:
        self._rules = house_rules()
        self.asked: set[tuple[Action, bool]] = set()
        self.closed = False

    def who(self, action: Action) -> Who:
        return self._rules.who(action)

    def authorize(self, principal: Principal, action: Action, resource: Resource = UNSEEN) -> Decision:
        self.asked.add((action, resource is not UNSEEN))
        if self.closed and resource is not UNSEEN:
            return Decision(REFUSED)
        return self._rules.authorize(principal, action, resource)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(bootstrap, "house_rules", lambda _: made)
    monkeypatch.setattr(bootstrap, "HttpAuthenticator", lambda *_, **__: AsTold(PEOPLE))
    return made


class Talker:
    """Speaks to the application as one of `PEOPLE`."""

    def __init__(self, client, name: str) -> None:
        caller = PEOPLE[name]
        assert caller is not None
        self._client = client
        self.name = name
        self.headers = {"X-Caller": name} | ({"Authorization": "Bearer x"} if caller.kind == "user" else {})

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {**self.headers, "Idempotency-Key": new_id("key")}
        async with self._client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.content_type.endswith("json") else None

    async def socket(self, conversation: str) -> Any:
        """Say hello; the socket with its first answer."""
        opened = await self._client.ws_connect("/api/v1/ws", headers=self.headers)
        token = {"token": self.name} if "Authorization" in self.headers else {}
        await opened.send_json({"type": "hello", "conversation": conversation, **token})
        return opened, await opened.receive_json(timeout=10)


def users_calls(conversation: str) -> list[tuple[str, str, Any]]:
    """Everything that a user can do with a conversation, a notice or an offer by HTTP."""
    one = f"{BASE}/{conversation}"
    return [
        ("GET", one, None),
        ("GET", one + "/events", None),
        ("POST", one + "/messages", {"text": "hello"}),
        ("POST", one + "/typing", {"active": True}),
        ("POST", one + "/feedback", {"about_seq": 1, "helpful": True}),
        ("POST", one + "/handoff", {"text": "a person, please"}),
        ("POST", f"/api/v1/notices/{new_id('ntc')}/seen", None),
        ("POST", f"/api/v1/offers/{new_id('ofr')}/outcome", {"outcome": "dismissed"}),
    ]


def agents_calls(case: str) -> list[tuple[str, str, Any]]:
    """Everything that an agent can do with a case by HTTP."""
    one = f"/api/v1/cases/{case}"
    return [
        ("POST", one + "/claim", {}),
        ("POST", one + "/claim", {"take_over": True}),
        ("POST", one + "/typing", {"active": True}),
        ("POST", one + "/messages", {"text": "hello"}),
        ("POST", one + "/release", None),
        ("POST", one + "/resolve", {"outcome": "solved"}),
    ]


async def begun(client) -> tuple[str, str]:
    """A conversation of Ada's, and its case."""
    ada = Talker(client, "Ada")
    conversation = (await ada.call("POST", BASE, {}))[1]["id"]
    case = (await ada.call("POST", f"{BASE}/{conversation}/handoff", {"text": "a person"}))[1]["case"]
    return conversation, case


async def test_whatever_has_a_resource_is_asked_about_it(recorder: Recorder, app_client) -> None:
    conversation, case = await begun(app_client)
    recorder.asked.clear()
    recorder.closed = True
    ada, greta = Talker(app_client, "Ada"), Talker(app_client, "Greta")
    calls = [(ada, one) for one in users_calls(conversation)] + [(greta, one) for one in agents_calls(case)]
    for who, (method, path, body) in calls:
        status, told = await who.call(method, path, body)
        assert (status, told["code"]) == (403, REFUSED.code), (method, path)
    for who in (ada, greta):
        socket, told = await who.socket(conversation)
        assert (told["type"], told["code"]) == ("problem", REFUSED.code)
        await socket.close()
    with_requirements = {action for action, rule in house_rules() if rule.requirements}
    assert {action for action, about in recorder.asked if about} == with_requirements


async def test_every_frame_of_a_socket_is_asked_about(recorder: Recorder, app_client) -> None:
    conversation, case = await begun(app_client)
    greta = Talker(app_client, "Greta")
    assert (await greta.call("POST", f"/api/v1/cases/{case}/claim", {}))[0] == 200
    for who in (Talker(app_client, "Ada"), greta):
        recorder.closed = False
        socket, welcome = await who.socket(conversation)
        assert welcome["type"] == "welcome"
        recorder.closed = True
        for frame in (
            {"type": "message", "text": "hello", "client_key": new_id("key")},
            {"type": "typing", "active": True},
        ):
            await socket.send_json(frame)
            while (told := await socket.receive_json(timeout=10))["type"] != "problem":
                assert told["type"] in ("event", "typing", "case"), told
            assert told["code"] == REFUSED.code, frame
        await socket.close()


async def test_of_what_is_anothers_the_answer_is_as_if_it_were_not(recorder: Recorder, app_client) -> None:
    conversation, _ = await begun(app_client)
    nothing = new_id("cnv")
    for name in ("Ben", "Ada of another host"):
        stranger = Talker(app_client, name)
        others, missing = users_calls(conversation)[:6], users_calls(nothing)[:6]
        for (method, path, body), (_, gone, _) in zip(others, missing, strict=True):
            theirs = await stranger.call(method, path, body)
            assert theirs == await stranger.call(method, gone, body)
            assert (theirs[0], theirs[1]["code"]) == (404, "not_found"), path
        sockets = [await stranger.socket(one) for one in (conversation, nothing)]
        assert sockets[0][1] == sockets[1][1]
        assert sockets[0][1]["status"] == 404
        for socket, _ in sockets:
            await socket.close()


async def test_no_route_answers_whom_the_authorizer_refuses(app_client) -> None:
    class Closed(Rulebook):
        def authorize(self, principal: Principal, action: Action, resource: Resource = UNSEEN) -> Decision:
            return Decision(REFUSED)

    endpoints = stubbed(app_client.app[ENDPOINTS].values())
    closed = Closed(dict(house_rules()))
    found = await answers(build_http(endpoints, AsTold(), closed, allowed_origins=frozenset), endpoints)
    assert len(found) == len(endpoints)
    for route, row in found.items():
        assert {one[1] for one in row.values()} == {REFUSED.code}, route


async def test_every_action_has_a_rule_and_a_use(recorder: Recorder, app_client) -> None:
    known = {member for kind in Action.__subclasses__() if "tests" not in kind.__module__ for member in kind}
    assert {action for action, _ in house_rules()} == known
    routed = {endpoint.action for endpoint in app_client.app[ENDPOINTS].values()}
    assert known - routed == {CaseAction.TAKE_OVER, CaseAction.FOLLOW}, "no route does this"


class Odd(Action):
    THING = "odd.thing"


def test_what_has_no_rule_is_denied() -> None:
    decision = house_rules().authorize(StaffMember(StaffId("stf_1"), roles=frozenset({"admin"})), Odd.THING)
    assert (decision.allowed, decision.reason) == (False, "no_rule")
    endpoint: Any = SimpleNamespace(action=Odd.THING, method="GET", path="/odd")
    with pytest.raises(ValueError, match=r"odd\.thing"):
        build_http([endpoint], AsTold(), house_rules(), allowed_origins=frozenset)


def test_two_rules_for_one_action_are_refused() -> None:
    rules: dict[Action, AccessRule] = {Odd.THING: AccessRule(anybody())}
    assert Rulebook(rules).authorize(Anonymous(), Odd.THING).allowed
    with pytest.raises(ValueError, match=r"odd\.thing"):
        Rulebook(rules, dict(rules))


def table(rules: Iterable[tuple[Action, AccessRule]], endpoints: Mapping[Any, Endpoint]) -> str:
    """The rules as a Markdown table."""
    lines = ["| action | for | when | routes |", "|---|---|---|---|"]
    for action, rule in sorted(rules):
        routes = sorted(f"`{one.method} {one.path}`" for one in endpoints.values() if one.action is action)
        when = "; ".join(one.text for one in rule.requirements)
        lines.append(f"| {action} | {rule.who.describe()} | {when} | {', '.join(routes)} |")
    return "\n".join(lines) + "\n"


def test_the_documents_have_the_rules(app_client) -> None:
    """When this fails, the difference that pytest shows is what docs/security.md must say."""
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    printed = text.partition("<!-- rules -->\n")[2].partition("<!-- end of rules -->")[0]
    assert printed == table(house_rules(), app_client.app[ENDPOINTS])
