"""What commands print: tables for people, JSON for programs, one sentence for errors."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from foundation.errors import ClientError, FirstlineError

FAILED = 1
MISUSED = 2


def console() -> Console:
    """Standard output; plain where it is no terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(value: Any) -> None:
    """Print JSON, on one line where nobody looks on; moments are ISO 8601."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(value, ensure_ascii=False, indent=indent, default=_plain))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; nothing in a cell is taken for markup."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


def print_error(error: FirstlineError, *, as_json: bool) -> int:
    """Print an error as one sentence and a hint; returns the exit code."""
    if as_json:
        body = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        print(json.dumps(body, ensure_ascii=False), file=sys.stderr)
    else:
        hint = f"\n  {error.hint}" if error.hint else ""
        print(f"firstline: {error.message}{hint}", file=sys.stderr)
    return MISUSED if isinstance(error, ClientError) and error.status in (400, 422) else FAILED


def when(moment: datetime | None) -> str:
    """A moment in local time, to the second."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
