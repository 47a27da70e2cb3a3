"""The API as /openapi.json describes it, tried by schemathesis on a real port: as anybody, a user, staff and
one of our own processes. Whatever is sent, what comes back is described; what does not fit is refused."""

import asyncio
import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from bot.foundation.ids import new_id
from bot.process.bootstrap import Firstline
from kb_index.domain import Draft
from tests.support.client import user_token
from tests.support.running import Running, running

USER = "usr_ada"
_EXAMPLES = 8
"""Cases of each operation, by each caller who may call it, with data that fits and with data that does not."""
_ENDLESS = {"/api/v1/cases/stream"}
"""Answers that do not end by themselves; tests/escalation has them."""
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
_BRIEF = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@dataclass
class Api:
    """The running app, its description, and what is there to be asked for."""

    app: Running
    document: dict[str, Any]
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)
    staff: dict[str, str] = field(default_factory=dict)

    def headers(self, caller: str) -> dict[str, str]:
        """What proves who calls."""
        if caller == "user":
            return {"Authorization": f"Bearer {user_token(self.app.home, USER)}"}
        if caller == "service":
            return {"Authorization": f"Bearer {self.app.service_token}"}
        return dict(self.staff) if caller == "staff" else {}


@pytest.fixture(scope="module")
def api(
    postgres_url: str, valkey_url: str, encoder_dir, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    from tests.support.databases import fresh_database

    home = tmp_path_factory.mktemp("schemathesis") / "home"
    with (
        fresh_database(postgres_url) as database_url,
        running(home, encoder_dir, database_url, valkey_url) as app,
    ):
        document = requests.get(f"{app.url}/openapi.json", timeout=10).json()
        made = Api(app, document)
        _sign_in(made)
        _furnish(made)
        yield made
        made.session.close()


def _sign_in(api: Api) -> None:
    admin = api.app.do(api.app.firstline.bootstrap_admin())
    assert admin is not None
    session, url = api.session, f"{api.app.url}/api/v1/session"
    first = session.post(url, json={"email": "admin@firstline.local", "password": admin.password}, timeout=10)
    changed = session.post(
        f"{url}/password",
        json={"current": admin.password, "new": "a long walk on the beach 71"},
        headers={"X-CSRF-Token": first.json()["csrf"]},
        timeout=10,
    )
    assert changed.status_code == 200, changed.text
    api.staff = {
        "Cookie": f"firstline_session={session.cookies['firstline_session']}",
        "X-CSRF-Token": changed.json()["csrf"],
    }


def _furnish(api: Api) -> None:
    """Make one of each thing that paths name, so that they lead somewhere."""
    user, base = api.headers("user"), api.app.url
    conversation = requests.post(f"{base}/api/v1/conversations", json={}, headers=user, timeout=10).json()[
        "id"
    ]
    case = requests.post(
        f"{base}/api/v1/conversations/{conversation}/handoff", json={}, headers=user, timeout=20
    ).json()["case"]
    staff = api.app.do(_furniture(api.app.firstline))
    api.things = {
        "/api/v1/conversations/{id}": {"id": conversation},
        "/api/v1/review/conversations/{id}": {"id": conversation},
        "/api/v1/cases/{id}": {"id": case},
        "/api/v1/articles/{id}": {"id": "a-known-article", "number": "1", "question": new_id("kqu")},
        "/help/{id}": {"id": "a-known-article"},
        "/api/v1/staff/{id}": {"id": staff},
        "/api/v1/hosts/{host}": {"host": "kettle"},
    }


async def _furniture(firstline: Firstline) -> str:
    draft = Draft(
        "A known article", "general", "en", "# Known\n\nText of it.", "", "everyone", (), (), (), None
    )
    await firstline.articles.create("a-known-article", draft, by="test")
    await firstline.articles.publish("a-known-article", by="test")
    staff, _ = await firstline.staff.create(
        email="second@example.com", name="Second", roles=frozenset({"agent"}), by="test"
    )
    await asyncio.sleep(0)
    return staff.id


def _operations(api: Api, caller: str) -> Iterator[tuple[Any, bool]]:
    """Operations with whether `caller` may call them."""
    document = copy.deepcopy(api.document)
    wanted: dict[tuple[str, str], set[str]] = {}
    # Who calls is settled here; left in, schemathesis would make credentials up.
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            wanted[path, method] = {name for one in described.pop("security") for name in one}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in _ENDLESS:
            admitted = wanted[operation.path, operation.method]
            yield operation, not admitted or caller in admitted


def _known(api: Api, path: str) -> dict[str, str] | None:
    found = [things for prefix, things in api.things.items() if path.startswith(prefix)]
    if not found:
        return None
    return {name: value for name, value in found[0].items() if f"{{{name}}}" in path}


def _try(api: Api, operation: Any, caller: str, mode: GenerationMode, examples: int) -> list[str]:
    found: list[str] = []
    # With ids of what is there, and with others.
    for known in filter(lambda one: one is not None, (_known(api, operation.path), {})):

        @seed(4711)
        @settings(_BRIEF, max_examples=examples)
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
        def attempt(case: Any) -> None:
            _call(api, case, caller)

        try:
            attempt()
        except FailureGroup as error:
            found.append(f"{caller} {operation.label}: {error}")
        except Unsatisfiable:
            # There is nothing about this operation that could be wrong.
            assert mode is GenerationMode.NEGATIVE
    return found


def _call(api: Api, case: Any, caller: str) -> None:
    if isinstance(case.query.get("wait"), int | float) and not isinstance(case.query["wait"], bool):
        case.query["wait"] = 0 if case.query["wait"] >= 0 else -1
    response = case.call(base_url=api.app.url, headers=api.headers(caller), timeout=20)
    case.validate_response(response, checks=_CHECKS)


# Schemathesis draws from `random` in its strategies; Hypothesis seeds that too.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.parametrize("caller", ["anybody", "user", "service", "staff"])
def test_what_comes_back_is_what_is_described(api: Api, caller: str) -> None:
    load_all_checks()
    found: list[str] = []
    for operation, may in _operations(api, caller):
        modes = itertools.product(
            (GenerationMode.POSITIVE, GenerationMode.NEGATIVE), [_EXAMPLES if may else 1]
        )
        for mode, examples in modes:
            found += _try(api, operation, caller, mode, examples)
    assert not found, "\n\n".join(found)
