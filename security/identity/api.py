"""HTTP API for signing in and for staff accounts."""

import re
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from foundation.errors import NotFound, Unauthenticated
from foundation.http import Call, Endpoint, NoBody, Reply
from foundation.http.bodies import SMALL_BODY
from foundation.http.endpoints import Handler, render
from foundation.http.fields import id_field
from foundation.http.peers import client_address
from foundation.ids import StaffId, is_id
from security.identity.authentication import COOKIE, DEVICE_COOKIE, HttpAuthenticator
from security.identity.devices import LIFETIME as DEVICE_LIFETIME
from security.identity.directory import StaffDirectory
from security.identity.domain import Role, Session, Staff
from security.identity.permissions import AccountAction
from security.identity.sessions import Sessions, SignedIn, csrf_token

SESSION_PATH = "/api/v1/session"
_TAG = ("staff",)
_ID = {"id": id_field("stf", "the account")}
_SIGN_IN = 4 * 1024
"""Bytes of a body that anybody may send."""
_EMAIL = re.compile(r"^[^\s@]{1,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63})+$")


def _check_email(value: str) -> str:
    if not _EMAIL.match(value):
        raise ValueError("must be an e-mail address")
    return value


def _check_name(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be printable and not blank")
    return value.strip()


_Email = Annotated[str, Field(max_length=254), AfterValidator(_check_email)]
_Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_name)]
_Password = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignInIn(_Strict):
    """An account and its password."""

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: _Password


class PasswordIn(_Strict):
    """The present password (a one-time password also) and the new one."""

    current: _Password
    new: _Password


class NewStaffIn(_Strict):
    """A new account."""

    email: _Email
    name: _Name
    roles: list[Role] = Field(min_length=1, max_length=4)


class StaffChangeIn(_Strict):
    """What to change; what is left out stays."""

    name: _Name | None = None
    roles: list[Role] | None = Field(default=None, min_length=1, max_length=4)
    disabled: bool | None = None
    reset_password: bool = False


class MeOut(BaseModel):
    """Who is signed in."""

    id: str
    name: str
    email: str
    roles: list[Role]


class SessionOut(BaseModel):
    """The session; `csrf` goes into X-CSRF-Token of every call that changes something."""

    staff: MeOut
    csrf: str
    password_change_required: bool
    expires_at: datetime


class StaffOut(MeOut):
    """An account as admins see it."""

    disabled: bool
    password_change_required: bool
    created_at: datetime
    last_sign_in_at: datetime | None


class StaffListOut(BaseModel):
    """All accounts."""

    staff: list[StaffOut]


class StaffChangedOut(BaseModel):
    """The account after the change; a one-time password is shown only here and only once."""

    staff: StaffOut
    one_time_password: str | None = None


