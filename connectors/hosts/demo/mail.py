"""Mails that Kettle "sends": rows that the page /outbox shows, with links and codes that really work."""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import timedelta

from connectors.hosts.demo.passwords import digest, new_secret
from connectors.hosts.demo.store import now, stamp

WAIT_SECONDS = 60
CODE_TRIES = 5
_LIFE = {"verify": timedelta(days=2), "reset": timedelta(hours=1), "code": timedelta(minutes=10)}


@dataclass(frozen=True)
class Template:
    """The words of a kind of mail; `path` is where its link leads."""

    subject: str
    body: str
    path: str | None


TEMPLATES = {
    "verify": Template(
        "Confirm your e-mail address",
        "Hello {name}, one click and your address is confirmed. The link works for two days.",
        "/verify",
    ),
    "reset": Template(
        "Set a new password",
        "Hello {name}, with this link you can set a new password. It works once, for one hour.",
        "/reset",
    ),
    "code": Template(
        "Your sign-in code", "Hello {name}, your code is {code}. It works once, for ten minutes.", None
    ),
}


def seconds_to_wait(sent_at: str | None) -> int:
    """Return how long to wait after a mail at `sent_at` before the next of its kind; 0 when it may go."""
    if sent_at is None:
        return 0
    until = stamp(now() - timedelta(seconds=WAIT_SECONDS))
    if sent_at <= until:
        return 0
    return WAIT_SECONDS


def send(db: sqlite3.Connection, user: sqlite3.Row, kind: str) -> None:
    """Put a mail of `kind` ("verify", "reset", "code") into the outbox; older ones stop working."""
    template = TEMPLATES[kind]
    at = now()
    db.execute("UPDATE secrets SET used = 1 WHERE ref = ? AND kind = ?", (user["ref"], kind))
    code = f"{secrets.randbelow(1_000_000):06d}"
    secret = new_secret() if template.path else code
    key = digest(secret) if template.path else digest(f"{user['ref']}:{code}")
    db.execute(
        "INSERT OR REPLACE INTO secrets (hash, kind, ref, expires_at) VALUES (?, ?, ?, ?)",
        (key, kind, user["ref"], stamp(at + _LIFE[kind])),
    )
    db.execute(
        "INSERT INTO mails (ref, recipient, subject, body, link, sent_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            user["ref"],
            user["email"],
            template.subject,
            template.body.format(name=user["name"].split()[0], code=code),
            f"{template.path}?token={secret}" if template.path else None,
            stamp(at),
        ),
    )
    db.execute("DELETE FROM mails WHERE id <= (SELECT max(id) FROM mails) - 200")


def peek_link(db: sqlite3.Connection, kind: str, secret: str) -> str | None:
    """Return whose link this is, or None when it is unknown, used or too old."""
    row = db.execute(
        "SELECT ref FROM secrets WHERE hash = ? AND kind = ? AND used = 0 AND expires_at > ?",
        (digest(secret), kind, stamp(now())),
    ).fetchone()
    return row["ref"] if row else None


def use_link(db: sqlite3.Connection, kind: str, secret: str) -> str | None:
    """Like `peek_link`, and use the link up."""
    ref = peek_link(db, kind, secret)
    if ref is not None:
        db.execute("UPDATE secrets SET used = 1 WHERE hash = ?", (digest(secret),))
    return ref


def use_code(db: sqlite3.Connection, ref: str, code: str) -> bool:
    """Check a sign-in code; after five wrong ones the code is dead."""
    row = db.execute(
        "SELECT hash, tries FROM secrets WHERE ref = ? AND kind = 'code' AND used = 0 AND expires_at > ?",
        (ref, stamp(now())),
    ).fetchone()
    if row is None or row["tries"] >= CODE_TRIES:
        return False
    right: bool = row["hash"] == digest(f"{ref}:{code.strip()}")
    db.execute("UPDATE secrets SET used = ?, tries = tries + 1 WHERE hash = ?", (int(right), row["hash"]))
    return right
