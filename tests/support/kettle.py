"""Kettle in a process of its own, for tests of everything that talks to a host application."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from security.identity.keyring import KeyRing
from tests.support.product import free_ports

ROOT = Path(__file__).parents[2]
FIRSTLINE_URL = "http://127.0.0.1:9"
"""Nothing listens there: the widget does not load, and Kettle works without."""


@dataclass
class KettleProcess:
    """A running Kettle; `home` holds its state and its key ring."""

    home: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    firstline_url: str = FIRSTLINE_URL
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> Path:
        """The key ring that it shares with Firstline."""
        return self.home / "keys" / "kettle.json"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = self._spawn()
        await self._wait_until_ready(self.process)

    def _spawn(self) -> subprocess.Popen[bytes]:
        KeyRing.create(self.keys, "kettle")
        command = [sys.executable, "-m", "connectors.hosts.demo", "--port", str(self.port)]
        command += ["--home", str(self.home), "--keys", str(self.keys), "--firstline-url", self.firstline_url]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    async def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        async with aiohttp.ClientSession() as session, asyncio.timeout(20):
            while True:
                assert process.poll() is None, "Kettle ended while starting"
                try:
                    async with session.get(f"{self.url}/healthz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it at once, without letting it tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def post(self, path: str, content: Any) -> Any:
        """Call its demo API."""
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(content).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def struck(self) -> dict[str, int]:
        """How often each kind of fault has struck since they were set."""
        with urllib.request.urlopen(f"{self.url}/demo/faults", timeout=10) as answer:
            counts: dict[str, int] = json.loads(answer.read())["struck"]
            return counts

    def reset(self, user: str | None = None) -> None:
        """Put the sample data back, and turn faults off."""
        self.post("/demo/reset", {"user": user} if user else {})
        self.post("/demo/faults", {})
