"""How Firstline signs what it asks a host application; docs/connect-your-app.md has it in words."""

import hashlib
import hmac
from typing import Protocol

VERSION = "v1"


class SigningKey(Protocol):
    """A secret shared with the host; `secret` is None for a key that only verifies."""

    @property
    def kid(self) -> str: ...
    @property
    def secret(self) -> bytes | None: ...


class SigningKeys(Protocol):
    """The keys shared with one host, such as `security.identity.keyring.KeyRing`."""

    def signing_key(self) -> SigningKey:
        """Return the key to sign with now. Raises `FirstlineError` when there is none."""
        ...


def signature(
    secret: bytes, *, timestamp: int, method: str, path: str, body: bytes = b"", idempotency_key: str = ""
) -> str:
    """Return `v1=<hex>`: HMAC-SHA256 over version, time, method, path with query, body hash, idempotency key.

    `path` is the path and query exactly as on the request line; `timestamp` is in seconds since 1970.
    """
    fields = (VERSION, str(timestamp), method, path, hashlib.sha256(body).hexdigest(), idempotency_key)
    return f"{VERSION}={hmac.new(secret, chr(10).join(fields).encode(), hashlib.sha256).hexdigest()}"


def signed_headers(
    kid: str,
    secret: bytes,
    *,
    timestamp: int,
    method: str,
    path: str,
    body: bytes = b"",
    idempotency_key: str = "",
) -> dict[str, str]:
    """Return the headers that prove where a request comes from, the idempotency key among them."""
    headers = {
        "Firstline-Key-Id": kid,
        "Firstline-Timestamp": str(timestamp),
        "Firstline-Signature": signature(
            secret, timestamp=timestamp, method=method, path=path, body=body, idempotency_key=idempotency_key
        ),
    }
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    return headers
