"""Rasa's log without anybody's words.

Rasa and its libraries put messages, slots and whole trackers into what they log. Of their records only the
place in the code is written, of exceptions the types and the lines; our own records keep their fixed words.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any, Iterator, List, Optional

OURS = "bot."


class PlacesOnly(logging.Formatter):
    """`2026-03-02 09:00:00 ERROR rasa.core.processor _run_action:912`, then the trace without messages."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, several lines when it has a trace."""
        place = (
            f"{self.formatTime(record)} {record.levelname} {record.name} {record.funcName}:{record.lineno}"
        )
        said = f" {record.msg}" if record.name.startswith(OURS) and isinstance(record.msg, str) else ""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return "\n".join([place + said, *_trace(error)])


def _trace(error: Optional[BaseException]) -> Iterator[str]:
    causes: List[BaseException] = []
    while error is not None and error not in causes and len(causes) < 5:
        causes.append(error)
        error = error.__cause__ or error.__context__
    for one in reversed(causes):
        yield from (line.rstrip("\n") for line in traceback.format_tb(one.__traceback__))
        yield type(one).__name__


def install() -> None:
    """Write all records so, whoever has set up handlers by now; call it again when a library adds some."""
    loggers: List[Any] = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", []):
            handler.setFormatter(PlacesOnly())
