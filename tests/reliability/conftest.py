"""Floods, kills and hostile input against the product; each test notes a figure for one table at the end."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

Note = Callable[..., None]


@dataclass(frozen=True)
class Figure:
    """One measured figure. `before` was measured on the code without the repair, `after` in this run."""

    fault: str
    measure: str
    before: str
    after: str


_FIGURES: pytest.StashKey[list[Figure]] = pytest.StashKey()


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Note:
    """Note a figure for the table: `figure(fault=..., measure=..., before=..., after=...)`."""

    def note(*, fault: str, measure: str, before: str, after: object) -> None:
        noted = pytestconfig.stash.setdefault(_FIGURES, [])
        noted.append(Figure(fault, measure, before, str(after)))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, then the same as one JSON line."""
    noted = config.stash.get(_FIGURES, [])
    if not noted:
        return
    rows = [("fault", "measure", "before", "now"), *((f.fault, f.measure, f.before, f.after) for f in noted)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    terminalreporter.section("reliability")
    for row in rows:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    terminalreporter.write_line(json.dumps({"reliability": [asdict(one) for one in noted]}))
