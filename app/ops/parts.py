"""What the app is given besides the settings: the servers that run now, and the secrets of this home."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.ops.children.secret_files import read_or_make
from app.settings import Settings

DEMO_HOST = "kettle"
"""Name of the demo application, as host of its users."""


@dataclass(frozen=True)
class Secrets:
    """Secrets that this home made for itself at its first start, each in a file of mode 0600."""

    service_token: str = field(repr=False)
    """What Rasa and our own tools show to reach internal endpoints."""
    session_secret: str = field(repr=False)
    """What staff sessions may be bound with."""

    @classmethod
    def of(cls, folder: Path) -> "Secrets":
        """Read the secrets in `folder`, making those that are missing."""
        return cls(read_or_make(folder / "service-token"), read_or_make(folder / "session-secret"))


@dataclass(frozen=True)
class Parts:
    """The servers beside the app. `bootstrap.build_app(settings, parts)` wires the product with them."""

    database_url: str = field(repr=False)
    """`postgresql+asyncpg://...`; migrations have been applied."""
    redis_url: str = field(repr=False)
    rasa_url: Callable[[], str]
    """Where Rasa listens now; its port may change when it is started again."""
    secrets: Secrets

    @classmethod
    def fixed(cls, settings: Settings, database_url: str, redis_url: str, rasa_url: str) -> "Parts":
        """Parts at fixed addresses, for tests and for parts that run elsewhere."""
        return cls(database_url, redis_url, lambda: rasa_url, Secrets.of(settings.keys))
