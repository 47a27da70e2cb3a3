"""The keys that sign the audit chain: Ed25519, in `$FIRSTLINE_HOME/keys/audit`."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from foundation import files
from foundation.errors import FirstlineError

_SECRET = "signing.pem"  # noqa: S105 - a file's name


class AuditKeyError(FirstlineError):
    """The signing key cannot be used; the message names the file."""

    status = 503
    code = "audit_key_unusable"


class AuditKeys:
    """One private key, and every public key that ever signed; another app's public keys are copied in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._private: Ed25519PrivateKey | None = None
        self._known: dict[str, Ed25519PublicKey] = {}

    @property
    def begun(self) -> Path:
        """The file with the signed head of when the log was begun."""
        return self._folder / "begun.jsonl"

    @property
    def has_begun(self) -> bool:
        """Whether the log that these keys sign was begun; it has entries ever since."""
        return self.begun.exists()

    def check(self) -> None:
        """Look whether the signing key, where there is one, can be used.

        Raises:
            AuditKeyError: when it cannot.
        """
        self._load()

    @property
    def is_empty(self) -> bool:
        """Whether there was never a key."""
        return not self.public()

    def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """Return the id and the private key; it is made at the first use.

        Raises:
            AuditKeyError: when the file is there and is no Ed25519 key.
        """
        if self._private is None:
            self._private = self._load() or self._make()
        return kid_of(self._private.public_key()), self._private

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return a public key by its id, or None; the folder is read only for one that is new."""
        if kid not in self._known:
            self._known |= self.public()
        return self._known.get(kid)

    def public(self) -> dict[str, Ed25519PublicKey]:
        """Return all public keys by id."""
        found: dict[str, Ed25519PublicKey] = {}
        for path in sorted(self._folder.glob("*.pub")):
            try:
                key = load_pem_public_key(path.read_bytes())
            except (OSError, ValueError):
                continue
            if isinstance(key, Ed25519PublicKey):
                found[kid_of(key)] = key
        return found

    def rotate(self) -> str:
        """Make another key to sign with; what the old ones signed stays good. Returns the new id.

        A file that is no key is kept aside.
        """
        path = self._folder / _SECRET
        try:
            self._load()
        except AuditKeyError:
            path.replace(path.with_suffix(f".unusable-{datetime.now(UTC):%Y%m%d%H%M%S}"))
        self._private = self._make()
        return kid_of(self._private.public_key())

    def _load(self) -> Ed25519PrivateKey | None:
        path = self._folder / _SECRET
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditKeyError(
                f"{path} is no key that the audit log can be signed with.",
                hint="Put the file back from a backup, or run `firstline audit rotate-key`: it keeps this "
                "file aside and makes a new key; what the old one signed stays good.",
            )
        self._publish(key)
        return key

    def _make(self) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The public key first: what the private one signs can then always be checked.
            self._publish(key)
            files.write(self._folder / _SECRET, private)
        except OSError as error:
            raise AuditKeyError(
                f"{self._folder} cannot be written, so the audit log has no key: {error.strerror}.",
                hint="Make the folder writable for the account that runs Firstline.",
            ) from None
        return key

    def _publish(self, key: Ed25519PrivateKey) -> None:
        """Put the public key into the folder, unless it is there, as after a backup without it."""
        kid = kid_of(key.public_key())
        if kid not in self.public():
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            files.write(self._folder / f"{datetime.now(UTC):%Y%m%d%H%M%S}-{kid}.pub", public, mode=0o644)


def kid_of(key: Ed25519PublicKey) -> str:
    """Return a key's id: the first 16 hexadecimal digits of the key itself."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()[:16]
