"""Traces say where, and never what."""

import json
import logging
from pathlib import Path

import pytest
import structlog

from app.ops import log_file
from foundation.errors import InvalidInput
from foundation.traces import trace_of

SECRET = "Quokka Lamp of Marguerite"


def _fails() -> None:
    try:
        {}[SECRET]  # type: ignore[index]
    except KeyError as error:
        raise ValueError(f"cannot use {SECRET}") from error


def test_files_lines_and_types_of_all_causes_and_no_message() -> None:
    with pytest.raises(ValueError, match="cannot") as caught:
        _fails()
    trace = trace_of(caught.value)
    assert SECRET not in trace
    assert trace.index("KeyError") < trace.index("ValueError")
    assert "in _fails" in trace


def test_our_own_errors_never_repeat_input_and_keep_their_sentence() -> None:
    assert trace_of(InvalidInput("The key is too long.")).endswith("The key is too long.")


@pytest.fixture
def lines(tmp_path: Path):
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    path = log_file.set_up(tmp_path, "debug")
    yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def test_neither_our_log_nor_a_library_writes_down_what_failed(lines) -> None:
    try:
        _fails()
    except ValueError:
        structlog.get_logger("bot.test").exception("request_crashed", path="/help")
        logging.getLogger("aiohttp.server").exception("Error handling %s", SECRET)
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: {SECRET}")
    crashed, library, task = lines()
    assert SECRET not in json.dumps([crashed, library, task])
    assert (crashed["event"], crashed["path"]) == ("request_crashed", "/help")
    assert "in _fails" in crashed["exception"]
    assert "in _fails" in library["exception"]
    assert library["event"] == "Error handling %s"
    assert task["event"] == "Task exception was never retrieved"
