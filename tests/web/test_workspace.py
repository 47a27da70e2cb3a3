"""The front end's own checks: types, and tests of the pages' logic, on the Node that built it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.product import ROOT


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run npm in web/ with the Node.js of the environment, or the machine's."""
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    program = shutil.which("npm", path=path)
    if program is None or not Path(ROOT / "web" / "node_modules").is_dir():
        pytest.fail("the front end's packages are not installed: run `make test`, which does")
    return subprocess.run(
        [program, *arguments],
        cwd=ROOT / "web",
        env={**os.environ, "PATH": path, "CI": "1", "npm_config_update_notifier": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_workspace_passes_its_own(script: str) -> None:
    result = npm("run", script)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
