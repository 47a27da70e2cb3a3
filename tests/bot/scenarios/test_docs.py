"""docs/scenarios.md shows the example that is played, and the tables that the code makes."""

from pathlib import Path

from app.cli.scenario_vocabulary import demo_vocabulary
from bot.scenarios.format import ACTIONS, FORMS
from bot.scenarios.loader import load
from bot.scenarios.reference import reference

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "scenarios.md").read_text()
STORIES = ROOT / "tests" / "stories"


async def test_the_reference_is_what_the_code_says() -> None:
    written = PAGE.partition("<!-- reference -->\n")[2]
    assert written == reference(await demo_vocabulary()), "run `firstline scenarios reference` and paste it"


def test_the_example_is_the_one_that_is_played() -> None:
    shown = PAGE.partition("<!-- example -->\n```yaml\n")[2].partition("```\n<!-- end of example -->")[0]
    assert shown == (STORIES / "worked_example.yml").read_text()


async def test_the_stories_are_valid_and_there_are_enough() -> None:
    loaded = load(STORIES, await demo_vocabulary())
    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.scenarios) >= 60


async def test_the_stories_use_every_kind_of_step_and_all_samples() -> None:
    """What nobody plays, nobody knows to work."""
    vocabulary = await demo_vocabulary()
    scenarios = [found.scenario for found in load(STORIES, vocabulary).scenarios]
    assert {step.action for one in scenarios for step in one.steps} >= set(ACTIONS)
    assert {form.__name__ for form in FORMS} <= set(PAGE.replace("#", " ").split())
    operations = {ran.operation for one in scenarios if one.end.operations
                  for ran in (*(one.end.operations.exactly or ()), *one.end.operations.include)}  # fmt: skip
    assert operations == set(vocabulary.operations), "an operation that no story sees run"
