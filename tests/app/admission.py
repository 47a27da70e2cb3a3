"""Asks every route, as every kind of caller, whether it admits them; handlers are not run."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from foundation.callers import SERVICE, Caller
from foundation.http import Call, Endpoint
from tests.app.test_routes import concrete


def staff(*roles: str) -> Caller:
    """A member of staff with these roles."""
    return Caller("staff", id="stf_1", name="Sam", roles=frozenset(roles))


CALLERS: dict[str, Caller | None] = {
    "nobody": None,
    "nobody, through a proxy": None,
    "user": Caller("user", id="kettle:u1", name="Ada", host="kettle", ref="u1"),
    "staff without a role": staff(),
    "agent": staff("agent"),
    "editor": staff("editor"),
    "trainer": staff("trainer"),
    "agent and editor": staff("agent", "editor"),
    "admin": staff("admin"),
    "service": SERVICE,
}


class AsTold:
    """An authenticator that takes the header X-Caller at its word, each kind by its own door only."""

    def __init__(self, callers: Mapping[str, Caller | None] = CALLERS) -> None:
        self._callers = callers

    async def user(self, request: web.Request) -> Caller | None:
        return self._of("user", request)

    async def user_from_token(self, token: str) -> Caller:
        caller = self._callers[token]
        assert caller is not None
        return caller

    async def staff(self, request: web.Request) -> Caller | None:
        return self._of("staff", request)

    async def service(self, request: web.Request) -> Caller | None:
        return self._of("service", request)

    async def check_origin(self, request: web.Request) -> None: ...

    async def check_csrf(self, request: web.Request, caller: Caller) -> None: ...

    def _of(self, kind: str, request: web.Request) -> Caller | None:
        caller = self._callers[request.headers["X-Caller"]]
        return caller if caller is not None and caller.kind == kind else None


async def _admitted(_: Call) -> web.Response:
    return web.Response(status=299)


def stubbed(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints as they are declared, with nothing behind them and nothing read but who calls."""
    return [
        replace(one, handler=_admitted, body=None, query=None, path_fields={}, headers=())
        for one in endpoints
    ]


async def answers(app: web.Application, endpoints: Iterable[Endpoint]) -> dict[str, dict[str, Any]]:
    """What each route answers to each caller: "admitted", or status, code, detail and hint of the refusal."""
    found: dict[str, dict[str, Any]] = {}
    async with TestClient(TestServer(app)) as client:
        for endpoint in endpoints:
            row = found.setdefault(f"{endpoint.method} {endpoint.path}", {})
            for name, caller in CALLERS.items():
                headers = {"X-Caller": name}
                if caller is not None and caller.kind in ("user", "service"):
                    headers["Authorization"] = "Bearer x"
                if "proxy" in name:
                    headers["X-Forwarded-For"] = "203.0.113.9"
                answer = await client.request(endpoint.method, concrete(endpoint.path), headers=headers)
                if answer.status == 299:
                    row[name] = "admitted"
                else:
                    told = await answer.json()
                    row[name] = [answer.status, told["code"], told["detail"], told["hint"]]
    return found
