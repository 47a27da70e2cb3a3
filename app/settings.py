"""All settings, read once from the environment; nothing else of ours reads it.

PORT             port of the app (8080)             FIRSTLINE_HOME   where all data lives (.firstline)
HOST             address to listen on (127.0.0.1)   DATABASE_URL     a PostgreSQL to use instead of our own
PUBLIC_URL       where browsers reach the app       REDIS_URL        a Redis to use instead of our own
DEMO             the demo application: `on`, `off`, or only while nothing else is configured (default)
DEMO_PORT        its port (PORT + 1; `off`: do not run it)
RASA_PORT        port of Rasa (a free one, kept)    RASA_URL         a Rasa that runs elsewhere
FIRSTLINE_ENCODER_DIR   the exported encoder ($FIRSTLINE_HOME/encoder)
FIRSTLINE_ENCODER       a sentence-transformers folder to export (the packaged MiniLM)
TRUSTED_PROXIES  reverse proxies that say for whom they speak: addresses and networks, with commas (none)
METRICS          who may read /metrics: `local` (default), `public` or `off`
LOG_LEVEL        debug, info, warning or error (info)
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from foundation.errors import InvalidInput
from foundation.http.peers import NO_PROXIES, IpNetwork, TrustedProxies

VectorIndexKind = Literal["faiss", "pgvector"]
Metrics = Literal["local", "public", "off"]
_HOST_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$|^::1?$")
_PASSED_ON = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "LD_LIBRARY_PATH", "FIRSTLINE_FULL_RASA",
)  # fmt: skip
_POSTGRES_SCHEMES = {
    "postgres",
    "postgresql",
    "postgresql+asyncpg",
    "postgresql+psycopg",
    "postgresql+psycopg2",
}


class BadSetting(InvalidInput):
    """An environment variable cannot be used; the message names it and the hint says what would do."""


@dataclass(frozen=True)
class Settings:
    """What decides how this installation runs. Secrets are not in here: they are files in `keys`."""

    root: Path
    home: Path
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    demo_port: int | None = 8081
    demo_forced: bool = False
    """Whether the demo application was asked for though this is more than a first look."""
    demo_off_since: str | None = None
    """Which setting keeps the demo application from running, if one does."""
    rasa_port: int | None = None
    rasa_url: str | None = None
    encoder_dir: Path = Path(".firstline/encoder")
    encoder_model: Path | None = None
    vector_index: VectorIndexKind = "faiss"
    metrics: Metrics = "local"
    trusted_proxies: TrustedProxies = NO_PROXIES
    log_level: str = "info"
    child_environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, root: Path | None = None) -> "Settings":
        """Read the environment.

        Raises:
            BadSetting: when a value makes no sense; the message names the variable.
        """
        env = {key: value.strip() for key, value in (os.environ if environ is None else environ).items()}
        root = (root or Path(__file__).parents[1]).resolve()
        home = _folder(env, "FIRSTLINE_HOME") or root / ".firstline"
        host, port = _host(env), _port(env, "PORT") or 8080
        demo_port, forced, off_since = _demo(env, port, host, home)
        return cls(
            root=root,
            home=home,
            host=host,
            port=port,
            public_url=_public_url(env, host, port),
            database_url=_database_url(env),
            redis_url=_redis_url(env),
            demo_port=demo_port,
            demo_forced=forced,
            demo_off_since=off_since,
            rasa_port=_port(env, "RASA_PORT"),
            rasa_url=_http_url(env, "RASA_URL"),
            encoder_dir=_folder(env, "FIRSTLINE_ENCODER_DIR") or home / "encoder",
            encoder_model=_folder(env, "FIRSTLINE_ENCODER"),
            vector_index=cast(VectorIndexKind, _one_of(env, "VECTOR_INDEX", ("faiss", "pgvector"))),
            metrics=cast(Metrics, _one_of(env, "METRICS", ("local", "public", "off"))),
            trusted_proxies=_trusted_proxies(env),
            log_level=_one_of(env, "LOG_LEVEL", ("info", "debug", "warning", "error")),
            child_environment={key: env[key] for key in _PASSED_ON if env.get(key)},
        )

    @property
    def keys(self) -> Path:
        """Folder of secrets: host key rings, the service token, the session secret."""
        return self.home / "keys"

    @property
    def host_keys(self) -> Path:
        """Folder of the host applications' key rings."""
        return self.keys / "hosts"

    @property
    def audit_keys(self) -> Path:
        """Folder of the keys that sign the audit log."""
        return self.keys / "audit"

    @property
    def logs(self) -> Path:
        """Folder of logs."""
        return self.home / "logs"

    @property
    def models(self) -> Path:
        """Folder of trained Rasa models."""
        return self.home / "models"

    @property
    def web_dist(self) -> Path:
        """Folder of the built front end."""
        return self.root / "web" / "dist"

    @property
    def rasa_python(self) -> Path:
        """Python of the environment that holds Rasa."""
        return self.root / ".venv-rasa" / "bin" / "python"

    @property
    def encoder_python(self) -> Path:
        """Python of the environment that exports the encoder."""
        return self.root / ".venv-encoder" / "bin" / "python"

    @property
    def local_url(self) -> str:
        """Where processes on this machine reach the app."""
        return (
            f"http://{_in_url({'0.0.0.0': '127.0.0.1', '::': '::1'}.get(self.host, self.host))}:{self.port}"  # noqa: S104
        )

    @property
    def demo_host(self) -> str:
        """Address that the demo application listens on: its password is in the README."""
        return self.host if self.demo_forced or _is_loopback(self.host) else "127.0.0.1"

    @property
    def demo_url(self) -> str | None:
        """Where browsers reach the demo application; None when it is not run."""
        if self.demo_port is None:
            return None
        return f"http://{_in_url(urlsplit(self.public_url).hostname or '127.0.0.1')}:{self.demo_port}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "")
    if not text:
        return None
    if "\0" in text:
        raise BadSetting(f"{name} is not a folder.", hint=f"Set {name} to the path of a folder.")
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise BadSetting(f"{name} names a file.", hint=f"Set {name} to the path of a folder.")
    return folder


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name, "").lower() or allowed[0]
    if value not in allowed:
        raise BadSetting(f"{name} cannot be used.", hint=f"Set it to one of: {', '.join(allowed)}.")
    return value


