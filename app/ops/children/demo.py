"""The demo application, a process of its own as a real host application would be."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from app.ops.children import ports
from app.ops.children.child import Child, ChildFailed, Place, Plan
from app.ops.children.http_probe import answers
from app.ops.children.rasa import hash_of
from app.settings import Settings


class Demo(Child):
    """Kettle, the subscription product that Firstline supports out of the box."""

    name: ClassVar[str] = "demo"
    title: ClassVar[str] = "Demo application"
    start_deadline: ClassVar[float] = 30.0
    stop_deadline: ClassVar[float] = 4.0
    silence_deadline: ClassVar[float | None] = 40.0

    def __init__(self, place: Place, settings: Settings, port: int, key_ring: Path) -> None:
        super().__init__(place)
        self._settings = settings
        self._port = port
        self._key_ring = key_ring

    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        """Start it from the checkout. Raises ChildFailed when its port is taken by somebody else."""
        settings = self._settings
        ours = alive and facts.get("port") == self._port
        if not ours and not ports.is_free(self._port, settings.demo_host):
            raise ChildFailed(
                f"Port {self._port}, for the demo application, is taken by another program.",
                hint="Set DEMO_PORT to a free port, or DEMO to `off` to go without it.",
            )
        argv = (
            sys.executable, "-m", "connectors.hosts.demo", "--port", str(self._port),
            "--host", settings.demo_host,
            "--home", str(settings.home / "demo"), "--firstline-url", settings.public_url,
            "--keys", str(self._key_ring),
        )  # fmt: skip
        sources = settings.root / "connectors" / "hosts" / "demo"
        files = await asyncio.to_thread(lambda: sorted(sources.rglob("*.py")))
        environment = {**settings.child_environment, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
        return Plan(argv, environment, settings.root, {"port": self._port}, stamp=hash_of(files))

    async def ready(self) -> bool:
        """Ask for its front page."""
        host = self._settings.demo_host
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104
        return await answers(f"http://{host}:{self._port}/")
