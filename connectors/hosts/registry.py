"""Which applications are supported: hosts.yml, and the applications by name.

hosts:
  kettle:
    title: Kettle
    base_url: http://127.0.0.1:{demo_port}
    keyring: "{home}/keys/hosts/kettle.json"       # this is the default
    allowed_origins: ["http://127.0.0.1:{demo_port}"]
    timeouts: {connect: 3, total: 8}               # seconds; these are the defaults
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from connectors.hosts.http import HttpHostApplication, Timeouts
from connectors.hosts.signing import SigningKeys
from foundation import strict_yaml
from foundation.errors import FirstlineError, InvalidInput, NotFound

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class HostsFileInvalid(FirstlineError):
    """hosts.yml cannot be used; the message names the file, the place and what is expected there."""

    status = 500
    code = "hosts_file_invalid"


class UnknownHost(NotFound):
    """No application of this name is connected."""

    code = "unknown_host"


class TimeoutSettings(BaseModel):
    """Seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    connect: float = Field(default=3.0, gt=0, le=30)
    total: float = Field(default=8.0, gt=0, le=60)


class HostSettings(BaseModel):
    """One application in hosts.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = Field(min_length=1, max_length=100)
    base_url: str
    keyring: Path
    allowed_origins: tuple[str, ...] = Field(min_length=1)
    timeouts: TimeoutSettings = TimeoutSettings()
    allow_http: bool = False
    sample: bool = False

    @field_validator("base_url")
    @classmethod
    def _usable_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be a URL such as https://app.example.com")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must have no user, no query and no fragment")
        _ = parts.port
        return url.rstrip("/")

    @field_validator("allowed_origins")
    @classmethod
    def _usable_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
                raise ValueError("each must be scheme, host and port only, such as https://app.example.com")
        return origins

    def check_transport(self) -> None:
        """Raise `ValueError` when user data would cross a network in clear."""
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.allow_http:
            raise ValueError("base_url: use https, or set allow_http: true when the network is yours alone")


class _HostsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    hosts: dict[HostName, HostSettings]


def find_hosts_file(home: Path, root: Path) -> Path:
    """Return the deployment's own hosts.yml in `home`, else the one that comes with the product."""
    own = home / "hosts.yml"
    return own if own.is_file() else root / "data" / "policies" / "hosts.yml"


def load_hosts(path: Path, variables: Mapping[str, str]) -> dict[str, HostSettings]:
    """Read hosts.yml; `{home}`, `{demo_port}`, `{demo_url}`, or what else is in `variables`, are filled in.

    A host with `sample: true` is left out where the sample application does not run (no `demo_port`).

    Raises:
        HostsFileInvalid: with one line for each thing that is wrong.
    """
    try:
        content = strict_yaml.load(path.read_bytes(), path.name).value
    except OSError as error:
        raise HostsFileInvalid(f"{path} cannot be read: {error.strerror}.") from None
    except InvalidInput as error:
        raise HostsFileInvalid(error.message) from None
    try:
        filled = _fill(_prepare(content, sample="demo_port" in variables), variables)
        hosts = _HostsFile.model_validate(filled).hosts
        for settings in hosts.values():
            settings.check_transport()
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise HostsFileInvalid(f"{path.name} cannot be used. " + "; ".join(lines)) from None
    except ValueError as error:
        raise HostsFileInvalid(f"{path.name} cannot be used. {error}") from None
    return dict(hosts)


class HostRegistry:
    """The connected applications by name."""

    def __init__(
        self, hosts: Mapping[str, HostSettings], applications: Mapping[str, HttpHostApplication]
    ) -> None:
        self.hosts = dict(hosts)
        self._applications = dict(applications)

    def __iter__(self) -> Iterator[str]:
        return iter(self._applications)

    def get(self, name: str) -> HttpHostApplication:
        """Return the application `name`.

        Raises:
            UnknownHost: when it is not connected.
        """
        found = self._applications.get(name)
        if found is None:
            raise UnknownHost("No such application is connected.", hint="Add it to hosts.yml.")
        return found

    def allowed_origins(self, name: str | None = None) -> frozenset[str]:
        """Return the origins whose pages may hold the widget: of one application, or of all."""
        chosen = self.hosts.values() if name is None else [self.hosts[name]] if name in self.hosts else []
        return frozenset(origin for settings in chosen for origin in settings.allowed_origins)


def connect_hosts(
    hosts: Mapping[str, HostSettings],
    session: aiohttp.ClientSession,
    open_keys: Callable[[Path], SigningKeys],
) -> HostRegistry:
    """Return the registry; `open_keys` opens a key ring file (`security.identity.keyring.KeyRing`)."""
    return HostRegistry(
        hosts,
        {
            name: HttpHostApplication(
                name,
                settings.base_url,
                open_keys(settings.keyring),
                session,
                timeouts=Timeouts(settings.timeouts.connect, settings.timeouts.total),
            )
            for name, settings in hosts.items()
        },
    )


def _prepare(content: Any, *, sample: bool) -> Any:
    """Drop the sample application where it does not run; name the key ring file where none is said."""
    hosts = content.get("hosts") if isinstance(content, dict) else None
    if not isinstance(hosts, dict):
        return content
    kept: dict[Any, Any] = {}
    for name, settings in hosts.items():
        if isinstance(settings, dict):
            if settings.get("sample") is True and not sample:
                continue
            settings.setdefault("keyring", f"{{home}}/keys/hosts/{name}.json")
        kept[name] = settings
    return {**content, "hosts": kept}


def _fill(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    try:
        return value.format_map(variables)
    except KeyError as error:
        known = ", ".join(sorted(variables))
        raise ValueError(f"{{{error.args[0]}}} is not known here; known: {known}") from None
    except (ValueError, IndexError, AttributeError):
        raise ValueError("a text has an unpaired brace") from None
