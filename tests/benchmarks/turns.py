"""Turns through the public API beside the same messages sent to Rasa's own REST webhook.

Run against a running Firstline (`make run`):

    .venv/bin/python tests/benchmarks/turns.py [--conversations 16] [--rounds 12]

Both sides get the same messages in the same conversations' number, in turns (A B A B), so that a drift of the
machine's speed hits both. A message's time runs from sending to having the whole answer. CPU is that of the
processes that serve: firstline, Rasa, PostgreSQL and Valkey for the API; the same set for REST, since Rasa's
actions are served by firstline there too.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import aiohttp
import psutil

from bot.scenarios.web import DemoApplication
from tests.benchmarks.installation import check_running, installed
from tests.support.client import UserClient, user_token

MESSAGES = [
    "hello",
    "what can you do?",
    "where is my order?",
    "how do I pause my subscription",
    "thanks a lot",
    "how can I change my delivery address?",
    "are you a robot",
    "can I get an invoice for last month",
]
USERS = ["hana", "fay", "ben", "dev"]


async def begin(session: aiohttp.ClientSession, args: Any, number: int) -> UserClient:
    """A conversation of a throw-away user: what one user may do is limited, and this is about many."""
    made = await DemoApplication(session, args.demo_url).make_user(USERS[number % len(USERS)], None, {})
    return await UserClient(session, args.url, args.home, made.ref).begin()


async def through_api(session: aiohttp.ClientSession, args: Any, number: int) -> list[float]:
    """One conversation over the WebSocket; seconds per message."""
    user = await begin(session, args, number)
    token, times = user_token(args.home, user.ref), []
    async with session.ws_connect(f"{args.url}/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": token, "conversation": user.conversation})
        assert (await socket.receive_json())["type"] == "welcome"
        for round_number in range(args.rounds):
            text = MESSAGES[(round_number + number) % len(MESSAGES)]
            started = time.perf_counter()
            await socket.send_json(
                {"type": "message", "client_key": f"{number}-{round_number}", "text": text}
            )
            while True:
                frame = await socket.receive_json(timeout=60)
                event = frame.get("event", {})
                if event.get("type") == "message" and event["author"]["kind"] != "user":
                    times.append(time.perf_counter() - started)
                    break
            await _rest_of_turn(socket)
    return times


async def _rest_of_turn(socket: Any) -> None:
    """Read on until the assistant has stopped typing, so the next message meets an idle conversation."""
    while True:
        frame = await socket.receive_json(timeout=60)
        if frame["type"] == "typing" and frame["author"]["kind"] == "bot" and not frame["active"]:
            return


async def through_rest(session: aiohttp.ClientSession, args: Any, number: int) -> list[float]:
    """One conversation over Rasa's REST webhook; the id is a real one, so actions find the user."""
    user = await begin(session, args, number)
    times = []
    for round_number in range(args.rounds):
        text = MESSAGES[(round_number + number) % len(MESSAGES)]
        started = time.perf_counter()
        async with session.post(
            f"{args.rasa_url}/webhooks/rest/webhook", json={"sender": user.conversation, "message": text}
        ) as response:
            answer = await response.json()
        times.append(time.perf_counter() - started)
        assert answer, f"Rasa said nothing to {text!r}"
    return times


async def measure(run: Any, session: aiohttp.ClientSession, args: Any) -> dict[str, float]:
    """Run all conversations at once; seconds, messages a second and CPU a message."""
    cpu_before, started = cpu_seconds(args.pids), time.perf_counter()
    results = await asyncio.gather(*(run(session, args, number) for number in range(args.conversations)))
    elapsed, cpu = time.perf_counter() - started, cpu_seconds(args.pids) - cpu_before
    times = sorted(seconds for one in results for seconds in one)
    return {
        "p50_ms": statistics.median(times) * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
        "messages_per_second": len(times) / elapsed,
        "cpu_ms_per_message": cpu / len(times) * 1000,
    }


def cpu_seconds(pids: list[int]) -> float:
    """User and system seconds of the processes and their children."""
    total = 0.0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            for one in [process, *process.children(recursive=True)]:
                times = one.cpu_times()
                total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def serving_pids(home: Path) -> tuple[list[int], str]:
    """The processes that serve `home`, and Rasa's address, as `firstline serve` noted them."""
    run = {name: json.loads((home / "run" / f"{name}.json").read_text()) for name in ("serve", "rasa")}
    pids = [run["serve"]["pid"]]
    if psutil.Process(run["rasa"]["pid"]).ppid() != run["serve"]["pid"]:
        pids.append(run["rasa"]["pid"])  # adopted after a restart, so no child of serve
    return pids, f"http://127.0.0.1:{run['rasa']['facts']['port']}"


async def main() -> None:
    """Measure and print a table and a JSON line."""
    settings = installed()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default=settings.local_url)
    parser.add_argument("--demo-url", default=settings.demo_url)
    parser.add_argument("--home", type=Path, default=settings.home)
    parser.add_argument("--conversations", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    args.pids, args.rasa_url = serving_pids(check_running(args.home))
    runs: dict[str, list[dict[str, float]]] = {"firstline_api": [], "rasa_rest": []}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=120)
    ) as session:
        warm = argparse.Namespace(**{**vars(args), "rounds": 3, "conversations": 4})
        for run in (through_api, through_rest):
            await measure(run, session, warm)
        for _ in range(args.repeats):
            runs["firstline_api"].append(await measure(through_api, session, args))
            runs["rasa_rest"].append(await measure(through_rest, session, args))
    report(runs, args)


def report(runs: dict[str, list[dict[str, float]]], args: Any) -> None:
    """Print medians over the repeats, and the ratio of each figure pair by pair."""
    names = list(runs["rasa_rest"][0])
    api, rest = runs["firstline_api"], runs["rasa_rest"]
    summary: dict[str, dict[str, float]] = {"firstline_api": {}, "rasa_rest": {}, "ratio": {}}
    for name in names:
        summary["firstline_api"][name] = statistics.median(one[name] for one in api)
        summary["rasa_rest"][name] = statistics.median(one[name] for one in rest)
        summary["ratio"][name] = statistics.median(a[name] / b[name] for a, b in zip(api, rest, strict=True))
    print(f"{args.conversations} conversations at once, {args.rounds} messages each, {args.repeats} repeats")
    print(f"{'':24}{'firstline API':>16}{'Rasa REST':>16}{'ratio':>10}")
    for name in names:
        values = (summary[side][name] for side in ("firstline_api", "rasa_rest", "ratio"))
        print("{:24}{:16.1f}{:16.1f}{:10.2f}".format(name, *values))
    rounded = {side: {name: round(value, 3) for name, value in row.items()} for side, row in summary.items()}
    print(json.dumps({"benchmark": "turns", **rounded}))


if __name__ == "__main__":
    asyncio.run(main())
