"""Masking: how much of what it should find it finds, how much it takes that may stay, and how long it needs.

    .venv/bin/python tests/benchmarks/masking.py [--templates FILE] [--dataset FILE] [--plain FILE ...]
    [--seed 7] [--misses KIND] [--taken]

`--templates` is a file with one text a line and slots such as `{{person}}` (that of presidio-research, MIT,
fits); `--dataset` is presidio-research's `synth_dataset_v2.json`; `--plain` are texts (.csv, .jsonl, .md,
.txt, .json) that hold next to nothing personal: each line in which something is masked counts as taken. A
value is found when none of its letters and digits stays; an address when nine tenths of its street, else six
tenths of the whole, are gone. Prints tables and a JSON line.
"""

import argparse
import csv
import json
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from security.privacy.masking import find, mask  # noqa: E402
from security.privacy.masking_personal import mask_personal, personal_canvas  # noqa: E402
from security.privacy.masking_text import Canvas  # noqa: E402
from tests.benchmarks.masking_texts import DEVELOPMENT, MAY_STAY, SEALED, SECOND  # noqa: E402
from tests.benchmarks.masking_values import SLOTS, Values  # noqa: E402

Found = list[tuple[int, int, str]]
GOLD = {
    "PERSON": "person",
    "STREET_ADDRESS": "street",
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip",
    "US_DRIVER_LICENSE": "licence",
}


@dataclass(frozen=True)
class Case:
    """A text and what must be found in it: start, end, kind."""

    text: str
    gold: list[tuple[int, int, str]]


def filled(lines: str, values: Values, times: int) -> Iterator[Case]:
    """Fill the slots of each line so many times."""
    for line in lines.strip().splitlines():
        for _ in range(times):
            text, gold = "", []
            for piece in re.split(r"(\{\{\w+\}\})", line.replace("\\n", "\n")):
                if piece.startswith("{{") and piece[2:-2] in SLOTS:
                    value, kind = values.of(piece[2:-2])
                    if kind:
                        gold.append((len(text), len(text) + len(value), kind))
                    piece = value
                text += piece
            yield Case(text, gold)


def dataset(path: Path) -> Iterator[Case]:
    """Read labelled texts in presidio-research's form."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        spans = [
            (s["start_position"], s["end_position"], GOLD[s["entity_type"]])
            for s in row["spans"]
            if s["entity_type"] in GOLD
        ]
        yield Case(row["full_text"], spans)


def is_found(case: Case, start: int, end: int, kind: str, found: Found) -> bool:
    """Tell whether what was told there is gone."""
    hidden = bytearray(len(case.text))
    for a, b, _ in found:
        hidden[a:b] = b"\1" * (b - a)
    places = [i for i in range(start, end) if case.text[i].isalnum()]
    gone = sum(hidden[i] for i in places)
    if kind == "street":
        first = case.text[start:end].split("\n")[0].split(",")[0]
        street = [i for i in range(start, start + len(first)) if case.text[i].isalnum()]
        return gone >= 0.9 * len(places) or (
            sum(hidden[i] for i in street) >= 0.9 * len(street) and gone >= 0.6 * len(places)
        )
    if kind == "link":
        return not any(
            len(part) >= 12 and part in _visible(case.text, found)
            for part in re.findall(r"\w+", case.text[start:end].partition("//")[2].partition("/")[2])
        )
    return gone == len(places)


def _visible(text: str, found: Found) -> str:
    pieces, done = [], 0
    for a, b, _ in found:
        pieces.append(text[done:a])
        done = max(done, b)
    return " ".join([*pieces, text[done:]])


def recall(cases: list[Case], show: str | None) -> dict[str, tuple[int, int]]:
    """Count found and told by kind."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case in cases:
        found = personal_canvas(case.text).found
        for start, end, kind in case.gold:
            hit = is_found(case, start, end, kind, found)
            counts[kind][0] += hit
            counts[kind][1] += 1
            if not hit and show in (kind, "all"):
                print(f"  missed {kind}: {case.text[start:end]!r} in {mask_personal(case.text)[:150]!r}")
    return {kind: (a, b) for kind, (a, b) in sorted(counts.items())}