class SecurityApi:
    """Endpoints for staff: their session, and (for admins) accounts."""

    def __init__(
        self, sessions: Sessions, directory: StaffDirectory, authenticator: HttpAuthenticator
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._authenticator = authenticator

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        session, staff = SESSION_PATH, "/api/v1/staff"
        return [
            _endpoint(
                "POST",
                session,
                self.sign_in,
                AccountAction.SIGN_IN,
                "Sign in",
                SessionOut,
                SignInIn,
                max_body=_SIGN_IN,
            ),
            _endpoint(
                "GET",
                session,
                self.show,
                AccountAction.READ_SESSION,
                "Who is signed in, and the CSRF token",
                SessionOut,
            ),
            _endpoint("DELETE", session, self.sign_out, AccountAction.SIGN_OUT, "Sign out", None, status=204),
            _endpoint(
                "POST",
                f"{session}/password",
                self.change_password,
                AccountAction.CHANGE_PASSWORD,
                "Change your password",
                SessionOut,
                PasswordIn,
            ),
            _endpoint("GET", staff, self.list, AccountAction.LIST, "List accounts", StaffListOut),
            _endpoint(
                "POST",
                staff,
                self.create,
                AccountAction.CREATE,
                "Create an account",
                StaffChangedOut,
                NewStaffIn,
                201,
            ),
            _endpoint(
                "PATCH",
                f"{staff}/{{id}}",
                self.change,
                AccountAction.CHANGE,
                "Change, disable or reset an account",
                StaffChangedOut,
                StaffChangeIn,
            ),
        ]

    async def sign_in(self, call: Call) -> web.StreamResponse:
        """Start a session and set its cookie and the device's."""
        await self._authenticator.check_origin(call.request)
        body: SignInIn = call.body
        signed_in = await self._sessions.sign_in(
            body.email,
            body.password.get_secret_value(),
            address=client_address(call.request),
            replaces=call.request.cookies.get(COOKIE),
            device=call.request.cookies.get(DEVICE_COOKIE),
        )
        return self._with_cookies(call, signed_in)

    async def show(self, call: Call) -> SessionOut:
        """Tell who is signed in."""
        secret = call.request.cookies.get(COOKIE, "")
        session = await self._sessions.find(secret)
        if session is None:
            raise Unauthenticated("Your session has ended.", hint="Sign in again.", code="session_ended")
        return _session_out(secret, session)

    async def sign_out(self, call: Call) -> web.StreamResponse:
        """End the session."""
        await self._sessions.end(call.request.cookies.get(COOKIE, ""))
        response = render(Reply(NoBody(), 204), 204)
        response.del_cookie(COOKIE, path="/")
        return response

    async def change_password(self, call: Call) -> web.StreamResponse:
        """Change the password; every other session of the person ends."""
        body: PasswordIn = call.body
        session = await self._sessions.find(call.request.cookies.get(COOKIE, ""))
        if session is None:
            raise Unauthenticated("Your session has ended.", hint="Sign in again.", code="session_ended")
        signed_in = await self._sessions.change_password(
            session,
            body.current.get_secret_value(),
            body.new.get_secret_value(),
            address=client_address(call.request),
            device=call.request.cookies.get(DEVICE_COOKIE),
        )
        return self._with_cookies(call, signed_in)

    async def list(self, call: Call) -> StaffListOut:
        """List accounts."""
        return StaffListOut(staff=[_staff_out(staff) for staff in await self._directory.list()])

    async def create(self, call: Call) -> StaffChangedOut:
        """Create an account."""
        body: NewStaffIn = call.body
        staff, password = await self._directory.create(
            email=body.email, name=body.name, roles=frozenset(body.roles), by=call.caller.id
        )
        return StaffChangedOut(staff=_staff_out(staff), one_time_password=password.password)

    async def change(self, call: Call) -> StaffChangedOut:
        """Change an account."""
        body: StaffChangeIn = call.body
        staff_id = StaffId(call.path["id"])
        if not is_id(staff_id, "stf"):
            raise NotFound("There is no such account.")
        staff = await self._directory.change(
            staff_id,
            by=call.caller.id,
            name=body.name,
            roles=frozenset(body.roles) if body.roles is not None else None,
            disabled=body.disabled,
        )
        if not body.reset_password:
            return StaffChangedOut(staff=_staff_out(staff))
        password = await self._directory.reset_password(staff_id, by=call.caller.id)
        out = _staff_out(staff).model_copy(update={"password_change_required": True})
        return StaffChangedOut(staff=out, one_time_password=password.password)

    def _with_cookies(self, call: Call, signed_in: SignedIn) -> web.StreamResponse:
        response = render(_session_out(signed_in.secret, signed_in.session), 200)
        response.set_cookie(
            COOKIE,
            signed_in.secret,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._authenticator.is_secure(call.request),
            max_age=int(self._sessions.absolute.total_seconds()),
        )
        # Sent to these endpoints alone, and never by another site's page.
        response.set_cookie(
            DEVICE_COOKIE,
            signed_in.device,
            path=SESSION_PATH,
            httponly=True,
            samesite="Strict",
            secure=self._authenticator.is_secure(call.request),
            max_age=int(DEVICE_LIFETIME.total_seconds()),
        )
        return response


def _endpoint(
    method: str,
    path: str,
    handler: Handler,
    action: AccountAction,
    summary: str,
    response: type[BaseModel] | None,
    body: type[BaseModel] | None = None,
    status: int = 200,
    max_body: int = SMALL_BODY,
) -> Endpoint:
    return Endpoint(
        method, path, handler, action, summary, body=body, response=response, status=status, tags=_TAG,
        max_body=max_body, path_fields=_ID if "{id}" in path else {},
    )  # fmt: skip


def _session_out(secret: str, session: Session) -> SessionOut:
    return SessionOut(
        staff=MeOut.model_validate(_me(session.staff)),
        csrf=csrf_token(secret),
        password_change_required=session.staff.must_change,
        expires_at=session.expires_at,
    )


def _me(staff: Staff) -> dict[str, object]:
    return {"id": staff.id, "name": staff.name, "email": staff.email, "roles": sorted(staff.roles)}


def _staff_out(staff: Staff) -> StaffOut:
    return StaffOut.model_validate(
        {
            **_me(staff),
            "disabled": staff.disabled,
            "password_change_required": staff.must_change,
            "created_at": staff.created_at,
            "last_sign_in_at": staff.last_sign_in_at,
        }
    )
