"""Who somebody is: staff with roles, and users whom a host application vouches for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from foundation.callers import Caller
from foundation.ids import StaffId

Role = Literal["agent", "editor", "trainer", "admin"]
ROLES: frozenset[str] = frozenset(get_args(Role))
"""agent: cases; editor: articles; trainer: review and training; admin: everything, and staff accounts."""


@dataclass(frozen=True)
class Staff:
    """A member of staff. `must_change` holds while they have only a one-time password."""

    id: StaffId
    email: str
    name: str
    roles: frozenset[str]
    disabled: bool
    must_change: bool
    created_at: datetime
    last_sign_in_at: datetime | None

    def caller(self) -> Caller:
        """This person as the caller of an endpoint."""
        return Caller("staff", id=self.id, name=self.name, email=self.email, roles=self.roles)


@dataclass(frozen=True)
class Session:
    """A signed-in session. Only a hash of its secret is stored; `expires_at` is the absolute end."""

    id: str
    staff: Staff
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class UserIdentity:
    """A user for whom a host application's token vouches until `expires_at`."""

    host: str
    ref: str
    name: str
    email: str | None
    expires_at: datetime

    def caller(self) -> Caller:
        """This user as the caller of an endpoint."""
        return Caller(
            "user",
            id=f"{self.host}:{self.ref}",
            name=self.name,
            email=self.email,
            host=self.host,
            ref=self.ref,
            expires_at=self.expires_at,
        )


@dataclass(frozen=True)
class OneTimePassword:
    """A password to be shown once to the admin; its first use must be to change it."""

    staff_id: StaffId
    email: str
    password: str
