"""A chain of entries in which nothing can be changed, left out, moved or cut off without showing.

Each entry's hash covers its number, time, kind, subject, content and the hash before it:

    hash = SHA-256(canonical JSON of [number, time, kind, subject, content, previous])

What may have to be forgotten is not in there: of an entry's `private` part there is a commitment alone,

    HMAC-SHA256(salt, canonical JSON of the private part), with a random salt of the entry's own

and salt and text stand beside the chain. Once both are erased, nobody can tell from the commitment what it
was, and the chain still holds. An erasure is itself an entry.

The newest hash (the head) is signed with Ed25519 (RFC 8032). Whoever can write the database and has no key
can neither sign another head nor make an older one newer. Pure: no I/O.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foundation.errors import Unavailable

ROOT = "0" * 64
"""What the first entry has before it."""


@dataclass(frozen=True)
class Change:
    """What is to be entered: what happened (`kind`), to what (`subject`), and how it is now (`content`).

    `private` is the part of it that can be erased again; None where all of it is to stay.
    """

    kind: str
    subject: str
    content: Mapping[str, Any]
    private: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Entry:
    """An entry as it is stored; `content` is canonical JSON, `at` is ISO 8601 in UTC with microseconds."""

    number: int
    at: str
    kind: str
    subject: str
    content: str
    previous: str
    hash: str
    private: "Private | None" = None


@dataclass(frozen=True)
class Private:
    """What stands beside an entry until it is erased: canonical JSON, and the salt of its commitment."""

    salt: str
    text: str


@dataclass(frozen=True)
class Head:
    """The newest number and hash, signed by the key `kid`; unsigned ones come from before there was a key."""

    number: int
    hash: str
    at: str
    kid: str | None = None
    signature: str | None = None


COMMITMENT = "private"
"""Name under which an entry's content has the commitment to its private part."""
ERASED = "erased"
"""Kind of the entry that says: the private parts of its subject's earlier entries are gone, on purpose."""
UNTRUSTED = "head_not_genuine"
"""Kind of the entry that is made before going on from a head that nobody with the key has signed."""
FOREIGN = "entries_not_covered"
"""Kind of the entry that is made before going on behind entries that no signed head covers."""
BEGUN = "begun"
"""Kind of the first entry of a new log, so that an empty one is always a flaw."""
EMPTIED = "emptied"
"""Kind of the entry that is made before going on in a log that had been begun and is empty."""
NEW_KEY = "signed_with_another_key"
"""Kind of the entry that is made before going on with another key than the head was signed with."""
LATE = "entered_late"
"""Kind of the entry that tells which changes could not be entered when they were made, and why; they follow,
with `LATE_PREFIX` before their kinds."""
LATE_PREFIX = "late:"


class NotEntered(Unavailable):
    """The audit log cannot be written, and what was to be entered must not be done without."""

    code = "audit_unavailable"


class Verifier(Protocol):
    """Knows public keys by id."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever signed here."""
        ...

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return a key, or None."""
        ...


def canonical(value: Any) -> str:
    """Write JSON the one way: sorted names, no spaces, moments as ISO 8601 in UTC.

    Raises:
        ValueError, TypeError: for what JSON cannot hold.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    )


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


def moment(at: datetime) -> str:
    """Write a moment the one way."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def entry_hash(number: int, at: str, kind: str, subject: str, content: str, previous: str) -> str:
    """Return the hash of an entry, 64 hexadecimal digits."""
    text = canonical([number, at, kind, subject, content, previous])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def follow(number: int, previous: str, at: datetime, change: Change) -> Entry:
    """Make the entry that comes after `previous`, the hash of entry `number - 1`."""
    public, private = dict(change.content), None
    if change.private is not None:
        private = Private(secrets.token_hex(16), canonical(dict(change.private)))
        public[COMMITMENT] = commitment(private)
    written, content = moment(at), canonical(public)
    digest = entry_hash(number, written, change.kind, change.subject, content, previous)
    return Entry(number, written, change.kind, change.subject, content, previous, digest, private)


def commitment(private: Private) -> str:
    """Return what stands in the content for a private part, 64 hexadecimal digits."""
    text = private.text.encode("utf-8", "surrogatepass")
    return hmac.new(private.salt.encode(), text, hashlib.sha256).hexdigest()


def committed(content: str) -> str | None:
    """Return the commitment that an entry's content holds; None where it has no private part."""
    try:
        value = json.loads(content)
    except ValueError:
        return None  # Its hash does not hold either.
    found = value.get(COMMITMENT) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def signed(number: int, digest: str, at: datetime, kid: str, key: Ed25519PrivateKey) -> Head:
    """Return a signed head."""
    written = moment(at)
    return Head(number, digest, written, kid, key.sign(_statement(number, digest, written)).hex())


def is_genuine(head: Head, keys: Verifier) -> bool:
    """Tell whether a head was signed by a key that is known."""
    key = keys.find(head.kid or "")
    if key is None or head.signature is None:
        return False
    try:
        key.verify(bytes.fromhex(head.signature), _statement(head.number, head.hash, head.at))
    except (InvalidSignature, ValueError):
        return False
    return True


def _statement(number: int, digest: str, at: str) -> bytes:
    return canonical(["firstline audit head", number, digest, at]).encode()
