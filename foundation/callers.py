"""Who calls; pure, so that every room's domain may speak of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CallerKind = Literal["anonymous", "user", "staff", "service"]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls the API.

    For a user `host` is the host application's name, `ref` its id of the user and `id` is `host:ref`.
    `expires_at` is when the credentials end, where they do by themselves.
    """

    kind: CallerKind
    id: str = ""
    name: str = ""
    email: str | None = None
    host: str | None = None
    ref: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    expires_at: datetime | None = None


ANONYMOUS = Caller("anonymous")
SERVICE = Caller("service", id="service", name="service")
