"""Staff accounts: made, changed and locked by admins; there is always one admin left."""

from typing import Any

import structlog

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, NotFound
from foundation.ids import StaffId, new_id
from security.identity import storage
from security.identity.devices import forget_devices
from security.identity.domain import OneTimePassword, Staff
from security.identity.passwords import Passwords, one_time_password
from security.identity.sessions import normal_email

FIRST_ADMIN = "admin@firstline.local"
log = structlog.get_logger(__name__)


class StaffDirectory:
    """All staff accounts."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    async def bootstrap_admin(self) -> OneTimePassword | None:
        """On the very first start create the admin and return the one-time password, once; else None."""
        password = one_time_password()
        async with self._database.begin() as tx:
            if not await storage.first_start(tx):
                return None
            encoded = await self._passwords.hash(password)
            staff_id = StaffId(new_id("stf"))
            await storage.insert_staff(
                tx,
                staff_id=staff_id,
                email=FIRST_ADMIN,
                name="Admin",
                roles=frozenset({"admin", "agent", "editor", "trainer"}),
                password_hash=encoded,
                at=self._clock.now(),
            )
        log.info("first_admin_created", staff=staff_id)
        return OneTimePassword(staff_id, FIRST_ADMIN, password)

    async def create(
        self, *, email: str, name: str, roles: frozenset[str], by: str
    ) -> tuple[Staff, OneTimePassword]:
        """Create an account with a one-time password.

        Raises:
            Conflict: when the address has an account.
        """
        email, password = normal_email(email), one_time_password()
        encoded = await self._passwords.hash(password)
        async with self._database.begin() as tx:
            staff = await storage.insert_staff(
                tx,
                staff_id=StaffId(new_id("stf")),
                email=email,
                name=name,
                roles=roles,
                password_hash=encoded,
                at=self._clock.now(),
            )
        if staff is None:
            raise Conflict("This address has an account already.", code="email_taken")
        log.info("staff_created", staff=staff.id, by=by, roles=sorted(roles))
        return staff, OneTimePassword(staff.id, email, password)

    async def list(self) -> list[Staff]:
        """Return all accounts, oldest first."""
        async with self._database.connect() as connection:
            return await storage.list_staff(connection)

    async def find_by_email(self, email: str) -> Staff | None:
        """Return the account of an address, or None."""
        async with self._database.connect() as connection:
            found = await storage.find_credentials(connection, normal_email(email))
        return found[0] if found else None

    async def change(
        self,
        staff_id: StaffId,
        *,
        by: str,
        name: str | None = None,
        roles: frozenset[str] | None = None,
        disabled: bool | None = None,
    ) -> Staff:
        """Change what is given; disabling ends all sessions of the person and forgets their devices.

        Raises:
            NotFound: when there is no such account.
            Conflict: when no admin would be left.
        """
        wanted = {"name": name, "roles": sorted(roles) if roles is not None else None, "disabled": disabled}
        changes: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
        async with self._database.begin() as tx:
            admins = await storage.lock_admins(tx)
            staff = await storage.update_staff(tx, staff_id, self._clock.now(), **changes)
            if staff is None:
                raise NotFound("There is no such account.")
            stays_admin = "admin" in staff.roles and not staff.disabled
            if admins == {staff_id} and not stays_admin:
                raise Conflict(
                    "This is the last admin.", hint="Make somebody else admin first.", code="last_admin"
                )
            if staff.disabled:
                await storage.delete_sessions_of(tx, staff_id)
                await forget_devices(tx, staff_id)
        log.info("staff_changed", staff=staff_id, by=by, changed=sorted(changes))
        return staff

    async def reset_password(self, staff_id: StaffId, *, by: str) -> OneTimePassword:
        """Give an account a one-time password, end all its sessions and forget its devices.

        Raises:
            NotFound: when there is no such account.
        """
        password = one_time_password()
        encoded = await self._passwords.hash(password)
        async with self._database.begin() as tx:
            staff = await storage.update_staff(
                tx, staff_id, self._clock.now(), password_hash=encoded, must_change=True
            )
            if staff is None:
                raise NotFound("There is no such account.")
            await storage.delete_sessions_of(tx, staff_id)
            await forget_devices(tx, staff_id)
        log.info("password_reset", staff=staff_id, by=by)
        return OneTimePassword(staff_id, staff.email, password)
