"""Tokens with which a host application vouches for its user: short-lived JWTs (RFC 7519, RFC 8725).

Claims: iss (the host's name), aud "firstline", sub (its id of the user), iat, exp (at most 10 minutes
ahead), jti, name, email. The header's kid names a key in the ring of that host, and the key says which
algorithm applies. A token may be used until it expires; it is sent with every call, so jti is not spent.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, Key, OctKey, OKPKey

from foundation.clock import Clock
from foundation.errors import InvalidInput, Unauthenticated
from foundation.strict_json import parse_json
from security.identity.domain import UserIdentity
from security.identity.keyring import HostKey, HostKeys, KeyRing

AUDIENCE = "firstline"
MAX_LIFETIME = timedelta(minutes=10)
SKEW = timedelta(seconds=30)
"""How far the clocks of the host and of Firstline may differ."""
MAX_LENGTH = 4096
"""Characters a token may have."""
_NAMES: Mapping[str, frozenset[str]] = {
    "HS256": frozenset({"HS256"}),
    "ES256": frozenset({"ES256"}),
    # RFC 9864 renames EdDSA over Ed25519; our keys are never over another curve.
    "EdDSA": frozenset({"EdDSA", "Ed25519"}),
}


class _OneAlgorithm(jws.JWSRegistry):
    """Knows the algorithm of one key only, under its old and its new name, and does not warn of the old."""

    def __init__(self, alg: str) -> None:
        super().__init__(algorithms=sorted(_NAMES[alg]))

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return the algorithm `name` when it is the key's.

        Raises:
            UnsupportedAlgorithmError: when it is another.
        """
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError("not the algorithm of this key")
        return self.algorithms[name]


class UserTokens:
    """Verifies user tokens against the key rings of the admitted hosts."""

    def __init__(self, keys: HostKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def verify(self, token: str) -> UserIdentity:
        """Return for whom `token` vouches.

        Raises:
            Unauthenticated: with a `code` (token_expired, token_wrong_audience, ...), and a hint for the
                host's developer; nothing of the token is repeated.
            KeyRingError: when the host's key ring is there and unusable.
        """
        header, claims = _read(token)
        ring, key = self._find_key(header, claims)
        try:
            verified = jwt.decode(token, _to_jose(key), registry=_OneAlgorithm(key.alg)).claims
        except (JoseError, ValueError):
            raise _refusal(
                "token_bad_signature",
                "The user token's signature is wrong.",
                f"Sign it with the key that its kid names, using {key.alg}.",
            ) from None
        return self._check(verified, ring)

    def _find_key(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> tuple[KeyRing, HostKey]:
        host = claims.get("iss")
        ring = self._keys.ring(host) if isinstance(host, str) else None
        if ring is None:
            raise _refusal(
                "token_unknown_issuer",
                "The user token comes from an application that is not connected.",
                "`iss` must be the name in the key ring file, and that file must be in keys/hosts/.",
            )
        kid = header.get("kid")
        key = ring.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise _refusal(
                "token_unknown_key",
                "The user token is signed with a key that is unknown or retired.",
                "The header's `kid` must name a key in the key ring; read the file again after a rotation.",
            )
        if header.get("alg") not in _NAMES[key.alg]:
            raise _refusal(
                "token_wrong_algorithm",
                "The user token is signed with another algorithm than its key is for.",
                f"This key is for {key.alg}.",
            )
        return ring, key

    def _check(self, claims: Mapping[str, Any], ring: KeyRing) -> UserIdentity:
        audience = claims.get("aud")
        if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
            raise _refusal(
                "token_wrong_audience",
                "The user token is meant for somebody else.",
                'Set `aud` to "firstline".',
            )
        expires_at = self._check_times(claims)
        ref = _text(claims, "sub", required=True)
        _text(claims, "jti", required=True)
        return UserIdentity(
            host=ring.host,
            ref=ref or "",
            name=_text(claims, "name") or ref or "",
            email=_text(claims, "email"),
            expires_at=expires_at,
        )

    def _check_times(self, claims: Mapping[str, Any]) -> datetime:
        now = self._clock.now()
        issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
        if expires <= now - SKEW:
            raise _refusal("token_expired", "The user token has expired.", "Get a new one from the host.")
        if expires > now + MAX_LIFETIME + SKEW or expires - issued > MAX_LIFETIME:
            raise _refusal(
                "token_lives_too_long",
                "The user token is valid for too long.",
                "Set `exp` at most 10 minutes after `iat`.",
            )
        start = max(issued, _moment(claims, "nbf")) if "nbf" in claims else issued
        if start > now + SKEW:
            raise _refusal(
                "token_not_yet_valid",
                "The user token is from the future.",
                "Set the host's clock, for example with NTP.",
            )
        return expires


def mint(
    ring: KeyRing,
    *,
    sub: str,
    name: str | None = None,
    email: str | None = None,
    now: datetime,
    lifetime: timedelta = timedelta(minutes=5),
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Sign a user token with the ring's newest shared key, as a host would; for the CLI and for tests.

    `claims` overrides single claims; None as a value leaves a claim out.
    """
    key = ring.signing_key()
    content: dict[str, Any] = {
        "iss": ring.host,
        "aud": AUDIENCE,
        "sub": sub,
        "name": name,
        "email": email,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": secrets.token_urlsafe(16),
        **(claims or {}),
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode({"alg": key.alg, "kid": key.kid}, content, _to_jose(key), algorithms=[key.alg])


def _to_jose(key: HostKey) -> Key:
    if key.secret is not None:
        return OctKey.import_key(key.secret)
    jwk = {
        name: str(value) for name, value in (key.public_jwk or {}).items() if name in ("kty", "crv", "x", "y")
    }
    return OKPKey.import_key({**jwk}) if key.alg == "EdDSA" else ECKey.import_key({**jwk})


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Read header and claims without believing them."""
    malformed = _refusal(
        "token_malformed", "The user token is not a signed JWT.", "Send header.payload.signature, base64url."
    )
    if len(token) > MAX_LENGTH or not token.isascii() or token.count(".") != 2:
        raise malformed
    try:
        parts = jws.extract_compact(token.encode())
        header, claims = parts.headers(), parse_json(parts.payload)
    except (JoseError, InvalidInput, ValueError):
        raise malformed from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header:
        raise malformed
    return header, claims


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**33:
        raise _refusal(
            "token_claim_missing",
            f"The user token has no usable `{name}`.",
            f"Set `{name}` to seconds since 1970 as a number.",
        )
    return datetime.fromtimestamp(value, UTC)


def _text(claims: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    value = claims.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
        if not required and value == "":
            return None
        raise _refusal(
            "token_claim_missing",
            f"The user token has no usable `{name}`.",
            f"Set `{name}` to a text of 1 to 200 printable characters.",
        )
    return value


def _refusal(code: str, message: str, hint: str) -> Unauthenticated:
    return Unauthenticated(message, hint=hint, code=code)
