"""Checks that an application sent what came in its name, with the key ring that is shared with it."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from actions.healing.ports import SignedRequest
from connectors.hosts.signing import SigningKey, signature
from foundation.clock import Clock
from foundation.errors import NotFound, Unauthenticated

TOLERANCE = 300
"""Seconds that the clocks of the application and of Firstline may differ."""


class VerifyingKey(SigningKey, Protocol):
    """A key that may have been retired."""

    def valid_at(self, moment: datetime) -> bool:
        """Tell whether the key still verifies at `moment`."""
        ...


class VerifyingKeys(Protocol):
    """The keys shared with one host, those that are being retired too."""

    @property
    def keys(self) -> Iterable[VerifyingKey]: ...


class KeyRingSignatures:
    """Checks signatures with the key ring that is shared with each application."""

    def __init__(self, ring: Callable[[str], VerifyingKeys | None], clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def expect(self, host: str, headers: Mapping[str, str]) -> None:
        """Return when a known application's valid key is named, less than five minutes ago."""
        self._key(host, headers)

    def check(self, host: str, request: SignedRequest) -> None:
        """Return when the application signed the request, less than five minutes ago."""
        headers = request.headers
        secret = self._key(host, headers)
        try:
            expected = signature(
                secret,
                timestamp=int(headers["Firstline-Timestamp"]),
                method=request.method,
                path=request.path,
                body=request.body,
                idempotency_key=headers.get("Idempotency-Key", ""),
            )
            given = headers.get("Firstline-Signature", "").encode("ascii")
        except UnicodeEncodeError:
            raise _unsigned("The signature does not fit.") from None
        if not hmac.compare_digest(expected.encode(), given):
            raise _unsigned("The signature does not fit.")

    def _key(self, host: str, headers: Mapping[str, str]) -> bytes:
        ring = self._ring(host)
        if ring is None:
            raise NotFound("No such application is connected.", hint="Its name is the one in hosts.yml.")
        now = self._clock.now()
        moment = headers.get("Firstline-Timestamp", "")
        if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
            raise _unsigned("The request is not signed.")
        if abs(now.timestamp() - int(moment)) > TOLERANCE:
            raise _unsigned("The signature is too old, or the clocks differ.")
        kid = headers.get("Firstline-Key-Id", "")
        key = next((key for key in ring.keys if key.kid == kid and key.valid_at(now)), None)
        if key is None or key.secret is None:
            raise _unsigned("The key is not known.")
        return key.secret


def _unsigned(sentence: str) -> Unauthenticated:
    return Unauthenticated(
        sentence, hint="Sign it as Firstline signs what it asks you; docs/connect-your-app.md shows how."
    )
