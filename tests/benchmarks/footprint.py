"""Memory of the running product, process by process.

    .venv/bin/python tests/benchmarks/footprint.py [--home .firstline]

Linux only. `now` is PSS (shared pages counted once, /proc/PID/smaps_rollup), so the sum is the truth;
`peak` is each process's highest RSS (VmHWM), whose sum is an upper bound since it counts shared pages again.
"""

import argparse
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil

from tests.benchmarks.installation import check_running, installed

PARTS = ("serve", "rasa", "postgres", "valkey", "demo")


def kilobytes(file: Path, name: str) -> int:
    """Read a value such as `Pss:  1234 kB`; 0 when the process is gone."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", file.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def family(pid: int, others: set[int]) -> list[int]:
    """A process and its descendants, but for those that are parts of their own."""
    children = psutil.Process(pid).children()
    return [pid, *(one for child in children if child.pid not in others for one in family(child.pid, others))]


def main() -> None:
    """Print a table and a JSON line, in MiB."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=installed().home)
    home = check_running(parser.parse_args().home)
    roots = {
        part: int(json.loads((home / "run" / f"{part}.json").read_text())["pid"])
        for part in PARTS
        if (home / "run" / f"{part}.json").exists()
    }
    rows = {}
    for part, root in roots.items():
        pids = family(root, set(roots.values()) - {root})
        now = sum(kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss") for pid in pids)
        peak = sum(kilobytes(Path(f"/proc/{pid}/status"), "VmHWM") for pid in pids)
        rows[part] = {"now": round(now / 1024, 1), "peak": round(peak / 1024, 1)}
    rows["all"] = {key: round(sum(row[key] for row in rows.values()), 1) for key in ("now", "peak")}
    print(f"{'MiB':10}{'now':>10}{'peak':>10}")
    for part, row in rows.items():
        print(f"{part:10}{row['now']:10.1f}{row['peak']:10.1f}")
    print(json.dumps({"benchmark": "footprint", "unit": "MiB", **rows}))


if __name__ == "__main__":
    main()
