"""Finds out who calls: the host's bearer token, the staff's session cookie, or our own internal token."""

import hmac
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from foundation.callers import SERVICE, Caller
from foundation.errors import Forbidden, Unauthenticated
from foundation.http.peers import is_https
from security.identity.sessions import Sessions, csrf_token
from security.identity.user_tokens import UserTokens

COOKIE = "firstline_session"
DEVICE_COOKIE = "firstline_device"
CSRF_HEADER = "X-CSRF-Token"
SESSION_PATHS = frozenset({"/api/v1/session", "/api/v1/session/password"})
"""What somebody with a one-time password may call."""
log = structlog.get_logger(__name__)


class HttpAuthenticator:
    """Implements `foundation.http.Authenticator`."""

    def __init__(
        self, tokens: UserTokens, sessions: Sessions, *, service_token: str, public_url: str | None = None
    ) -> None:
        if len(service_token) < 16:
            raise ValueError("the internal service token is too short")
        self._tokens = tokens
        self._sessions = sessions
        self._service_token = service_token.encode()
        self.public_origin = _origin(public_url) if public_url else None

    async def user(self, request: web.Request) -> Caller | None:
        """The host application's user, from the bearer token; None when there is none."""
        token = _bearer(request)
        return await self.user_from_token(token) if token is not None else None

    async def user_from_token(self, token: str) -> Caller:
        """The host application's user, from a token that did not come in a header."""
        return self._tokens.verify(token).caller()

    async def staff(self, request: web.Request) -> Caller | None:
        """The staff member, from the session cookie; None when there is none.

        Raises:
            Unauthenticated: when the session has ended.
            Forbidden: code `password_change_required`, while only a one-time password is set.
        """
        secret = request.cookies.get(COOKIE)
        if not secret:
            return None
        session = await self._sessions.find(secret)
        if session is None:
            raise Unauthenticated("Your session has ended.", hint="Sign in again.", code="session_ended")
        if session.staff.must_change and request.path not in SESSION_PATHS:
            raise Forbidden(
                "Change your one-time password first.",
                hint="POST /api/v1/session/password with `current` and `new`.",
                code="password_change_required",
            )
        return session.staff.caller()

    async def service(self, request: web.Request) -> Caller | None:
        """One of our own processes, from the internal bearer token."""
        token = _bearer(request)
        if token is None:
            return None
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._service_token):
            raise Unauthenticated("The internal token is wrong.", code="wrong_service_token")
        return SERVICE

    async def check_origin(self, request: web.Request) -> None:
        """Refuse (`Forbidden`) a call that a page of another site makes; callers without a page pass."""
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get("Origin")
        ours = origin is None or self._is_ours(origin, request)
        if not ours or (site not in ("same-origin", "none") and origin is None):
            log.warning("cross_site_refused", path=request.path)
            raise Forbidden(
                "Another site's page may not do this.",
                hint="Use Firstline's own pages; behind a proxy, set the public URL.",
                code="cross_site",
            )

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        """Refuse (`Forbidden`) an unsafe call by cookie without the session's CSRF token."""
        await self.check_origin(request)
        expected = csrf_token(request.cookies.get(COOKIE, ""))
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode()):
            log.warning("csrf_refused", path=request.path, staff=caller.id)
            raise Forbidden(
                "The CSRF token is missing or wrong.",
                hint=f"Send the `csrf` of GET /api/v1/session as {CSRF_HEADER}.",
                code="csrf",
            )

    def is_secure(self, request: web.Request) -> bool:
        """Tell whether the browser reaches us over https, so that cookies may be bound to it."""
        return is_https(request) or (self.public_origin or "").startswith("https:")

    def _is_ours(self, origin: str, request: web.Request) -> bool:
        if self.public_origin is not None and origin == self.public_origin:
            return True
        return origin == f"{'https' if is_https(request) else 'http'}://{request.host}"


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("the public URL must be http:// or https://")
    return f"{parts.scheme}://{parts.netloc}"
