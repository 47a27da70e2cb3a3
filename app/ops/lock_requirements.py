"""Writes the lock files from pyproject.toml. Run it with `make lock`, and commit what it changed."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = Path(__file__).parent / "locks"
_COMMON = [
    "--universal",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
]
_WHAT = {
    "app": ["--python-version", "3.11", "pyproject.toml"],
    "dev": [
        "--python-version",
        "3.11",
        "pyproject.toml",
        "--group",
        "dev",
        "-c",
        "app/ops/locks/app.txt",
    ],
    "rasa": ["--python-version", "3.10", "--group", "rasa"],
    "uv": ["--python-version", "3.11", "--group", "uv"],
    "node": ["--python-version", "3.11", "--group", "node"],
    # Not universal: whether torch brings CUDA differs by platform, and pip finds that out when it installs.
    "encoder": ["--python-version", "3.11", "--group", "encoder"],
}
_CUDA = re.compile(r"^(nvidia|cuda|triton|pytorch-triton)[a-z0-9-]*==", re.MULTILINE)


def main() -> int:
    """Resolve every set anew, keeping versions that still fit."""
    uv = Path(sys.executable).with_name("uv")
    for name, arguments in _WHAT.items():
        out = LOCKS / f"{name}.txt"
        command = [str(uv), "pip", "compile", *_COMMON, *arguments, "-o", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=600)
        text = "".join(line for line in out.read_text().splitlines(keepends=True) if not _CUDA.match(line))
        out.write_text(f"# Made by `make lock` from pyproject.toml; do not edit.\n{text}")
        print(f"{name}: {sum(1 for line in text.splitlines() if '==' in line)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