def _trusted_proxies(env: Mapping[str, str]) -> TrustedProxies:
    networks: list[IpNetwork] = []
    for part in re.split(r"[,\s]+", env.get("TRUSTED_PROXIES", "")):
        if not part:
            continue
        try:
            network = ipaddress.ip_network(part)
        except ValueError:
            raise BadSetting(
                "TRUSTED_PROXIES is no list of networks.",
                hint="Set it to addresses or networks with commas, such as 127.0.0.1, 10.0.0.0/24; "
                "a network's address has no bits beyond its length.",
            ) from None
        if network.prefixlen < (8 if network.version == 4 else 16):
            raise BadSetting(
                "TRUSTED_PROXIES trusts too many.",
                hint="Whoever is in these networks may name any address as theirs: name the proxies alone.",
            )
        networks.append(network)
    return TrustedProxies(tuple(networks))


def _port(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise BadSetting(f"{name} is not a port.", hint=f"Set {name} to a number from 1 to 65535.")
    return int(text)


def _demo_port(env: Mapping[str, str], port: int) -> int | None:
    if env.get("DEMO_PORT", "").lower() == "off":
        return None
    chosen = _port(env, "DEMO_PORT") or (port + 1 if port < 65535 else port - 1)
    if chosen == port:
        raise BadSetting("DEMO_PORT and PORT are the same.", hint="Set DEMO_PORT to another port.")
    return chosen


def _demo(env: Mapping[str, str], port: int, host: str, home: Path) -> tuple[int | None, bool, str | None]:
    """Return the demo application's port, whether it runs against the rule below, and what keeps it off.

    Everybody knows its password, and its users can open cases: it runs by itself only where nothing says that
    the installation is for others.
    """
    chosen, wanted = _demo_port(env, port), _one_of(env, "DEMO", ("auto", "on", "off"))
    if wanted == "on" and chosen is None:
        raise BadSetting("DEMO and DEMO_PORT contradict each other.", hint="Unset one of them.")
    if chosen is None or wanted == "off":
        return None, False, "DEMO_PORT" if chosen is None else "DEMO"
    public = urlsplit(_http_url(env, "PUBLIC_URL") or "").hostname
    reasons = {
        "hosts.yml": (home / "hosts.yml").is_file(),
        "PUBLIC_URL": public is not None and not _is_loopback(public),
        "HOST": not _is_loopback(host),
    }
    reason = next((name for name, holds in reasons.items() if holds), None)
    if reason is None or wanted == "on":
        return chosen, reason is not None, None
    return None, False, reason


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _host(env: Mapping[str, str]) -> str:
    host = env.get("HOST", "") or "127.0.0.1"
    if not _HOST_NAME.match(host):
        raise BadSetting(
            "HOST is not an address.", hint="Set HOST to an address such as 127.0.0.1 or 0.0.0.0."
        )
    return host


def _http_url(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name, "")
    if not text:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username:
        raise BadSetting(
            f"{name} is not an address.", hint=f"Set {name} to one such as https://help.example.com."
        )
    return text.rstrip("/")


def _public_url(env: Mapping[str, str], host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return _http_url(env, "PUBLIC_URL") or f"http://{_in_url(shown)}:{port}"


def _database_url(env: Mapping[str, str]) -> str | None:
    text = env.get("DATABASE_URL", "")
    return normalise_database_url(text) if text else None


def normalise_database_url(text: str) -> str:
    """Turn any usual spelling of a PostgreSQL URL into SQLAlchemy's for asyncpg; `sslmode` becomes `ssl`.

    Raises:
        BadSetting: when it is not the URL of a PostgreSQL.
    """
    hint = "Set DATABASE_URL to postgresql://USER:PASSWORD@HOST:5432/NAME."
    try:
        parts = urlsplit(text)
        usable = parts.scheme in _POSTGRES_SCHEMES and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise BadSetting("DATABASE_URL is not the URL of a PostgreSQL.", hint=hint)
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(parts.query)]
    if not parts.hostname and "host" not in dict(query):
        raise BadSetting("DATABASE_URL names no server.", hint=hint)
    kept = urlencode(query, quote_via=quote)
    tail = f"?{kept}" if kept else ""
    return f"postgresql+asyncpg://{parts.netloc}{parts.path or '/postgres'}{tail}"


def _redis_url(env: Mapping[str, str]) -> str | None:
    text = env.get("REDIS_URL", "")
    if not text:
        return None
    text = re.sub(r"^valkey(s?)://", r"redis\1://", text)
    try:
        parts = urlsplit(text)
        database = parts.path.strip("/")
        usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (parts.port or 1) > 0
        usable = usable and (not database or database.isdigit())
    except ValueError:
        usable = False
    if not usable:
        raise BadSetting(
            "REDIS_URL is not the URL of a Redis.", hint="Set it to redis://:PASSWORD@HOST:6379/0."
        )
    return text
