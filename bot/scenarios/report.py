"""What a run of scenarios comes to: one JSON object, or lines for people."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bot.scenarios.runner import Failure, ScenarioRun

_LONGEST = 600


def as_json(
    runs: Sequence[ScenarioRun], *, seed: int, jobs: int, repeats: int, seconds: float
) -> dict[str, Any]:
    """Sum up. `pass_rate_of_one` is over all runs, `pass_rate_of_all` over scenarios in all their repeats."""
    by_name: dict[str, list[ScenarioRun]] = defaultdict(list)
    for run in runs:
        by_name[run.found.scenario.scenario].append(run)
    passed = sum(run.passed for run in runs)
    every = sum(all(run.passed for run in some) for some in by_name.values())
    return {
        "ok": passed == len(runs),
        "scenarios": len(by_name),
        "repeats": repeats,
        "runs": len(runs),
        "passed": passed,
        "failed": len(runs) - passed,
        "passed_every_repeat": every,
        "pass_rate_of_one": _rate(passed, len(runs)),
        "pass_rate_of_all": _rate(every, len(by_name)),
        "seed": seed,
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "failures": [_failure(run, one) for run in in_order(runs) for one in run.failures],
        "transcripts": [
            {"scenario": run.found.scenario.scenario, "repeat": run.repeat, "turns": list(run.transcript)}
            for run in in_order(runs)
            if not run.passed
        ],
        "results": [
            {
                "scenario": name,
                "file": some[0].found.file,
                "line": some[0].found.line,
                "tags": some[0].found.scenario.tags,
                "passed": sum(run.passed for run in some),
                "failed": sum(not run.passed for run in some),
                "seconds": round(max(run.seconds for run in some), 2),
            }
            for name, some in sorted(by_name.items())
        ],
    }


def in_order(runs: Sequence[ScenarioRun]) -> list[ScenarioRun]:
    """Put runs into the order of files and repeats."""
    return sorted(runs, key=lambda run: (run.found.file, run.found.line, run.repeat))


def _failure(run: ScenarioRun, one: Failure) -> dict[str, Any]:
    return {
        "scenario": run.found.scenario.scenario,
        "file": run.found.file,
        "line": run.found.line,
        "repeat": run.repeat,
        "turn": one.turn,
        "phase": one.phase,
        "said": one.said,
        "check": one.check,
        "expected": one.expected,
        "seen": one.seen,
    }


def explain(run: ScenarioRun) -> list[str]:
    """Word the failures of a run for people, without markup."""
    lines = []
    for one in run.failures:
        where = "at the end" if one.phase == "end" else f"step {one.turn}" if one.turn else "at the start"
        said = f' after "{one.said}"' if one.said else ""
        lines += [f"{where}{said}: {one.check}", f"  expected  {_cut(one.expected)}"]
        lines += [f"  seen      {_cut(one.seen)}"]
    for turn in run.transcript if run.failures else ():
        buttons = "".join(f" [{title}]" for title in turn["buttons"])
        lines += [f"  > {turn['said']}", f"  < {_cut(' | '.join(turn['replies']))}{buttons}"]
    return lines


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.replace("\n", " | ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
