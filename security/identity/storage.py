"""Tables and statements for staff accounts and their sessions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import UtcDateTime, metadata
from foundation.ids import StaffId
from security.identity.domain import ROLES, Session, Staff

_ROLE_LIST = ", ".join(f"'{role}'" for role in sorted(ROLES))

staff = sa.Table(
    "staff",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("last_sign_in_at", UtcDateTime),
    sa.CheckConstraint("email = lower(email)", name="email_lower"),
    sa.CheckConstraint(f"roles <@ array[{_ROLE_LIST}]", name="roles_known"),
)

sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="SHA-256 of the cookie's secret"),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

_FIRST_START = 7_243_101
"""Key of the advisory lock under which the first admin is created."""


def to_staff(row: Any) -> Staff:
    """Read a row of `staff`, the hash left out."""
    return Staff(
        row.id,
        row.email,
        row.name,
        frozenset(row.roles),
        row.disabled,
        row.must_change,
        row.created_at,
        row.last_sign_in_at,
    )


async def insert_staff(
    tx: AsyncConnection,
    *,
    staff_id: StaffId,
    email: str,
    name: str,
    roles: frozenset[str],
    password_hash: str,
    at: datetime,
) -> Staff | None:
    """Insert an account that must change its password; None when the address is taken."""
    statement = (
        insert(staff)
        .values(
            id=staff_id,
            email=email,
            name=name,
            roles=sorted(roles),
            password_hash=password_hash,
            must_change=True,
            disabled=False,
            created_at=at,
            updated_at=at,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(staff)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_staff(row) if row else None


async def find_staff(tx: AsyncConnection, staff_id: StaffId, *, lock: bool = False) -> Staff | None:
    """Read one account."""
    query = sa.select(staff).where(staff.c.id == staff_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return to_staff(row) if row else None


async def find_credentials(tx: AsyncConnection, email: str) -> tuple[Staff, str] | None:
    """Read an account and its password hash by e-mail (lower case)."""
    row = (await tx.execute(sa.select(staff).where(staff.c.email == email))).one_or_none()
    return (to_staff(row), row.password_hash) if row else None


async def list_staff(tx: AsyncConnection) -> list[Staff]:
    """Read all accounts, oldest first."""
    return [to_staff(row) for row in await tx.execute(sa.select(staff).order_by(staff.c.id))]


async def update_staff(
    tx: AsyncConnection, staff_id: StaffId, at: datetime, *, if_hash: str | None = None, **values: Any
) -> Staff | None:
    """Change columns of an account; with `if_hash` only while that is its password hash."""
    statement = staff.update().where(staff.c.id == staff_id).values(updated_at=at, **values).returning(staff)
    if if_hash is not None:
        statement = statement.where(staff.c.password_hash == if_hash)
    row = (await tx.execute(statement)).one_or_none()
    return to_staff(row) if row else None


async def lock_admins(tx: AsyncConnection) -> set[str]:
    """Return the ids of the admins who can sign in, and hold them, so that two changes take turns."""
    query = (
        sa.select(staff.c.id)
        .where(staff.c.roles.contains(["admin"]), sa.not_(staff.c.disabled))
        .order_by(staff.c.id)
        .with_for_update()
    )
    return set((await tx.execute(query)).scalars())


async def first_start(tx: AsyncConnection) -> bool:
    """Tell whether there is no account at all, holding off other processes that ask the same."""
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_START)))
    return (await tx.execute(sa.select(staff.c.id).limit(1))).one_or_none() is None


async def insert_session(
    tx: AsyncConnection, session_id: str, staff_id: StaffId, at: datetime, expires_at: datetime
) -> None:
    """Insert a session, and drop those of anybody that have ended."""
    await tx.execute(sessions.delete().where(sessions.c.expires_at < at))
    await tx.execute(
        sessions.insert().values(
            id=session_id, staff_id=staff_id, created_at=at, last_seen_at=at, expires_at=expires_at
        )
    )


async def find_session(tx: AsyncConnection, session_id: str) -> Session | None:
    """Read a session and whose it is."""
    query = (
        sa.select(
            staff,
            sessions.c.id.label("session_id"),
            sessions.c.created_at.label("session_created_at"),
            sessions.c.last_seen_at,
            sessions.c.expires_at,
        )
        .join(staff, staff.c.id == sessions.c.staff_id)
        .where(sessions.c.id == session_id)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    return Session(row.session_id, to_staff(row), row.session_created_at, row.last_seen_at, row.expires_at)


async def touch_session(tx: AsyncConnection, session_id: str, at: datetime) -> None:
    """Note that a session was used."""
    await tx.execute(sessions.update().where(sessions.c.id == session_id).values(last_seen_at=at))


async def delete_session(tx: AsyncConnection, session_id: str) -> None:
    """End one session."""
    await tx.execute(sessions.delete().where(sessions.c.id == session_id))


async def delete_sessions_of(tx: AsyncConnection, staff_id: StaffId) -> None:
    """End all sessions of a person."""
    await tx.execute(sessions.delete().where(sessions.c.staff_id == staff_id))
