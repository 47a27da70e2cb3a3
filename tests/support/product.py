"""The whole product in processes of its own, as `make run` starts it, for integration and e2e tests."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]
READY = "Firstline is ready"
_START_SECONDS = 120


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass
class Answer:
    """Status and body of a probe."""

    status: int
    body: dict[str, object]


@dataclass
class Product:
    """A running Firstline with a home of its own; encoder and model are those of the checkout."""

    home: Path
    port: int
    demo_port: int
    password: str | None = None
    password_changed: bool = False
    process: subprocess.Popen[bytes] | None = None
    stalled: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo_url(self) -> str:
        return f"http://127.0.0.1:{self.demo_port}"

    @property
    def log(self) -> Path:
        return self.home / "serve.out"

    @classmethod
    def make(cls, home: Path, built: Path) -> "Product":
        """Prepare a home that shares encoder and models with `built`."""
        home.mkdir(parents=True, exist_ok=True)
        for shared in ("encoder", "models"):
            (home / shared).symlink_to((built / shared).resolve())
        port, demo_port = free_ports(2)
        return cls(home, port, demo_port)

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        return {
            **kept,
            "FIRSTLINE_HOME": str(self.home),
            "PORT": str(self.port),
            "DEMO_PORT": str(self.demo_port),
            "PYTHONUNBUFFERED": "1",
        }

    async def start(self) -> None:
        """Start and wait until it says that it is ready."""
        with self.log.open("ab") as output:
            begin = output.tell()
            self.process = subprocess.Popen(  # noqa: ASYNC220 - a test starts it once
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            said = self.log.read_bytes()[begin:].decode(errors="replace")
            if READY in said:
                self._note_password(said)
                return
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended with {self.process.returncode}:\n{said[-3000:]}")
            await asyncio.sleep(0.1)
        raise AssertionError(f"not ready after {_START_SECONDS} s:\n{said[-3000:]}")

    def _note_password(self, said: str) -> None:
        for line in said.splitlines():
            if "admin@firstline.local" in line:
                self.password = line.split()[-1]

    async def stop(self) -> int:
        """Stop as an operator would, with SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, 30)

    def pid_of(self, part: str) -> int:
        """The process of a part: `app`, or a child by name."""
        if part == "app":
            assert self.process is not None
            return self.process.pid
        return int(json.loads((self.home / "run" / f"{part}.json").read_text())["pid"])

    async def kill(self, part: str) -> None:
        """`kill -9`."""
        os.kill(self.pid_of(part), signal.SIGKILL)
        if part == "app":
            assert self.process is not None
            await asyncio.to_thread(self.process.wait, 10)

    async def stall(self, part: str) -> None:
        """Stop a part from answering without ending it."""
        pid = self.pid_of(part)
        os.kill(pid, signal.SIGSTOP)
        self.stalled.append(pid)

    async def resume(self, part: str) -> None:
        """Let a stalled part go on, if it still is the same."""
        for pid in self.stalled:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue
        self.stalled.clear()

    async def ready(self) -> Answer:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as response:
            return Answer(response.status, await response.json())

    async def wait_ready(self, seconds: float = 90) -> None:
        """Wait until every part is ready again."""
        deadline = time.monotonic() + seconds
        state: object = None
        while time.monotonic() < deadline:
            try:
                answer = await self.ready()
                state = answer.body
                if answer.status == 200:
                    return
            except (aiohttp.ClientError, OSError):
                state = "no answer"
            await asyncio.sleep(0.3)
        raise AssertionError(f"not ready again: {state}")

    async def start_second(self) -> tuple[int, str]:
        """Try to start another one on the same home."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.cli",
            "serve",
            cwd=ROOT,
            env=self.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, output.decode(errors="replace")
