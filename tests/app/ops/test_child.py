"""Children are started, adopted, replaced, restarted and stopped, and there are never two of one."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import psutil
import pytest

from app.ops.children.child import ChildFailed, Place
from app.ops.children.http_probe import answers
from tests.app.ops.conftest import Small

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("tidy")]
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that waits for its parent does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


async def test_it_serves_once_started_and_is_gone_once_stopped(place: Place) -> None:
    child = Small(place)
    await child.start()
    pid = child.pid
    assert await answers(f"http://127.0.0.1:{child.port}/")
    await child.stop()
    assert not alive(pid)
    assert child.state == "stopped"


async def test_the_next_firstline_adopts_a_child_that_was_started_in_the_same_way(place: Place) -> None:
    first, second = Small(place), Small(place)
    await first.start()
    pid = first.pid
    first.abandon()
    await second.start()
    assert second.adopted
    assert second.pid == pid
    assert second.port == first.port
    await second.stop()
    assert not alive(pid)


async def test_a_child_that_was_started_from_something_else_is_replaced(place: Place) -> None:
    first, second = Small(place, stamp="old code"), Small(place, stamp="new code")
    await first.start()
    pid = first.pid
    first.abandon()
    await second.start()
    assert not second.adopted
    assert second.pid != pid
    assert not alive(pid)
    await second.stop()


async def test_a_child_that_hangs_is_replaced_and_not_adopted(place: Place) -> None:
    first, second = Small(place), Small(place)
    await first.start()
    pid = first.pid
    first.abandon()
    os.kill(pid, signal.SIGSTOP)
    await second.start()
    assert second.pid != pid
    assert not alive(pid)
    await second.stop()


async def test_a_killed_child_is_started_again_on_its_port(place: Place, eventually: Eventually) -> None:
    child = Small(place)
    await child.start()
    pid, port = child.pid, child.port
    os.kill(pid, signal.SIGKILL)

    async def back() -> bool:
        return child.state == "running" and child.pid != pid

    await eventually(back)
    assert child.port == port
    assert child.restarts >= 1
    assert await answers(f"http://127.0.0.1:{port}/")
    await child.stop()


async def test_an_adopted_child_that_is_killed_is_started_again(place: Place, eventually: Eventually) -> None:
    first, second = Small(place), Small(place)
    await first.start()
    first.abandon()
    await second.start()
    pid = second.pid
    os.kill(pid, signal.SIGKILL)

    async def back() -> bool:
        return second.state == "running" and second.pid != pid

    await eventually(back)
    await second.stop()


async def test_a_silent_child_is_replaced(
    place: Place, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Small, "silence_deadline", 1.0)
    child = Small(place)
    await child.start()
    pid = child.pid
    os.kill(pid, signal.SIGSTOP)

    async def back() -> bool:
        return child.state == "running" and child.pid != pid

    await eventually(back)
    assert not alive(pid)
    await child.stop()


@pytest.mark.parametrize("mode", ["deaf", "parent", "deaf parent"])
async def test_a_child_that_will_not_go_is_killed_with_all_its_descendants(place: Place, mode: str) -> None:
    child = Small(place, mode)
    await child.start()
    group = os.getpgid(child.pid)
    await child.stop()
    assert not [pid for pid in psutil.pids() if alive(pid) and group_of(pid) == group]


async def test_two_that_start_at_once_are_one(place: Place) -> None:
    first, second = Small(place), Small(place)
    results = await asyncio.gather(first.start(), second.start(), return_exceptions=True)
    pids = {child.pid for child, result in zip((first, second), results, strict=True) if result is None}
    assert len(pids) <= 1, "two children run"
    first.abandon()
    await second.stop()
    await first.stop()
    assert not any(alive(pid) for pid in pids)


async def test_a_child_that_ends_at_once_is_an_error_that_quotes_its_log(place: Place) -> None:
    with pytest.raises(ChildFailed) as caught:
        await Small(place, "broken").start()
    assert "ended at once" in caught.value.message
    assert "it cannot work like this" in str(caught.value.hint)


async def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(place: Place) -> None:
    first = Small(place)
    await first.start()
    await first.stop()
    record = place.run / "small.json"
    record.write_text(record.read_text().replace(f'"pid": {first.pid}', f'"pid": {os.getpid()}'))
    second = Small(place)
    await second.start()
    assert second.pid != os.getpid()
    await second.stop()


async def test_a_log_that_grew_too_long_is_moved_aside_and_keeps_its_end(place: Place) -> None:
    log = Small(place).log
    log.path.write_text("x" * 2000 + "\nthe end\n")
    log.bound(largest=1000)
    assert log.path.read_text() == ""
    assert log.path.with_name("small.log.1").read_text().endswith("the end\n")
