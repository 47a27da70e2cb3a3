"""A child that is quick to start: a small HTTP server, which the tests kill, stop and start again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.ops.children import ports
from app.ops.children.child import Child, Place, Plan
from app.ops.children.http_probe import answers

_PROGRAM = """
import http.server, os, signal, sys, time
mode, port = sys.argv[1], int(sys.argv[2])
if "deaf" in mode:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "parent" in mode and os.fork() == 0:
    time.sleep(600)
if "broken" in mode:
    sys.exit("it cannot work like this")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class Small(Child):
    """A child for tests; `mode` names its bad manners, `stamp` what it was made from."""

    name = "small"
    title = "Small server"
    start_deadline = 20.0
    stop_deadline = 1.0
    first_delay = 0.01

    def __init__(self, place: Place, mode: str = "plain", stamp: str = "") -> None:
        super().__init__(place)
        self.mode = mode
        self.stamp = stamp
        self.port = 0

    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        self.port = ports.choose(self.port or facts.get("port"), in_use_by_us=alive)
        argv = (sys.executable, "-I", "-c", _PROGRAM, self.mode, str(self.port))
        return Plan(argv, {}, self.place.run, {"port": self.port}, stamp=self.stamp)

    async def ready(self) -> bool:
        return await answers(f"http://127.0.0.1:{self.port}/")

    def abandon(self) -> None:
        """What a `kill -9` of Firstline does: nobody looks after the child any more, and it runs on."""
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    @property
    def pid(self) -> int:
        record = Child.record_in(self.place.run, self.name)
        assert record is not None
        return record.pid


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.within(tmp_path / "home")


@pytest.fixture
async def tidy(place: Place) -> AsyncIterator[None]:
    """Leave no process behind, whatever the test did."""
    yield
    record = Child.record_in(place.run, Small.name)
    if record is not None and record.alive:
        os.killpg(record.pid, signal.SIGKILL)
        while record.alive:
            await asyncio.sleep(0.02)
