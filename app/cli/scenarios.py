"""`firstline scenarios`: conversations written down as YAML, checked and played."""

import sys
from pathlib import Path
from secrets import randbelow
from time import monotonic

from app.cli.output import FAILED, MISUSED, console, print_json
from app.cli.scenario_vocabulary import demo_vocabulary
from app.settings import Settings
from bot.scenarios import report
from bot.scenarios.loader import FoundScenario, Loaded, load
from bot.scenarios.reference import reference
from bot.scenarios.runner import Player, ScenarioRun
from bot.scenarios.vocabulary import suggestion
from foundation.errors import InvalidInput


async def check(place: Path, *, as_json: bool) -> int:
    """Read scenario files and list everything that is wrong with them."""
    loaded = load(place, await demo_vocabulary())
    if as_json:
        print_json(_checked(loaded))
    else:
        _print_problems(loaded)
        if not loaded.problems:
            console().print(f"{len(loaded.scenarios)} scenarios in {loaded.files} files: all valid.")
    return MISUSED if loaded.problems else 0


async def show_reference() -> None:
    """Print the tables of the format."""
    print(reference(await demo_vocabulary()), end="")


async def run(
    place: Path, *, repeat: int, seed: int | None, jobs: int, only: list[str], tags: list[str], as_json: bool
) -> int:
    """Play scenarios against the running product, or a temporary one."""
    from app.cli.scenario_world import world

    loaded = load(place, await demo_vocabulary())
    if loaded.problems:
        if as_json:
            print_json(_checked(loaded))
        else:
            _print_problems(loaded)
        return MISUSED
    chosen = _choose(loaded.scenarios, only, tags)
    seed = randbelow(1_000_000) if seed is None else seed
    started = monotonic()
    async with world(Settings.from_env(), lambda text: print(text, file=sys.stderr)) as where:
        if not as_json:
            print(f"{len(chosen)} scenarios, {repeat} times each, {jobs} at once, seed {seed}", flush=True)
        player = Player(where)
        started = monotonic()
        runs = await player.play_all(
            chosen, repeats=repeat, seed=seed, jobs=jobs, tell=(lambda one: None) if as_json else _tell
        )
    result = report.as_json(runs, seed=seed, jobs=jobs, repeats=repeat, seconds=monotonic() - started)
    if as_json:
        print_json(result)
    else:
        _summary(result)
    return 0 if result["ok"] else FAILED


def _choose(scenarios: list[FoundScenario], only: list[str], tags: list[str]) -> list[FoundScenario]:
    chosen = [
        found
        for found in scenarios
        if (not only or any(name.casefold() in found.scenario.scenario.casefold() for name in only))
        and (not tags or set(tags) & set(found.scenario.tags))
    ]
    if not chosen:
        known = suggestion(only[0], [found.scenario.scenario for found in scenarios]) if only else "."
        raise InvalidInput(f"No scenario has such a name or tag{known}")
    return chosen


def _checked(loaded: Loaded) -> dict[str, object]:
    return {
        "ok": not loaded.problems,
        "files": loaded.files,
        "scenarios": len(loaded.scenarios),
        "problems": [{"file": one.file, "line": one.line, "text": one.text} for one in loaded.problems],
    }


def _print_problems(loaded: Loaded) -> None:
    for problem in loaded.problems:
        print(problem, file=sys.stderr)
    if loaded.problems:
        count = len(loaded.problems)
        print(f"{count} {'problem' if count == 1 else 'problems'}; nothing was run.", file=sys.stderr)


def _tell(run: ScenarioRun) -> None:
    name, again = run.found.scenario.scenario, f" (repeat {run.repeat})" if run.repeat > 1 else ""
    mark, style = ("pass", "green") if run.passed else ("FAIL", "red")
    console().print(f"{mark}  {name}{again}  {run.seconds:.1f} s", style=style, markup=False)
    for line in report.explain(run):
        console().print(f"      {line}", markup=False)
    if not run.passed:
        console().print(f"      {run.found.file}:{run.found.line}", markup=False, style="dim")


def _summary(result: dict[str, object]) -> None:
    console().print(
        f"\n{result['passed']} of {result['runs']} runs passed; {result['passed_every_repeat']} of "
        f"{result['scenarios']} scenarios passed in every repeat. Seed {result['seed']}, "
        f"{result['seconds']} s.",
        markup=False,
        style="green" if result["ok"] else "red",
    )
