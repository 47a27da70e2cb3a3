"""The first draft of a workflow runs as it is, and passes the checks that every file must pass."""

import subprocess
import sys
from pathlib import Path

import pytest

from actions.framework.docs import described, table
from actions.framework.registry import Registry
from actions.framework.scaffold import scaffold

ROOT = Path(__file__).parents[3]


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A checkout's copy that holds the draft beside the real rooms."""
    for name in ("actions", "bot", "foundation", "security", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "actions").unlink()
    (tmp_path / "actions").mkdir()
    for path in (ROOT / "actions").iterdir():
        if path.name not in ("workflows", "__pycache__"):
            (tmp_path / "actions" / path.name).symlink_to(path)
    (tmp_path / "actions" / "workflows").mkdir()
    (tmp_path / "actions" / "workflows" / "__init__.py").write_text("")
    for name, text in scaffold("extend_trial", "billing", "extend_trial").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(draft: Path, *command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=draft, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_test_passes(draft: Path) -> None:
    run(draft, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/actions/workflows/test_extend_trial.py")


def test_it_is_formatted_and_clean(draft: Path) -> None:
    files = ["actions/workflows/extend_trial.py", "tests/actions/workflows/test_extend_trial.py"]
    run(draft, "-m", "ruff", "check", *files)
    run(draft, "-m", "ruff", "format", "--check", *files)


def test_the_table_in_the_docs_is_what_the_classes_say() -> None:
    text = (ROOT / "docs" / "workflows.md").read_text()
    assert table(Registry.load()) in text, (
        "run `firstline workflows docs` and put its table into docs/workflows.md"
    )


def test_every_workflow_says_what_it_does() -> None:
    for workflow in Registry.load():
        assert len(described(workflow, [])["what"]) > 15, workflow.meta.id


def test_there_are_enough_of_all_kinds() -> None:
    workflows = list(Registry.load())
    areas = {workflow.meta.area for workflow in workflows}
    assert areas >= {
        "account",
        "sign-in",
        "billing",
        "orders",
        "preferences",
        "features",
        "exports",
        "notifications",
    }
    assert sum(workflow.meta.reversible for workflow in workflows) >= 2
