"""The applications that are connected."""

from pathlib import Path

import aiohttp

from app.settings import Settings
from connectors.hosts.registry import HostRegistry, HostSettings, connect_hosts, find_hosts_file, load_hosts
from foundation.clock import Clock
from security.identity.keyring import KeyRing


def known_hosts(settings: Settings) -> dict[str, HostSettings]:
    """The applications that hosts.yml names; the sample is among them only where it runs.

    Raises:
        HostsFileInvalid: when the file cannot be used.
    """
    variables = {"home": str(settings.home)}
    if settings.demo_port is not None and settings.demo_url is not None:
        variables |= {"demo_port": str(settings.demo_port), "demo_url": settings.demo_url}
    return load_hosts(find_hosts_file(settings.home, settings.root), variables)


def connect_known_hosts(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> HostRegistry:
    """Connect the applications that hosts.yml names; a key ring that is missing is made."""
    hosts = known_hosts(settings)
    for name, host in hosts.items():
        if not Path(host.keyring).exists():
            KeyRing.create(Path(host.keyring), name, clock)
    return connect_hosts(hosts, session, lambda path: KeyRing.load(path, clock))
