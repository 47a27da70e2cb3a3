"""Signing staff in and out, and their sessions in PostgreSQL."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Forbidden, Unauthenticated, Unprocessable
from foundation.ids import StaffId
from security.identity import storage
from security.identity.cookie_secrets import hash_secret
from security.identity.devices import forget_devices, known_device, remember_device
from security.identity.domain import Session, Staff
from security.identity.passwords import Passwords, check_new
from security.identity.rate_limit import SignInLimits
from security.identity.sources import Source

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=7)
_TOUCH_EVERY = timedelta(minutes=1)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SignedIn:
    """A new session, and the secrets for its cookie and the device's; not stored, nor shown again."""

    secret: str
    session: Session
    device: str

    def __repr__(self) -> str:
        """Show whose it is and never the secret."""
        return f"SignedIn({self.session.staff.id})"


class Sessions:
    """Sessions end after `idle` without use, and after `absolute` in any case."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        limits: SignInLimits,
        clock: Clock,
        *,
        idle: timedelta = IDLE,
        absolute: timedelta = ABSOLUTE,
        own_words: Sequence[str] = (),
    ) -> None:
        """`own_words` are texts that a password here must not rest on, such as this server's address."""
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self._clock = clock
        self._idle = idle
        self.absolute = absolute
        self._own_words = own_words

    async def sign_in(
        self,
        email: str,
        password: str,
        *,
        address: str,
        replaces: str | None = None,
        device: str | None = None,
    ) -> SignedIn:
        """Start a session, always under a new secret; the session `replaces` (a secret) ends.

        `device` is the secret of the browser's device cookie. Unknown, disabled and wrong all give the same
        answer after the same work.

        Raises:
            Unauthenticated: when e-mail and password do not belong together.
            RateLimited: after too many attempts from here.
        """
        email = normal_email(email)
        now = self._clock.now()
        async with self._database.connect() as connection:
            known = await known_device(connection, device, email, now)
        await self._limits.count(address, email, device=known)
        async with self._database.connect() as connection:
            found = await storage.find_credentials(connection, email)
        source = None if known else Source.of(address)
        right = await self._passwords.verify(found[1] if found else None, password, source=source)
        if found is None or not right or found[0].disabled:
            log.warning("sign_in_refused", address=address, staff=found[0].id if found else None)
            raise Unauthenticated(
                "E-mail and password do not belong together.",
                hint="Check both. An admin can reset a password.",
                code="wrong_credentials",
            )
        await self._limits.forgive(address, email, device=known)
        signed_in = await self._start(found[0], found[1], password, replaces, device)
        log.info("signed_in", staff=found[0].id, address=address, known_device=known is not None)
        return signed_in

    async def _start(
        self, staff: Staff, encoded: str, password: str, replaces: str | None, device: str | None
    ) -> SignedIn:
        now = self._clock.now()
        fresh = await self._passwords.hash(password) if self._passwords.is_outdated(encoded) else encoded
        async with self._database.begin() as tx:
            if replaces:
                await storage.delete_session(tx, hash_secret(replaces))
            # The password may have been reset since it was verified; then this sign-in is void.
            current = await storage.update_staff(
                tx, staff.id, now, if_hash=encoded, last_sign_in_at=now, password_hash=fresh
            )
            if current is None:
                raise Unauthenticated("The password has just been changed.", hint="Sign in again.")
            return await self._new_session(tx, current, now, device)

    async def _new_session(
        self, tx: AsyncConnection, staff: Staff, now: datetime, device: str | None
    ) -> SignedIn:
        secret = secrets.token_urlsafe(32)
        session = Session(hash_secret(secret), staff, now, now, now + self.absolute)
        await storage.insert_session(tx, session.id, staff.id, now, session.expires_at)
        return SignedIn(secret, session, await remember_device(tx, staff.id, device, now))

    async def find(self, secret: str) -> Session | None:
        """Return the living session of a cookie's secret, and note that it was used."""
        now = self._clock.now()
        async with self._database.connect() as connection:
            session = await storage.find_session(connection, hash_secret(secret))
        if session is None or session.staff.disabled:
            return None
        if now >= session.expires_at or now >= session.last_seen_at + self._idle:
            await self.end(secret)
            return None
        if now - session.last_seen_at >= _TOUCH_EVERY:
            async with self._database.begin() as tx:
                await storage.touch_session(tx, session.id, now)
        return session

    async def end(self, secret: str) -> None:
        """End a session; of an unknown one, nothing."""
        async with self._database.begin() as tx:
            await storage.delete_session(tx, hash_secret(secret))

    async def change_password(
        self, session: Session, current: str, new: str, *, address: str, device: str | None = None
    ) -> SignedIn:
        """Set a new password, start a new session, end the person's others and forget their other devices.

        Raises:
            Forbidden: when `current` is wrong.
            Unprocessable: when `new` will not do.
            RateLimited: after too many attempts.
        """
        staff = session.staff
        await self._limits.count_change(staff.id, address)
        async with self._database.connect() as connection:
            found = await storage.find_credentials(connection, staff.email)
        if found is None or not await self._passwords.verify(found[1], current):
            log.warning("password_change_refused", staff=staff.id, address=address)
            raise Forbidden("The present password is not right.", code="wrong_password")
        await check_new(new, email=staff.email, name=staff.name, more=self._own_words)
        if current == new:
            raise Unprocessable("The new password is the old one.", code="password_unchanged")
        encoded = await self._passwords.hash(new)
        signed_in = await self._replace_all(staff.id, found[1], encoded, device)
        log.info("password_changed", staff=staff.id, address=address)
        return signed_in

    async def _replace_all(self, staff_id: StaffId, before: str, after: str, device: str | None) -> SignedIn:
        now = self._clock.now()
        async with self._database.begin() as tx:
            staff = await storage.update_staff(
                tx, staff_id, now, if_hash=before, password_hash=after, must_change=False
            )
            if staff is None or staff.disabled:
                raise Unauthenticated("This account was changed meanwhile.", hint="Sign in again.")
            await storage.delete_sessions_of(tx, staff_id)
            await forget_devices(tx, staff_id)
            return await self._new_session(tx, staff, now, device)


def csrf_token(secret: str) -> str:
    """The CSRF token that belongs to a session's secret and to no other."""
    digest = hmac.digest(secret.encode("utf-8", "surrogateescape"), b"firstline csrf v1", "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def normal_email(email: str) -> str:
    """The form in which addresses are stored and compared."""
    return email.strip().lower()
