"""Finds out who calls and asks the authorizer whether they may; no endpoint is called without."""

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from foundation.authorization import (
    UNSEEN,
    Action,
    Anonymous,
    Authorizer,
    LocalCaller,
    Principal,
    Resource,
    Whose,
    principal_of,
)
from foundation.callers import ANONYMOUS, Caller
from foundation.http.peers import is_local


class Authenticator(Protocol):
    """Finds out who calls. Bad or expired credentials raise `Unauthenticated`; none at all give None."""

    async def user(self, request: web.Request) -> Caller | None:
        """The host application's user, from the bearer token."""
        ...

    async def user_from_token(self, token: str) -> Caller:
        """The host application's user, from a token that did not come in a header."""
        ...

    async def staff(self, request: web.Request) -> Caller | None:
        """The staff member, from the session cookie."""
        ...

    async def check_origin(self, request: web.Request) -> None:
        """Refuse (`Forbidden`) a WebSocket by cookie that another site's page opens."""
        ...

    async def service(self, request: web.Request) -> Caller | None:
        """One of our own processes, from the internal bearer token."""
        ...

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        """Refuse (`Forbidden`) an unsafe call by cookie that another site may have caused."""
        ...


@dataclass(frozen=True)
class Admitted:
    """A call that was admitted: who calls, and the question still to be asked of what it is about."""

    caller: Caller
    principal: Principal
    action: Action
    authorizer: Authorizer

    def authorize(self, resource: Resource) -> None:
        """Judge the endpoint's own action again, with what it is about. Raises the denial."""
        self.authorizer.authorize(self.principal, self.action, resource).enforce()


async def admit(
    request: web.Request, authenticator: Authenticator, authorizer: Authorizer, action: Action
) -> Admitted:
    """Return the caller when they may do `action` as such.

    Raises:
        Unauthenticated: when nobody provable calls.
        Forbidden: when somebody known calls who may not.
    """
    kinds = authorizer.who(action).kinds
    caller = await _identify(request, authenticator, kinds)
    principal: Principal = principal_of(caller) if caller else Anonymous()
    if "local" in kinds and is_local(request):
        principal = LocalCaller()
    authorizer.authorize(principal, action, UNSEEN).enforce()
    if caller is not None and caller.kind == "staff" and request.method not in ("GET", "HEAD", "OPTIONS"):
        await authenticator.check_csrf(request, caller)
    return Admitted(caller or ANONYMOUS, principal, action, authorizer)


async def _identify(
    request: web.Request, authenticator: Authenticator, kinds: frozenset[Whose]
) -> Caller | None:
    """Read the credentials of those whom the action is for, and of nobody else."""
    if "public" in kinds:
        return None
    if "service" in kinds and (caller := await authenticator.service(request)):
        return caller
    has_bearer = request.headers.get("Authorization", "").lower().startswith("bearer ")
    if "user" in kinds and (has_bearer or "staff" not in kinds):
        return await authenticator.user(request)
    if "staff" in kinds:
        return await authenticator.staff(request)
    return None
