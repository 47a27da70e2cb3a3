"""Kettle is somebody else's application: it knows the contract, nothing of our code, and stays small."""

import ast
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.kettle import KettleProcess

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "connectors" / "hosts" / "demo"
ALLOWED = {"aiohttp", "pydantic", "connectors.hosts.demo"}


def test_it_imports_the_standard_library_aiohttp_and_pydantic_alone() -> None:
    files = sorted(DEMO.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [node.module or ""]
            for name in names:
                ours = name.split(".")[0] in sys.stdlib_module_names
                assert ours or any(name == a or name.startswith(a + ".") for a in ALLOWED), (path, name)


def test_help_says_what_is_needed() -> None:
    command = [sys.executable, "-m", "connectors.hosts.demo", "--help"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    for option in ("--port", "--home", "--firstline-url", "--keys"):
        assert option in text


def test_it_takes_less_than_70_mb(kettle: KettleProcess) -> None:
    assert kettle.process is not None
    for _ in range(5):
        kettle.reset()
    assert psutil.Process(kettle.process.pid).memory_info().rss < 70 * 1024 * 1024
