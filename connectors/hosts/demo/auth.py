"""Signing in to Kettle: sessions, the second factor, and what a locked-out user may still see.

A session has a stage: "code" (the password was right, the second factor is awaited), "restricted" (the
password was right and the account is locked or its password has expired: one page and the chat, nothing
else) or "full".
"""

import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta

from aiohttp import web

from connectors.hosts.demo import mail
from connectors.hosts.demo.context import KETTLE
from connectors.hosts.demo.passwords import digest, new_secret
from connectors.hosts.demo.state import find_user
from connectors.hosts.demo.store import now, stamp

COOKIE = "kettle_session"
MAX_FAILED = 5
_IDLE = timedelta(days=14)
_CONFIRMED = timedelta(minutes=10)


@dataclass(frozen=True)
class Visit:
    """A signed-in browser."""

    id: str
    ref: str
    stage: str
    csrf: str


def describe_device(agent: str) -> str:
    """Return something like "Firefox on Windows" for a User-Agent header."""
    browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("iPhone", "iPhone"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
               ("Linux", "Linux"))  # fmt: skip
    browser = next((name for mark, name in browsers if mark in agent), "A browser")
    system = next((name for mark, name in systems if mark in agent), "a computer")
    return f"{browser} on {system}"


def stage_for(user: sqlite3.Row) -> str:
    """Return the stage that a user with the right password (and second factor) gets now."""
    return "restricted" if user["locked"] or user["password_expired"] else "full"


def begin(db: sqlite3.Connection, user: sqlite3.Row, device: str) -> tuple[str, str]:
    """Make a session after the right password; returns its cookie's value and its stage."""
    at, secret = now(), new_secret()
    stage = stage_for(user)
    if stage == "full" and user["second_factor"]:
        stage = "code"
        mail.send(db, user, "code")
    db.execute("DELETE FROM sessions WHERE last_seen < ?", (stamp(at - _IDLE),))
    db.execute(
        "INSERT INTO sessions (id, token_hash, ref, stage, csrf, device, last_seen) VALUES (?, ?, ?, ?, "
        "?, ?, ?)",
        (f"ses_{new_secret()[:12]}", digest(secret), user["ref"], stage, new_secret(), device, stamp(at)),
    )
    if not user["locked"]:
        db.execute("UPDATE users SET failed_sign_ins = 0 WHERE ref = ?", (user["ref"],))
    return secret, stage


def note_failure(db: sqlite3.Connection, user: sqlite3.Row) -> None:
    """Count a wrong password; the fifth in a row locks the account."""
    count = user["failed_sign_ins"] + 1
    db.execute("UPDATE users SET failed_sign_ins = ? WHERE ref = ?", (count, user["ref"]))
    if count >= MAX_FAILED and not user["locked"]:
        db.execute(
            "UPDATE users SET locked = 1, lock_reason = 'too_many_attempts' WHERE ref = ?", (user["ref"],)
        )


def confirm_code(db: sqlite3.Connection, visit: Visit, code: str) -> bool:
    """Finish a second factor (at sign-in, or again for a delicate operation)."""
    if not mail.use_code(db, visit.ref, code):
        return False
    db.execute("UPDATE users SET confirmed_until = ? WHERE ref = ?", (stamp(now() + _CONFIRMED), visit.ref))
    db.execute("UPDATE sessions SET stage = 'full' WHERE id = ? AND stage = 'code'", (visit.id,))
    return True


def _find(db: sqlite3.Connection, secret: str) -> Visit | None:
    row = db.execute("SELECT * FROM sessions WHERE token_hash = ?", (digest(secret),)).fetchone()
    user = find_user(db, row["ref"]) if row else None
    if row is None or user is None:
        return None
    at = stamp(now())
    visit = Visit(row["id"], row["ref"], row["stage"], row["csrf"])
    if visit.stage != "code" and visit.stage != stage_for(user):
        visit = replace(visit, stage=_change_stage(db, visit, user))
    if row["last_seen"][:16] != at[:16] or _is_overtaken(db, visit, row["last_seen"]):
        db.execute("UPDATE sessions SET last_seen = ? WHERE id = ?", (at, visit.id))
    return visit


def _is_overtaken(db: sqlite3.Connection, visit: Visit, seen: str) -> bool:
    return (
        db.execute(
            "SELECT 1 FROM sessions WHERE ref = ? AND id <> ? AND last_seen >= ?", (visit.ref, visit.id, seen)
        ).fetchone()
        is not None
    )


def _change_stage(db: sqlite3.Connection, visit: Visit, user: sqlite3.Row) -> str:
    """The account was locked or freed meanwhile. Who was restricted has not shown a second factor yet."""
    stage = stage_for(user)
    if visit.stage == "restricted" and user["second_factor"]:
        stage = "code"
        mail.send(db, user, "code")
    db.execute("UPDATE sessions SET stage = ? WHERE id = ?", (stage, visit.id))
    return stage


async def current(request: web.Request) -> Visit | None:
    """Return who is browsing, or None."""
    secret = request.cookies.get(COOKIE, "")
    if not secret or len(secret) > 100:
        return None
    return await request.app[KETTLE].store.run(lambda db: _find(db, secret))


async def end(request: web.Request, visit: Visit) -> None:
    """Sign this browser out."""
    await request.app[KETTLE].store.run(
        lambda db: db.execute("DELETE FROM sessions WHERE id = ?", (visit.id,))
    )


def put_cookie(response: web.StreamResponse, secret: str) -> None:
    """Hand the session to the browser."""
    response.set_cookie(
        COOKIE, secret, httponly=True, samesite="Lax", path="/", max_age=int(_IDLE.total_seconds())
    )
