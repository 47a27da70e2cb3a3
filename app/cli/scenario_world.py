"""Where scenarios are played: the Firstline that runs, or a temporary one beside it that ends with them."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from app.cli.services import opened_database
from app.ops import home_lock
from app.settings import Settings
from app.wiring.single_services import attempt_log, outcomes
from bot.scenarios.ports import Logged
from bot.scenarios.runner import World
from bot.scenarios.web import DemoApplication, FirstlineClient
from foundation.database import Database
from foundation.errors import Unavailable
from foundation.ids import ConversationId

_START_SECONDS = 180
_STOP_SECONDS = 40


@asynccontextmanager
async def world(settings: Settings, tell: Callable[[str], None]) -> AsyncIterator[World]:
    """Open the running product, or a temporary one, for scenarios.

    Raises:
        Unavailable: when it has no demo application, or cannot be started.
    """
    if settings.demo_url is None:
        raise Unavailable("Scenarios need the demo application.", hint="Start with DEMO=on.")
    async with contextlib.AsyncExitStack() as stack:
        if home_lock.running(settings.home) is None:
            tell("Firstline is not running: starting one in a temporary home.")
            settings = await stack.enter_async_context(_temporary(settings))
        database = await stack.enter_async_context(opened_database(settings))
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=40)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        host = DemoApplication(session, settings.demo_url or "")
        product = FirstlineClient(session, settings.local_url, host)
        yield World(host, product, LoggedAttempts(database))


class LoggedAttempts:
    """Reads the attempt log, which users cannot."""

    def __init__(self, database: Database) -> None:
        self._log = attempt_log(database)
        self._outcomes = outcomes(database)

    async def of(self, conversation: str) -> Logged:
        """Return the attempts of a conversation, and what it comes to as `firstline outcomes` counts it."""
        attempts = await self._log.for_conversation(ConversationId(conversation))
        known = await self._outcomes.of([conversation])
        return Logged([asdict(one) for one in attempts], known.get(conversation, "open"))


@asynccontextmanager
async def _temporary(settings: Settings) -> AsyncIterator[Settings]:
    """Run a Firstline in a temporary home with the encoder and the models of this one."""
    with tempfile.TemporaryDirectory(prefix="firstline-scenarios-") as folder:
        home = Path(folder)
        (home / "models").symlink_to(settings.models.resolve())
        port, demo_port = _free_ports(2)
        environment = {
            **settings.child_environment,
            "FIRSTLINE_HOME": folder,
            "FIRSTLINE_ENCODER_DIR": str(settings.encoder_dir),
            "PORT": str(port),
            "DEMO_PORT": str(demo_port),
            "DEMO": "on",
        }
        process = await _serve(settings.root, environment, home / "serve.out")
        try:
            yield Settings.from_env(environment, settings.root)
        finally:
            await _stop(process)


async def _serve(root: Path, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - our own command, started once
            [sys.executable, "-m", "app.cli", "serve", "--json"], cwd=root, env=environment, stdout=output,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not _serving(log):
                if process.poll() is not None:
                    raise Unavailable(
                        f"Firstline did not start: {_last_words(log)}", hint="Run `make install` first."
                    )
                await asyncio.sleep(0.2)
    except BaseException:
        await _stop(process)
        raise
    return process


def _serving(log: Path) -> bool:
    return any(line.get("event") == "serving" for line in _lines(log))


def _lines(log: Path) -> list[dict[str, Any]]:
    found = []
    for text in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict):
                found.append(line)
    return found


def _last_words(log: Path) -> str:
    said = [line for line in _lines(log) if "error" in line]
    if said and isinstance(said[-1]["error"], dict):
        return str(said[-1]["error"].get("message"))
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:300]


async def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(process.wait, _STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait, _STOP_SECONDS)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
