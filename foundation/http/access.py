"""Who may call. Every endpoint states its access; there is no default."""

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from foundation.callers import ANONYMOUS, Caller
from foundation.errors import Forbidden, Unauthenticated
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
class Access:
    """The decision on who may call an endpoint; made with the named constructors only."""

    kinds: frozenset[str]
    roles: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def public(cls) -> "Access":
        """Anybody."""
        return cls(frozenset({"public"}))

    @classmethod
    def user(cls) -> "Access":
        """A user of a host application."""
        return cls(frozenset({"user"}))

    @classmethod
    def staff(cls, *roles: str) -> "Access":
        """Staff with any of `roles` (admin always); any staff when no role is named."""
        return cls(frozenset({"staff"}), frozenset(roles))

    @classmethod
    def user_or_staff(cls, *roles: str) -> "Access":
        """A user, or staff as in `staff`."""
        return cls(frozenset({"user", "staff"}), frozenset(roles))

    @classmethod
    def local(cls) -> "Access":
        """Anybody on this machine's loopback interface, but nobody whom a proxy forwards."""
        return cls(frozenset({"local"}))

    @classmethod
    def service(cls) -> "Access":
        """Our own processes."""
        return cls(frozenset({"service"}))

    def describe(self) -> str:
        """Say in words who may call."""
        kinds = " or ".join(sorted(self.kinds))
        return f"{kinds} ({', '.join(sorted(self.roles | {'admin'}))})" if self.roles else kinds

    async def admit(self, request: web.Request, authenticator: Authenticator) -> Caller:
        """Return the caller when they may call.

        Raises:
            Unauthenticated: when nobody provable calls.
            Forbidden: when somebody known calls who may not.
        """
        if "public" in self.kinds:
            return ANONYMOUS
        if "local" in self.kinds:
            if not is_local(request):
                raise Forbidden(
                    "This address answers only on the machine itself, and not through a proxy.",
                    hint="Call it there by 127.0.0.1 or localhost.",
                )
            return ANONYMOUS
        caller = await self._identify(request, authenticator)
        if caller is None:
            raise Unauthenticated("You are not signed in.", hint=_hint(self.kinds))
        if caller.kind == "staff":
            if self.roles and not caller.roles & (self.roles | {"admin"}):
                raise Forbidden(
                    "Your role may not do this.", hint=f"It takes one of: {', '.join(sorted(self.roles))}."
                )
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                await authenticator.check_csrf(request, caller)
        return caller

    async def _identify(self, request: web.Request, authenticator: Authenticator) -> Caller | None:
        if "service" in self.kinds and (caller := await authenticator.service(request)):
            return caller
        has_bearer = request.headers.get("Authorization", "").lower().startswith("bearer ")
        if "user" in self.kinds and (has_bearer or "staff" not in self.kinds):
            return await authenticator.user(request)
        if "staff" in self.kinds:
            return await authenticator.staff(request)
        return None


def _hint(kinds: frozenset[str]) -> str:
    if "staff" in kinds and "user" not in kinds:
        return "Sign in with a staff account."
    return "Send the host application's user token as `Authorization: Bearer ...`."
