"""The one process that runs everything: children, then the app, until it is told to stop."""

import asyncio
import contextlib
import importlib
import json
import signal
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from app.ops import home_lock, log_file
from app.ops.listening import open_connections, reserved
from app.ops.supervisor import Supervisor
from app.settings import Settings
from foundation.errors import FirstlineError
from foundation.http.connections import ConnectionLimits, LimitedSite
from security.audit.keys import AuditKeys

if TYPE_CHECKING:
    from app.bootstrap import Firstline

_SHUTDOWN = 3.0
_LET_GO = 10.0
"""Seconds that the app has to stop; after them the children are stopped all the same."""
_log = structlog.get_logger("firstline.serve")


@dataclass
class ServeConsole:
    """Progress for people, or as JSON lines for programs."""

    as_json: bool = False
    started: float = field(default_factory=time.monotonic)
    begun: dict[str, float] = field(default_factory=dict)

    def begins(self, part: str) -> None:
        """Note when a part began; nothing is printed until it is ready, so that lines never interleave."""
        self.begun[part] = time.monotonic()
        if self.as_json:
            self._json("starting", part=part)

    def ready(self, part: str, note: str = "") -> None:
        """Print that a part is ready and how long it took."""
        seconds = time.monotonic() - self.begun.pop(part, self.started)
        if self.as_json:
            self._json("ready", part=part, seconds=round(seconds, 2), note=note)
        else:
            self._line(f"  {part:<18} ready in {seconds:4.1f} s{f' ({note})' if note else ''}")

    def all_ready(self, settings: Settings, password: str | None) -> None:
        """Print where everything is, and the administrator's first password, once."""
        base, seconds = settings.public_url, time.monotonic() - self.started
        pages = {"console": "/console", "editor": "/editor", "review": "/review", "help": "/help"}
        if self.as_json:
            found = {name: base + path for name, path in pages.items()}
            self._json("serving", url=base, demo=settings.demo_url, demo_forced=settings.demo_forced,
                       pages=found, seconds=round(seconds, 2),
                       admin="admin@firstline.local" if password else None, password=password)  # fmt: skip
            return
        lines = [f"Firstline is ready: {base}  ({seconds:.1f} s)", ""]
        if settings.demo_url:
            lines += [f"  Demo application   {settings.demo_url}   (sign in as ada, password kettle-demo)"]
        lines += [f"  {title:<18} {base}{path}" for title, path in _PAGES]
        if settings.demo_forced:
            lines += ["", f"  WARNING: {DEMO_WARNING}"]
        if password:
            lines += ["", "  First sign-in for staff, shown this once, to be changed then:",
                      f"  admin@firstline.local  {password}"]  # fmt: skip
        self._line("\n".join([*lines, "", "Stop with Ctrl-C."]))

    def stopping(self) -> None:
        """Print that it stops."""
        if self.as_json:
            self._json("stopping")
        else:
            self._line("Stopping ...")

    def _json(self, event: str, **more: Any) -> None:
        self._line(json.dumps({"event": event, **more}))

    def _line(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            print(text, flush=True)


DEMO_WARNING = (
    "DEMO=on runs the demo application, whose password everybody knows, though this\n"
    "  installation is configured for others. Its users can open cases. Unset DEMO when you have looked."
)
_PAGES = (
    ("Agent console", "/console"),
    ("Article editor", "/editor"),
    ("Review", "/review"),
    ("Help centre", "/help"),
    ("API description", "/openapi.json"),
)


async def serve(settings: Settings, *, as_json: bool = False) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        FirstlineError: when the home is in use, a port is taken, the key of the audit log cannot be used, or
            a part does not start.
    """
    console = ServeConsole(as_json)
    with home_lock.hold(settings.home, settings.public_url), reserved(settings) as listening:
        log_file.set_up(settings.logs, settings.log_level)
        AuditKeys(settings.audit_keys).check()
        stop = _stop_on_signals()
        supervisor = Supervisor(settings, console)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(supervisor.stop)
            if await _unless(stop, _start(supervisor, console, listening, stack)):
                _log.info("serving", port=settings.port)
                if settings.demo_forced:
                    _log.warning("demo_runs", why="DEMO=on")
                await stop.wait()
            console.stopping()
            _log.info("stopping")


async def _start(
    supervisor: Supervisor, console: ServeConsole, listening: socket.socket, stack: contextlib.AsyncExitStack
) -> None:
    """Start everything: stores first, then Rasa, which takes longest, beside the rest."""
    try:
        await supervisor.start_stores()
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.start_rasa())
            group.create_task(supervisor.start_demo())
            app = group.create_task(_start_app(supervisor, console, listening, stack))
    except BaseExceptionGroup as group_of_errors:
        raise _first(group_of_errors) from group_of_errors
    admin = await app.result().bootstrap_admin()
    console.all_ready(supervisor.settings, admin.password if admin else None)


async def _start_app(
    supervisor: Supervisor, console: ServeConsole, listening: socket.socket, stack: contextlib.AsyncExitStack
) -> "Firstline":
    console.begins("App")
    # Importing everything takes seconds, in which Rasa loads too; off the loop, which watches over it.
    await asyncio.to_thread(importlib.import_module, "app.bootstrap")
    from app.bootstrap import FIRSTLINE, build_app

    app = await build_app(supervisor.settings, supervisor.parts)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN, handle_signals=False)
    stack.push_async_callback(_clean_up, runner)
    await runner.setup()
    await LimitedSite(runner, listening, ConnectionLimits(open=open_connections())).start()
    console.ready("App")
    console.begins("Help articles")
    firstline = app[FIRSTLINE]
    report = await firstline.seed()
    for name, problem in report.failed.items():
        _log.error("article_not_imported", file=name, problem=problem)
    new = len(report.created) + len(report.updated)
    console.ready("Help articles", f"{new} imported" if new else "")
    return firstline


async def _clean_up(runner: web.AppRunner) -> None:
    try:
        async with asyncio.timeout(_LET_GO):
            await runner.cleanup()
    except TimeoutError:
        _log.error("app_did_not_stop")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None], *, let_go: float = _LET_GO) -> bool:
    """Do `work` unless told to stop; says whether it was done."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
            return True
        return False
    finally:
        stopping.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=let_go)
            if task.done() and not task.cancelled() and task.exception() is not None:
                _log.info("start_ended", reason=type(task.exception()).__name__)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to show: ours before any other."""
    ours, _ = group.split(FirstlineError)
    found: BaseException = ours or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
