"""Starts `firstline serve` in a fraction of the time: forked from a process that has imported everything.

What runs is the real `serve` with its real children, which outlive `kill -9` and are adopted by the next one.
"""

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from typing import NoReturn

import aiohttp

from tests.support.product import ROOT, Product

_PATIENCE = 120


@dataclass
class PreloadedApp:
    """Starts and kills the app of a product, again and again."""

    product: Product
    source: subprocess.Popen[str] | None = None
    pid: int = 0

    async def start(self) -> None:
        """Start the app and wait until all its parts are ready."""
        if self.source is None:
            self.source = subprocess.Popen(  # noqa: ASYNC220 - a test starts it once
                [sys.executable, "-m", "tests.support.preloaded"], cwd=ROOT, env=self.product.environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        self.pid = int(await self._ask("start"))
        async with aiohttp.ClientSession() as session, asyncio.timeout(_PATIENCE):
            while not await self._ready(session):
                await asyncio.sleep(0.03)

    async def kill(self) -> None:
        """`kill -9`, between any two instructions."""
        os.kill(self.pid, signal.SIGKILL)
        await self._ask(f"wait {self.pid}")

    async def stop(self) -> int:
        """Stop it as an operator would, and all its children; returns the exit code."""
        assert self.source is not None
        os.kill(self.pid, signal.SIGTERM)
        code = os.waitstatus_to_exitcode(int(await self._ask(f"wait {self.pid}")))
        await asyncio.to_thread(self.source.communicate, timeout=20)
        return code

    async def _ask(self, line: str) -> str:
        assert self.source is not None
        return await asyncio.to_thread(self._exchange, self.source, line)

    @staticmethod
    def _exchange(source: "subprocess.Popen[str]", line: str) -> str:
        assert source.stdin is not None
        assert source.stdout is not None
        source.stdin.write(line + "\n")
        source.stdin.flush()
        answer = source.stdout.readline().strip()
        assert answer, "the preloaded process has ended"
        return answer

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.product.url}/readyz") as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError):
            os.kill(self.pid, 0)  # raises when it has ended
            return False


def _run() -> NoReturn:
    """Be the app; ends without the farewells of a process that has forked."""
    from app.serve import serve
    from app.settings import Settings

    code = 1
    try:
        settings = Settings.from_env()
        with (settings.home / "serve.out").open("ab") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.setsid()
        asyncio.run(serve(settings, as_json=True))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> None:
    """Import everything, then fork an app for each `start`."""
    importlib.import_module("app.serve")
    importlib.import_module("app.bootstrap")
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "wait":
            print(os.waitpid(int(rest), 0)[1], flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _run()
        print(pid, flush=True)


if __name__ == "__main__":
    main()
