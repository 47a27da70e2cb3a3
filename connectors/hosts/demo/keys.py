"""The two uses of the keys shared with Firstline: checking its requests, vouching for a signed-in user."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MAX_SKEW_SECONDS = 300
TOKEN_SECONDS = 300


class KeysUnusable(Exception):
    """The key file is missing or broken; the message says which, without its content."""


class BadSignature(Exception):
    """A request is not provably from Firstline; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Key:
    """A shared secret; `retires` is None for the one to sign with."""

    kid: str
    secret: bytes
    retires: datetime | None

    def __repr__(self) -> str:
        return f"Key({self.kid!r})"


class KeyFile:
    """Reads the key file, and reads it again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._host = ""
        self._keys: tuple[Key, ...] = ()

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._stamp:
                return
            content = json.loads(self._path.read_bytes())
            self._keys = tuple(_read(entry) for entry in content["keys"] if entry["alg"] == "HS256")
            self._host, self._stamp = str(content["host"]), stamp
        except OSError as error:
            raise KeysUnusable(f"The key file {self._path.name} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise KeysUnusable(f"The key file {self._path.name} is not a key ring.") from None

    def signing(self) -> tuple[str, Key]:
        """Return our name and the newest key that is not being retired."""
        self._refresh()
        for key in reversed(self._keys):
            if key.retires is None:
                return self._host, key
        raise KeysUnusable(f"The key file {self._path.name} has no key to sign with.")

    def find(self, kid: str) -> Key | None:
        """Return the key `kid` while it is valid."""
        self._refresh()
        at = datetime.now(UTC)
        return next((k for k in self._keys if k.kid == kid and (k.retires is None or at < k.retires)), None)


def _read(entry: dict[str, Any]) -> Key:
    text, retires = entry["secret"], entry.get("retires")
    secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return Key(str(entry["kid"]), secret, datetime.fromisoformat(retires) if retires else None)


def check_request(
    keys: KeyFile,
    headers: dict[str, str],
    method: str,
    path_with_query: str,
    body: bytes,
    at: float | None = None,
) -> None:
    """Check that a request comes from Firstline and is fresh; header names in lower case.

    A copy of a request inside the time window changes nothing: the same idempotency key gets the same answer.

    Raises:
        BadSignature: when it does not, or is not.
        KeysUnusable: when there is no key to check with.
    """
    kid, sent = headers.get("firstline-key-id", ""), headers.get("firstline-timestamp", "")
    version, _, given = headers.get("firstline-signature", "").partition("=")
    if not kid or not given or version != "v1":
        raise BadSignature("signature_missing", "The request is not signed.")
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise BadSignature("timestamp_invalid", "Firstline-Timestamp must be whole seconds since 1970.")
    if abs(int(sent) - (time.time() if at is None else at)) > MAX_SKEW_SECONDS:
        raise BadSignature("timestamp_skewed", "The request is more than five minutes old or early.")
    key = keys.find(kid)
    if key is None:
        raise BadSignature("key_unknown", "The request is signed with a key that is unknown or retired.")
    fields = ("v1", sent, method, path_with_query, hashlib.sha256(body).hexdigest(),
              headers.get("idempotency-key", ""))  # fmt: skip
    expected = hmac.new(
        key.secret, "\n".join(fields).encode(errors="surrogateescape"), hashlib.sha256
    ).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode(errors="surrogateescape")):
        raise BadSignature("signature_wrong", "The signature does not match the request.")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def mint_token(keys: KeyFile, *, ref: str, name: str, email: str) -> tuple[str, int]:
    """Return a user token (JWT, HS256) and the Unix second when it ends."""
    host, key = keys.signing()
    issued = int(time.time())
    ends = issued + TOKEN_SECONDS
    claims = {"iss": host, "aud": "firstline", "sub": ref, "name": name, "email": email, "iat": issued,
              "exp": ends, "jti": secrets.token_urlsafe(16)}  # fmt: skip
    header = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{_base64url(hmac.new(key.secret, text.encode(), hashlib.sha256).digest())}", ends
