"""The wired app on a real loopback port, on a thread and a loop of its own, for clients that block."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from app.bootstrap import FIRSTLINE, Firstline, build_app
from app.ops.parts import Parts
from app.overrides import Overrides
from app.schema.migrate import upgrade
from app.settings import Settings
from foundation.database import Database
from foundation.http.connections import ConnectionLimits, LimitedSite
from tests.support.brain import StandInBrain

T = TypeVar("T")


@dataclass
class Running:
    """The app that runs, and its services; `do` runs something on the app's own loop."""

    url: str
    port: int
    firstline: Firstline
    home: Path
    service_token: str
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T], within: float = 30) -> T:
        """Run `work` on the app's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within)


@contextlib.contextmanager
def running(
    home: Path, encoder_dir: Path, database_url: str, redis_url: str, limits: ConnectionLimits | None = None
) -> Iterator[Running]:
    """Run the app, with a brain that answers every turn with the same words, until the block ends."""
    settings = Settings.from_env({"FIRSTLINE_HOME": str(home), "FIRSTLINE_ENCODER_DIR": str(encoder_dir)})
    ready: Future[Running] = Future()
    stopping = asyncio.Event()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            database = Database.open(database_url)
            await upgrade(database)
            await database.close()
            parts = Parts.fixed(settings, database_url, redis_url, "http://127.0.0.1:9")
            app = await build_app(settings, parts, Overrides(brain=StandInBrain("I heard you.")))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            listening = socket.create_server(("127.0.0.1", 0))
            listening.setblocking(False)
            await LimitedSite(runner, listening, limits or ConnectionLimits()).start()
            port = listening.getsockname()[1]
            ready.set_result(
                Running(f"http://127.0.0.1:{port}", port, app[FIRSTLINE], home,
                        parts.secrets.service_token, loop)
            )  # fmt: skip
            await stopping.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            else:
                raise

    thread = threading.Thread(target=run, name="app")
    thread.start()
    app = ready.result(120)
    try:
        yield app
    finally:
        app.loop.call_soon_threadsafe(stopping.set)
        thread.join(60)
    assert not thread.is_alive(), "the app did not stop"