def lines_of(path: Path) -> Iterator[str]:
    """Read the texts of a file, one a row or line."""
    content = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".csv":
        for row in csv.DictReader(content.splitlines()):
            yield row.get("text") or row.get("sentence") or next(iter(row.values())) or ""
    elif path.suffix == ".jsonl":
        for line in content.splitlines():
            row = json.loads(line)
            yield f"{row.get('title', '')}\n{row.get('text', '')}".strip()
    elif path.suffix == ".json":
        yield from _strings(json.loads(content))
    else:
        yield from (line for line in content.splitlines() if line.strip())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def precision(texts: list[str], *, show: bool) -> dict[str, Any]:
    """Count the texts in which the quick and the full mask take something, by placeholder."""
    quick, full = Counter[str](), Counter[str]()
    touched = [0, 0]
    for text in texts:
        canvas = Canvas(text)
        find(canvas)
        first = canvas.found
        second = personal_canvas(text).found
        touched[0] += bool(first)
        touched[1] += bool(second)
        quick.update(label for _, _, label in first)
        full.update(label for _, _, label in second)
        if show and second:
            for a, b, label in second:
                print(f"  taken [{label}] {text[a:b]!r} in {text[max(0, a - 40) : b + 30]!r}")
    return {
        "texts": len(texts),
        "quick": touched[0],
        "full": touched[1],
        "quick_by": dict(quick),
        "full_by": dict(full),
    }


def latency(texts: list[str]) -> dict[str, float]:
    """Return the median and the 95th percentile in ms a text, of the quick and the full mask."""
    result: dict[str, float] = {}
    for name, function in (("quick", mask), ("full", mask_personal)):
        function(texts[0])
        took = []
        for text in texts:
            begun = time.process_time()
            function(text)
            took.append((time.process_time() - begun) * 1000)
        result |= {
            f"{name}_p50": round(statistics.median(took), 3),
            f"{name}_p95": round(statistics.quantiles(took, n=20)[-1], 3),
        }
    return result


def table(title: str, counts: dict[str, tuple[int, int]]) -> None:
    """Print recall by kind."""
    print(f"\n{title}")
    for kind, (hit, told) in counts.items():
        print(f"  {kind:12} {hit:5} of {told:5}  {100 * hit / told:6.1f} %")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--templates", type=Path)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--plain", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--misses")
    parser.add_argument("--taken", action="store_true")
    parser.add_argument("--skip-own", action="store_true")
    given = parser.parse_args()
    sets = (
        {}
        if given.skip_own
        else {
            "development": list(filled(DEVELOPMENT + SECOND, Values(given.seed), given.times)),
            "sealed": list(filled(SEALED, Values(given.seed + 1), given.times)),
        }
    )
    if given.templates:
        lines = given.templates.read_text(encoding="utf-8", errors="replace")
        sets["templates"] = list(filled(lines, Values(given.seed + 2), 3))
    if given.dataset:
        sets["dataset"] = list(dataset(given.dataset))
    report: dict[str, Any] = {"recall": {}, "taken": {}}
    for name, cases in sets.items():
        counts = recall(cases, given.misses if name != "sealed" else None)
        table(f"found in {name} ({len(cases)} texts)", counts)
        report["recall"][name] = {kind: round(hit / told, 3) for kind, (hit, told) in counts.items()}
    plain = {"own": [case.text for case in filled(MAY_STAY, Values(given.seed), 5)]}
    plain |= {f"{path.parent.name}/{path.name}": list(lines_of(path)) for path in given.plain}
    print(f"\n{'taken that may stay':46} texts quick  full")
    for name, texts in plain.items():
        result = precision(texts, show=given.taken)
        print(f"  {name:44} {result['texts']:5} {result['quick']:5} {result['full']:5}  {result['full_by']}")
        report["taken"][name] = result
    report["ms"] = latency([case.text for cases in sets.values() for case in cases][:400] or plain["own"])
    print(f"\nms a text: {report['ms']}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
