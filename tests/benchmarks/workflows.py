"""What reading state, diagnosing and acting add to a turn, beside the host application's own time.

    .venv/bin/python tests/benchmarks/workflows.py [--rounds 150] [--home .firstline]

The whole product runs on a temporary home: PostgreSQL, Valkey, Rasa and the demo application as processes of
their own, the app in this one, so that its calls to the host application can be timed. Every round makes
a user of its own and sends three messages through the public API, one after another:

    talk       "what can you do?"       an action that only speaks: what any turn costs
    diagnose   "my account is locked"   state and permissions are read, the cause found, consent asked for
    act        the button               read again, the operation run, read again, the proof shown

`host` is the time from the last byte of a request to the head of its answer, concurrent calls counted once.
What a turn adds is its time, less `host`, less the median of `talk`.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import aiohttp
from aiohttp import web

from app.bootstrap import build_app
from app.cli.services import Silent
from app.ops.supervisor import Supervisor
from app.overrides import Overrides
from app.settings import Settings
from bot.scenarios.ports import Chat, PlayedTurn
from bot.scenarios.web import DemoApplication, FirstlineClient
from connectors.hosts.http import open_session
from tests.benchmarks.installation import installed
from tests.support.product import free_ports

ROOT = Path(__file__).parents[2]
AIM_MS = 15.0


@dataclass
class HostTimes:
    """When calls to the host application began and ended."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def trace(self) -> aiohttp.TraceConfig:
        """Return what notes the spans."""
        config = aiohttp.TraceConfig()

        async def sent(_: Any, context: SimpleNamespace, __: Any) -> None:
            context.sent = time.perf_counter()

        async def answered(_: Any, context: SimpleNamespace, __: Any) -> None:
            self.spans.append((context.sent, time.perf_counter()))

        config.on_request_headers_sent.append(sent)
        config.on_request_chunk_sent.append(sent)
        config.on_request_end.append(answered)
        return config

    def take(self) -> float:
        """Return the seconds in which at least one call was under way, and forget them."""
        total, until = 0.0, 0.0
        for begin, end in sorted(self.spans):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        self.spans.clear()
        return total


def traced_session(times: HostTimes) -> aiohttp.ClientSession:
    """Open the session of the product's adapter, with every call timed."""
    session = open_session()
    trace = times.trace()
    trace.freeze()
    session._trace_configs.append(trace)
    return session


@asynccontextmanager
async def product(built: Path, times: HostTimes) -> AsyncIterator[Settings]:
    """Run everything on a temporary home, with the app in this process."""
    port, demo_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        home = Path(folder)
        (home / "models").symlink_to((built / "models").resolve())
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "FIRSTLINE_HOME": folder, "FIRSTLINE_ENCODER_DIR": str((built / "encoder").resolve()),
            "PORT": str(port), "DEMO_PORT": str(demo_port), "LOG_LEVEL": "error",
        }  # fmt: skip
        settings = Settings.from_env(environment, ROOT)
        supervisor = Supervisor(settings, Silent())
        try:
            await supervisor.start_stores()
            await asyncio.gather(supervisor.start_rasa(), supervisor.start_demo())
            async with traced_session(times) as session:
                app = await build_app(settings, supervisor.parts, Overrides(host_session=session))
                runner = web.AppRunner(app, access_log=None)
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", port).start()
                yield settings
                await runner.cleanup()
        finally:
            await supervisor.stop()


async def measure(settings: Settings, times: HostTimes, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Play the rounds; (milliseconds of the turn, of which the host's) by kind of turn."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        host = DemoApplication(session, settings.demo_url or "")
        firstline = FirstlineClient(session, settings.local_url, host)
        for number in range(-10, rounds):
            user = await host.make_user("ada", None, {})
            chat = await firstline.begin(user, {})
            one = {"talk": await timed(chat, times, "what can you do?")}
            one["diagnose"] = await timed(chat, times, "my account is locked")
            yes = next(button for button in one["diagnose"][2].buttons if button["payload"] == "/affirm")
            one["act"] = await timed(chat, times, yes["title"], yes["payload"])
            assert one["act"][2].cards[0]["outcome"] == "verified", one["act"][2].texts
            await host.remove_user(user.ref)
            for kind, (turn, of_host, _) in one.items():
                if number >= 0:
                    found[kind].append((turn * 1000, of_host * 1000))
    return found


async def timed(
    chat: Chat, times: HostTimes, text: str, choice: str | None = None
) -> tuple[float, float, PlayedTurn]:
    """Play one turn; seconds of it, and seconds in the host application."""
    times.take()
    started = time.perf_counter()
    turn = await chat.say(text, choice)
    return time.perf_counter() - started, times.take(), turn


def report(found: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Print the table and a JSON line."""
    talk = statistics.median(turn for turn, _ in found["talk"])
    print(f"{'':10}{'turn p50':>10}{'p95':>8}{'host p50':>10}{'p95':>8}{'adds p50':>10}{'p95':>8}   (ms)")
    summary: dict[str, Any] = {"benchmark": "workflows", "rounds": len(found["talk"])}
    for kind, rows in found.items():
        turns, hosts = [row[0] for row in rows], [row[1] for row in rows]
        adds = [turn - of_host - talk for turn, of_host in rows]
        figures = [pick(values, share) for values in (turns, hosts, adds) for share in (0.5, 0.95)]
        print(f"{kind:10}{figures[0]:10.1f}{figures[1]:8.1f}{figures[2]:10.1f}{figures[3]:8.1f}", end="")
        print("" if kind == "talk" else f"{figures[4]:10.1f}{figures[5]:8.1f}")
        names = ("turn_p50_ms", "turn_p95_ms", "host_p50_ms", "host_p95_ms", "adds_p50_ms", "adds_p95_ms")
        summary[kind] = {name: round(value, 2) for name, value in zip(names, figures, strict=True)}
    summary["aim_ms"] = AIM_MS
    summary["within_aim"] = all(summary[kind]["adds_p50_ms"] <= AIM_MS for kind in ("diagnose", "act"))
    print(json.dumps(summary))
    return summary


def pick(values: list[float], share: float) -> float:
    """Return the value below which this share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--home", type=Path, default=installed().home)
    args = parser.parse_args()
    times = HostTimes()
    async with product(args.home, times) as settings:
        found = await measure(settings, times, args.rounds)
    report(found)


if __name__ == "__main__":
    asyncio.run(main())
