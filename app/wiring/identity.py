"""Who calls: staff by their sessions, users by their application's tokens, our own parts by their secret."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import redis.asyncio as redis

from app.ops.parts import Secrets
from app.settings import Settings
from app.wiring.single_services import host_keys
from connectors.hosts.registry import HostRegistry
from foundation.clock import Clock
from foundation.database import Database
from security.identity.authentication import HttpAuthenticator
from security.identity.directory import StaffDirectory
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from security.identity.user_tokens import UserTokens


@dataclass(frozen=True)
class Identity:
    """What knows who calls."""

    staff: StaffDirectory
    sessions: Sessions
    authenticator: HttpAuthenticator


def wire_identity(
    settings: Settings,
    secrets: Secrets,
    database: Database,
    cache: "redis.Redis",
    hosts: HostRegistry,
    clock: Clock,
) -> Identity:
    """Build it on the key rings of the applications that are connected."""
    passwords = Passwords()
    own_words = (urlsplit(settings.public_url).hostname or "",)
    sessions = Sessions(database, passwords, SignInLimits(cache), clock, own_words=own_words)
    tokens = UserTokens(host_keys(settings, hosts, clock), clock)
    authenticator = HttpAuthenticator(
        tokens, sessions, service_token=secrets.service_token, public_url=settings.public_url
    )
    return Identity(StaffDirectory(database, passwords, clock), sessions, authenticator)
