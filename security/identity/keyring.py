"""Key rings: the keys that a host application and Firstline share, one file a host.

    {"host": "kettle", "keys": [
      {"kid": "k_...", "alg": "HS256", "secret": "<base64url>", "created": "<iso>", "retires": null},
      {"kid": "...", "alg": "EdDSA", "public_jwk": {"kty": "OKP", ...}, "created": "<iso>", "retires": null}]}

An algorithm belongs to its key; what a token's header claims plays no part in choosing it. A ring re-reads
its file when the file has changed, so both sides see a rotation without a restart. After a rotation the old
key still verifies until `retires`.
"""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from foundation import files
from foundation.clock import Clock, SystemClock
from foundation.errors import FirstlineError

Algorithm = Literal["HS256", "EdDSA", "ES256"]
ALGORITHMS = ("HS256", "EdDSA", "ES256")
HOST_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
"""What a host's name may be; it also names its file, so nothing in it can lead to another folder."""
MIN_SECRET_BYTES = 32
GRACE = timedelta(hours=24)
"""How long a key that was rotated out still verifies, unless told otherwise."""


class KeyRingError(FirstlineError):
    """A key ring is missing or cannot be used; the message names the file and what is wrong with it."""

    status = 503
    code = "key_ring_unusable"


@dataclass(frozen=True)
class HostKey:
    """One key; `secret` for HS256, `public_jwk` for EdDSA and ES256."""

    kid: str
    alg: Algorithm
    secret: bytes | None
    public_jwk: Mapping[str, Any] | None
    created: datetime
    retires: datetime | None

    def __repr__(self) -> str:
        """Show which key it is and never the key itself."""
        return f"HostKey(kid={self.kid!r}, alg={self.alg!r}, retires={self.retires!r})"

    def valid_at(self, moment: datetime) -> bool:
        """Tell whether the key still verifies at `moment`."""
        return self.retires is None or moment < self.retires


