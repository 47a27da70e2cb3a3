"""Browsers that staff have signed in with before: guessing by strangers does not count against them.

A successful sign-in leaves a cookie with 256 random bits; only their SHA-256 is stored, bound to the account.
The secret is new at every sign-in. A password change, a reset and disabling the account forget its devices.
The pattern is OWASP's "device cookies" against lock-out by guessing.
"""

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import UtcDateTime, metadata
from foundation.ids import StaffId
from security.identity.cookie_secrets import hash_secret
from security.identity.storage import staff

LIFETIME = timedelta(days=180)
"""Since the last sign-in."""
MOST = 50
"""Devices of an account; beyond these the ones not used longest are forgotten."""
_LONGEST = 100

devices = sa.Table(
    "staff_devices",
    metadata,
    sa.Column("id", sa.Text, nullable=False, comment="SHA-256 of the cookie's secret"),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False, index=True),
    sa.PrimaryKeyConstraint("id", "staff_id"),
)


async def known_device(tx: AsyncConnection, secret: str | None, email: str, now: datetime) -> str | None:
    """Return the id of the device with this secret when the account of `email` has used it; else None."""
    if not secret or len(secret) > _LONGEST:
        return None
    query = (
        sa.select(devices.c.id)
        .join(staff, staff.c.id == devices.c.staff_id)
        .where(
            devices.c.id == hash_secret(secret), devices.c.used_at > now - LIFETIME, staff.c.email == email
        )
    )
    found: str | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def remember_device(tx: AsyncConnection, staff_id: StaffId, secret: str | None, now: datetime) -> str:
    """Bind this browser to the account and return its new secret.

    What else the old `secret` was bound to (colleagues at the same browser) moves along, so that the old one
    is worth nothing any more, wherever it came from.
    """
    fresh = secrets.token_urlsafe(32)
    if secret and len(secret) <= _LONGEST:
        await tx.execute(
            devices.update().where(devices.c.id == hash_secret(secret)).values(id=hash_secret(fresh))
        )
    await tx.execute(
        insert(devices)
        .values(id=hash_secret(fresh), staff_id=staff_id, created_at=now, used_at=now)
        .on_conflict_do_update(index_elements=["id", "staff_id"], set_={"used_at": now})
    )
    await _drop_old(tx, staff_id, now)
    return fresh


async def forget_devices(tx: AsyncConnection, staff_id: StaffId) -> None:
    """Forget all devices of an account."""
    await tx.execute(devices.delete().where(devices.c.staff_id == staff_id))


async def _drop_old(tx: AsyncConnection, staff_id: StaffId, now: datetime) -> None:
    kept = (
        sa.select(devices.c.id)
        .where(devices.c.staff_id == staff_id)
        .order_by(devices.c.used_at.desc(), devices.c.id)
        .limit(MOST)
    )
    await tx.execute(
        devices.delete().where(
            sa.or_(
                devices.c.used_at <= now - LIFETIME,
                sa.and_(devices.c.staff_id == staff_id, devices.c.id.not_in(kept)),
            )
        )
    )
