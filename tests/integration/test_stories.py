"""The scenarios of `tests/stories`, played against the whole product; and how the command ends."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.product import ROOT, Product

pytestmark = pytest.mark.integration
STORIES = ROOT / "tests" / "stories"


async def scenarios(product: Product, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run `firstline scenarios run ... --json` against a home; exit code, JSON, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "scenarios", "run", *arguments, "--json", cwd=ROOT,
        env=product.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 400)
    return process.returncode or 0, json.loads(output), errors.decode()


async def test_every_scenario_passes(product: Product) -> None:
    code, result, _ = await scenarios(product, str(STORIES))
    assert result["failures"] == []
    assert result["scenarios"] >= 60
    assert (code, result["pass_rate_of_one"], result["pass_rate_of_all"]) == (0, 1.0, 1.0)


async def test_a_failure_is_told_with_its_turn_and_ends_with_1(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "fails.yml"
    file.write_text(
        "scenario: Nobody is unlocked by a greeting\nuser: ada\n"
        "steps: [{say: hello}, {say: good morning, expect: {cards: resolution}}]\n"
        "end: {state: {account.locked: false}}\n---\n"
        "scenario: A greeting is answered\nsteps: [{say: hello, expect: {silent: false}}]\n"
    )
    code, result, _ = await scenarios(product, str(file), "--repeat", "2", "--seed", "5")
    assert code == 1
    assert (result["runs"], result["passed"], result["failed"], result["seed"]) == (4, 2, 2, 5)
    assert (result["pass_rate_of_one"], result["pass_rate_of_all"]) == (0.5, 0.5)
    assert {(one["turn"], one["check"], one["repeat"]) for one in result["failures"]} == {
        (2, "cards", 1),
        (2, "cards", 2),
    }


async def test_a_state_that_the_application_refuses_is_told_in_its_words(
    product: Product, tmp_path: Path
) -> None:
    file = tmp_path / "refused.yml"
    file.write_text(
        "scenario: impossible\nuser: ada\n"
        "steps: [{say: hello, expect: {silent: false}}, {host: {account: {locked: '${account.email}'}}}]\n"
    )
    code, result, _ = await scenarios(product, str(file))
    assert code == 1
    (failure,) = result["failures"]
    assert (failure["turn"], failure["phase"], failure["check"]) == (2, "step", "host")
    assert "locked" in failure["seen"]


async def test_an_invalid_file_ends_with_2_and_nothing_is_run(product: Product, tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text("scenario: good\nsteps: [{say: hi, expect: {silent: false}}]\n")
    (tmp_path / "bad.yml").write_text("scenario: bad\nuser: {like: addda}\nsteps: [{sya: hi}]\n")
    code, result, _ = await scenarios(product, str(tmp_path))
    assert code == 2
    assert "runs" not in result
    assert sorted((Path(one["file"]).name, one["line"]) for one in result["problems"]) == [
        ("bad.yml", 2),
        ("bad.yml", 3),
    ]


async def test_where_nothing_runs_a_temporary_product_is_started_and_stopped(tmp_path: Path) -> None:
    built = Path(os.environ.get("FIRSTLINE_HOME") or ".firstline").resolve()
    idle = Product.make(tmp_path / "home", built)
    code, result, errors = await scenarios(idle, str(STORIES / "worked_example.yml"))
    assert (code, result["failures"]) == (0, [])
    assert "temporary" in errors
    assert not (idle.home / "postgres").exists()