class KeyRing:
    """The keys of one host application, kept in step with their file."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._stamp: tuple[int, int, int] | None = None
        self._host = ""
        self._keys: tuple[HostKey, ...] = ()

    @classmethod
    def load(cls, path: Path, clock: Clock | None = None) -> "KeyRing":
        """Read the ring at `path`.

        Raises:
            KeyRingError: when there is no such file or it is not a key ring.
        """
        ring = cls(path, clock)
        ring.refresh()
        return ring

    @classmethod
    def create(cls, path: Path, host: str, clock: Clock | None = None) -> "KeyRing":
        """Make a ring with one new HS256 key, readable by its owner only; an existing ring is kept.

        Raises:
            KeyRingError: when the name will not do or the file there is not a key ring.
        """
        if not HOST_NAME.match(host):
            raise KeyRingError("A host's name is lower-case letters, digits and hyphens.")
        clock = clock or SystemClock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _write(path, {"host": host, "keys": [_new_key(clock.now())]}, replace=False)
        return cls.load(path, clock)

    @property
    def host(self) -> str:
        """The host application's name."""
        self.refresh()
        return self._host

    @property
    def keys(self) -> tuple[HostKey, ...]:
        """All keys in the file, newest last."""
        self.refresh()
        return self._keys

    def refresh(self) -> None:
        """Read the file again if it has changed.

        Raises:
            KeyRingError: when it is gone or unusable.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._stamp:
                return
            raw = json.loads(self.path.read_bytes())
        except OSError as error:
            raise KeyRingError(f"The key ring {self.path.name} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise KeyRingError(f"The key ring {self.path.name} is not JSON.") from None
        self._host, self._keys = _parse(raw, self.path.name)
        self._stamp = stamp

    def find(self, kid: str) -> HostKey | None:
        """Return the key `kid` if it may verify now."""
        now = self._clock.now()
        return next((key for key in self.keys if key.kid == kid and key.valid_at(now)), None)

    def signing_key(self) -> HostKey:
        """Return the newest HS256 key that is not being retired.

        Raises:
            KeyRingError: when there is none.
        """
        for key in reversed(self.keys):
            if key.secret is not None and key.retires is None:
                return key
        raise KeyRingError(f"The key ring {self.path.name} has no key to sign with.", hint="Rotate it.")

    def rotate(self, grace: timedelta = GRACE) -> HostKey:
        """Add a new signing key; the shared secrets before it verify for `grace` longer; long-dead keys go.

        Two rotations at once would lose one key: run it from one place, such as the CLI.
        """
        self.refresh()
        now = self._clock.now()
        content = json.loads(self.path.read_bytes())
        dead = {key.kid for key in self._keys if not key.valid_at(now)}
        kept = [key for key in content["keys"] if key["kid"] not in dead]
        for key in kept:
            if key["alg"] == "HS256" and key.get("retires") is None:
                key["retires"] = (now + grace).isoformat()
        _write(self.path, {**content, "keys": [*kept, _new_key(now)]}, replace=True)
        self._stamp = None
        return self.signing_key()

    def add_public_key(self, kid: str, alg: Algorithm, public_jwk: Mapping[str, Any]) -> None:
        """Accept tokens signed with the private half of `public_jwk` (EdDSA or ES256).

        Raises:
            KeyRingError: when `kid` is taken, or the key is not a public key of that algorithm.
        """
        entry = {
            "kid": kid,
            "alg": alg,
            "public_jwk": dict(public_jwk),
            "created": self._clock.now().isoformat(),
            "retires": None,
        }
        content = json.loads(self.path.read_bytes())
        content["keys"].append(entry)
        _parse(content, self.path.name)
        _write(self.path, content, replace=True)
        self._stamp = None


class HostKeys:
    """The key rings of all hosts, `<directory>/<host>.json`.

    With `admitted` only the hosts that it names count, each with the file it names: a file that was left
    behind admits nobody. Without it every file in the folder is a host.
    """

    def __init__(
        self, directory: Path, clock: Clock | None = None, admitted: Mapping[str, Path] | None = None
    ) -> None:
        self._directory = directory
        self._admitted = admitted
        self._clock = clock
        self._rings: dict[str, KeyRing] = {}

    def ring(self, host: str) -> KeyRing | None:
        """Return the ring of `host`, or None when it is not admitted (any string is safe to ask for).

        Raises:
            KeyRingError: when its file is there and unusable.
        """
        if not HOST_NAME.match(host):
            return None
        path = self._directory / f"{host}.json"
        if self._admitted is not None:
            if host not in self._admitted:
                return None
            path = self._admitted[host]
        ring = self._rings.get(host) or KeyRing(path, self._clock)
        if not ring.path.is_file():
            self._rings.pop(host, None)
            return None
        self._rings[host] = ring
        if ring.host != host:
            raise KeyRingError(f"The key ring {ring.path.name} names another host.")
        return ring

    def hosts(self) -> list[str]:
        """Return the names of the admitted hosts."""
        if self._admitted is not None:
            return sorted(self._admitted)
        names = (path.stem for path in self._directory.glob("*.json"))
        return sorted(name for name in names if HOST_NAME.match(name))


def _new_key(now: datetime) -> dict[str, Any]:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(MIN_SECRET_BYTES)).rstrip(b"=").decode()
    return {
        "kid": f"k_{now:%Y%m%d}_{secrets.token_hex(4)}",
        "alg": "HS256",
        "secret": secret,
        "created": now.isoformat(),
        "retires": None,
    }


def _write(path: Path, content: dict[str, Any], *, replace: bool) -> None:
    files.write(path, json.dumps(content, indent=2), replace=replace)


def _parse(raw: Any, name: str) -> tuple[str, tuple[HostKey, ...]]:
    try:
        keys = tuple(_parse_keys(raw["keys"]))
        host = str(raw["host"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"{type(error).__name__} at {error}" if isinstance(error, KeyError) else str(error)
        raise KeyRingError(f"The key ring {name} is not usable: {detail}.") from None
    if len({key.kid for key in keys}) != len(keys):
        raise KeyRingError(f"The key ring {name} names a kid twice.")
    return host, keys


def _parse_keys(entries: Any) -> Iterator[HostKey]:
    for entry in entries:
        alg = entry["alg"]
        if alg not in ALGORITHMS:
            raise ValueError("alg must be HS256, EdDSA or ES256")
        secret = _secret(entry["secret"]) if alg == "HS256" else None
        public = None if alg == "HS256" else _public(alg, entry["public_jwk"])
        created, retires = _moment(entry["created"]), entry.get("retires")
        kid = entry["kid"]
        if not isinstance(kid, str) or not kid:
            raise ValueError("kid must be a text")
        yield HostKey(kid, alg, secret, public, created, _moment(retires) if retires else None)


def _secret(text: str) -> bytes:
    try:
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("secret is not base64url") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"secret is shorter than {MIN_SECRET_BYTES} bytes")
    return secret


def _public(alg: str, jwk: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256")}[alg]
    if (jwk.get("kty"), jwk.get("crv")) != wanted:
        raise ValueError(f"the public key of {alg} must be {wanted[0]} {wanted[1]}")
    if "d" in jwk:
        raise ValueError("public_jwk holds a private key; keep that on the host's side only")
    return dict(jwk)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a date has no time zone")
    return moment
