"""Our own log: JSON lines in a file of bounded size, masked before they are written.

Of exceptions it has places and types, of libraries' lines the fixed words: the rest may be anybody's.
"""

import logging
import logging.handlers
import os
from pathlib import Path
from typing import Any

import structlog

from foundation.traces import format_trace
from security.identity.sign_in_log import mask_all_but_sign_in_addresses

_LARGEST = 8 * 2**20
_LONGEST_LINE = 200
_OURS = ("bot.", "actions.", "kb_index.", "escalation.", "connectors.", "security.", "insights.", "firstline")


def set_up(folder: Path, level: str) -> Path:
    """Send structlog and the standard library's log to `folder/firstline.log`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "firstline.log"
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=2, encoding="utf-8")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        format_trace,
        mask_all_but_sign_in_addresses,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_fixed_words, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp.access", "asyncio", "alembic", "rasa_sdk", "sanic.root"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=False,
    )
    return path


def _fixed_words(_logger: Any, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What a library says, without what it filled in, and of several lines the first."""
    record: logging.LogRecord = entry["_record"]
    if record.name.startswith(_OURS):
        return entry
    entry["event"] = str(record.msg).partition("\n")[0][:_LONGEST_LINE]
    if record.exc_info:
        entry["exc_info"] = record.exc_info
    return entry
