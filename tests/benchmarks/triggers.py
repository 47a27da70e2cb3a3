"""Predictive help: events a second on one core, beside parsing the same events as JSON; memory a user.

    .venv/bin/python tests/benchmarks/triggers.py [--events 200000] [--users 10000]

Prints a table and a JSON line. The policy is the one that ships; the stream is random, with a fixed seed.
"""

import argparse
import json
import random
import sys
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from actions.triggers.domain import BehaviourEvent  # noqa: E402
from actions.triggers.evaluator import Evaluator  # noqa: E402
from actions.triggers.policy import parse_policy  # noqa: E402
from actions.triggers.replay import Replay, read_events  # noqa: E402

STEPS = ("sign_in", "save_preferences", "retry_payment", "card_form", "new_export", "other")
PAGES = ("/", "/billing", "/deliveries", "/preferences", "/exports")
TYPES = ("action_failed", "rage_click", "hesitation", "error_shown", "page_view", "page_view", "page_view")
CODES = ("KT-1001", "KT-1004", "KT-1005", "KT-1008", "KT-1010")


def stream(events: int, users: int) -> list[str]:
    """Recorded events as JSON lines."""
    chance = random.Random(11)
    return [
        json.dumps(
            {
                "id": f"evt_{number:012d}", "user": f"u{chance.randrange(users)}",
                "type": chance.choice(TYPES), "at": 1_700_000_000 + number * 0.005,
                "step": chance.choice(STEPS), "page": chance.choice(PAGES), "code": chance.choice(CODES),
            }
        )
        for number in range(events)
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--users", type=int, default=10_000)
    options = parser.parse_args()
    policy = parse_policy((ROOT / "data/policies/triggers.yml").read_bytes())
    lines = stream(options.events, options.users)

    started = time.process_time()
    for line in lines:
        json.loads(line)
    parsing = time.process_time() - started

    events: list[BehaviourEvent] = list(read_events(lines))
    evaluator = Evaluator(policy.triggers)
    started = time.process_time()
    fired = sum(len(evaluator.feed(event)) for event in events)
    evaluating = time.process_time() - started

    replay = Replay(policy)
    started = time.process_time()
    for event in read_events(lines):
        replay.feed(event)
    replaying = time.process_time() - started

    tracemalloc.start()
    measured = Evaluator(policy.triggers)
    for event in events:
        measured.feed(event)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    figures = {
        "events": options.events,
        "users": options.users,
        "fired": fired,
        "parse_per_s": round(options.events / parsing),
        "evaluate_per_s": round(options.events / evaluating),
        "replay_per_s": round(options.events / replaying),
        "evaluate_to_parse": round(evaluating / parsing, 2),
        "mib_per_10k_users": round(memory / 2**20 * 10_000 / max(1, len(measured)), 1),
    }
    for name, value in figures.items():
        print(f"{name:22}{value:>14}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
