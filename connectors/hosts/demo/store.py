"""Kettle's state: one SQLite file, used by one thread: one transaction after another."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE users (
  ref TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
  locked INTEGER NOT NULL DEFAULT 0, lock_reason TEXT, failed_sign_ins INTEGER NOT NULL DEFAULT 0,
  password_expired INTEGER NOT NULL DEFAULT 0, email_verified INTEGER NOT NULL DEFAULT 1,
  password_reset_sent_at TEXT, verification_sent_at TEXT, second_factor TEXT, confirmed_until TEXT,
  plan TEXT NOT NULL, billing_status TEXT NOT NULL, amount_due_cents INTEGER NOT NULL DEFAULT 0,
  card_kind TEXT NOT NULL, card_last4 TEXT NOT NULL, card_expires TEXT NOT NULL,
  saved TEXT NOT NULL, applied TEXT NOT NULL, sync_state TEXT NOT NULL, sync_error TEXT, synced_at TEXT,
  features TEXT NOT NULL, entitlements TEXT NOT NULL, notifications TEXT NOT NULL, subscription TEXT NOT NULL,
  lost_device INTEGER NOT NULL DEFAULT 0, invoice_sent TEXT NOT NULL DEFAULT '{}',
  temporary INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE payments (id TEXT NOT NULL, ref TEXT NOT NULL, invoice TEXT NOT NULL, status TEXT NOT NULL,
  failure_code TEXT, at TEXT NOT NULL, amount_cents INTEGER NOT NULL, PRIMARY KEY (ref, id)) STRICT;
CREATE INDEX payments_ref ON payments(ref, at);
CREATE TABLE invoices (number TEXT NOT NULL, ref TEXT NOT NULL, date TEXT NOT NULL,
  amount_cents INTEGER NOT NULL, status TEXT NOT NULL, refundable_until TEXT NOT NULL,
  PRIMARY KEY (ref, number)) STRICT;
CREATE INDEX invoices_ref ON invoices(ref, date);
CREATE TABLE orders (number TEXT NOT NULL, ref TEXT NOT NULL, status TEXT NOT NULL, placed_at TEXT NOT NULL,
  expected_at TEXT, carrier TEXT, tracking TEXT, items TEXT NOT NULL, replaced_by TEXT,
  PRIMARY KEY (ref, number)) STRICT;
CREATE INDEX orders_ref ON orders(ref, placed_at);
CREATE TABLE exports (id TEXT NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
  requested_at TEXT NOT NULL, ready_at TEXT, PRIMARY KEY (ref, id)) STRICT;
CREATE INDEX exports_ref ON exports(ref, requested_at);
CREATE TABLE sessions (id TEXT PRIMARY KEY, token_hash TEXT UNIQUE, ref TEXT NOT NULL, stage TEXT NOT NULL,
  csrf TEXT NOT NULL, device TEXT NOT NULL, last_seen TEXT NOT NULL) STRICT;
CREATE INDEX sessions_ref ON sessions(ref);
CREATE TABLE mails (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL,
  body TEXT NOT NULL, link TEXT, sent_at TEXT NOT NULL) STRICT;
CREATE TABLE secrets (hash TEXT PRIMARY KEY, kind TEXT NOT NULL, ref TEXT NOT NULL, expires_at TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE support_actions (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, operation TEXT NOT NULL,
  status TEXT NOT NULL, code TEXT, message TEXT, at TEXT NOT NULL) STRICT;
CREATE INDEX support_actions_ref ON support_actions(ref, id);
CREATE TABLE answers (key TEXT PRIMARY KEY, ref TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL,
  answer TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


def now() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """Write a moment the one way that also sorts as text: `2031-01-31T09:30:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


class Store:
    """All reads and writes go through here; each is one transaction."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and made where it is missing, with the first use."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kettle-db")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction that is kept when it returns and dropped when it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        """Close the file and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=5, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -2000")
        if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            _recreate(connection)
        self._connection = connection
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _recreate(connection: sqlite3.Connection) -> None:
    """Sample data are not worth a migration: another schema starts afresh."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    drops = "".join(f'DROP TABLE "{row["name"]}";' for row in names)
    connection.executescript(f"BEGIN;{drops}{SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
