"""One child process: started, adopted, watched, restarted and stopped the same way whatever it is."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import structlog

from app.ops.children import launch
from app.ops.children.logs import LogFile
from foundation.errors import Unavailable

State = Literal["stopped", "starting", "running", "restarting", "failed"]
_POLL = 0.1
_log = structlog.get_logger("firstline.children")


class ChildFailed(Unavailable):
    """A child did not start; the hint names its log and what it said last."""


@dataclass(frozen=True)
class Place:
    """Where children keep their records, locks and logs."""

    run: Path
    logs: Path

    @classmethod
    def within(cls, home: Path) -> "Place":
        """Make the folders inside `home`, closed to other accounts."""
        place = cls(home / "run", home / "logs")
        for folder in (home, place.run, place.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place


@dataclass(frozen=True)
class Plan:
    """How to start a child. `facts` are remembered with it (its port); `stamp` makes a change visible that
    the command line does not show, so that a child started from older files is replaced and not adopted."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    stamp: str = ""
    unprivileged: bool = False
    own: tuple[Path, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides how the child behaves."""
        parts = [self.argv, sorted(self.env.items()), str(self.cwd), dict(self.facts), self.stamp]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class ChildRecord:
    """What a child wrote about itself when it started."""

    pid: int
    identity: str
    fingerprint: str
    facts: Mapping[str, Any]

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return launch.identity(self.pid) == self.identity


class Child(ABC):
    """A server of ours. Subclasses say how it is started and when it is ready.

    Never two: the process holds `run/<name>.lock` from before it is the program until its last descendant is
    gone. After a `kill -9` of Firstline, `start` adopts a child that was started in the same way and answers,
    and replaces any other.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_deadline: ClassVar[float] = 30.0
    stop_deadline: ClassVar[float] = 5.0
    silence_deadline: ClassVar[float | None] = None
    """Seconds without a ready answer after which a running child is replaced; None: only its death counts."""
    first_delay: ClassVar[float] = 0.2
    longest_delay: ClassVar[float] = 15.0

    def __init__(self, place: Place, *, die_with_parent: bool = False) -> None:
        self.place = place
        self.state: State = "stopped"
        self.adopted = False
        self.restarts = 0
        self.record: ChildRecord | None = None
        self._die_with_parent = die_with_parent
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    @abstractmethod
    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        """Say how to start; `facts` are the last start's, and `alive` says whether that child still runs."""

    @abstractmethod
    async def ready(self) -> bool:
        """Ask the child whether it serves; called after `plan`."""

    def remembered(self) -> Mapping[str, Any]:
        """Facts of the child that runs now, whoever started it; empty when none does."""
        record = self._read_record()
        return record.facts if record and record.alive else {}

    @property
    def log(self) -> LogFile:
        """What the child prints."""
        return LogFile(self.place.logs / f"{self.name}.log")

    async def start(self) -> None:
        """Adopt the child that runs already, or start one, and wait until it is ready.

        Raises:
            ChildFailed: when it ends or stays silent until the deadline.
        """
        async with self._lock:
            self.state = "starting"
            try:
                await self._bring_up()
            except BaseException:
                self.state = "failed"
                # Somebody else's start won: what runs is theirs.
                if self._process is None or self._process.returncode != launch.BUSY:
                    await self._end()
                raise
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """End the child: its own signal first, SIGKILL for the whole group after the deadline."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        async with self._lock:
            await self._end()
            self.state = "stopped"

    async def replace(self) -> None:
        """Stop the child and start it anew from a fresh plan."""
        await self.stop()
        await self.start()

    async def _bring_up(self) -> None:
        self.record = self._read_record()
        alive = self.record is not None and self.record.alive
        plan = await self.plan(self.record.facts if self.record else {}, alive)
        if alive and self.record and self.record.fingerprint == plan.fingerprint and await self._answers(5.0):
            self.adopted, self.state = True, "running"
            _log.info("adopted", child=self.name, pid=self.record.pid)
            return
        if self.record is not None:
            await self._end()
            plan = await self.plan(self.record.facts if self.record else {}, False)
        self.adopted = False
        await self._spawn(plan)
        if not await self._answers(self.start_deadline):
            raise self._failure()
        self.state = "running"

    async def _spawn(self, plan: Plan) -> None:
        order = {
            "argv": plan.argv,
            "lock": str(self._lock_path),
            "record": str(self._record_path),
            "content": {"fingerprint": plan.fingerprint, "facts": dict(plan.facts)},
            "unprivileged": plan.unprivileged,
            "own": [str(folder) for folder in plan.own],
            "die_with_parent": self._die_with_parent,
        }
        with self.log.opened() as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", launch.__file__, json.dumps(order),
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(plan.env), cwd=plan.cwd, start_new_session=True,
            )  # fmt: skip

    async def _answers(self, deadline: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                while not await self._ready_now():
                    if self._process is not None and self._process.returncode is not None:
                        return False
                    await asyncio.sleep(_POLL)
                self.record = self._read_record()
                return True
        return False

    async def _ready_now(self) -> bool:
        try:
            async with asyncio.timeout(3.0):
                return await self.ready()
        except Exception:
            return False

    def _failure(self) -> ChildFailed:
        code = None if self._process is None else self._process.returncode
        if code == launch.BUSY:
            return ChildFailed(
                f"{self.title} cannot start: another process of an earlier one still holds its lock.",
                hint=f"See which with: fuser {self._lock_path}",
            )
        if code == launch.UNREACHABLE:
            return ChildFailed(
                f"{self.title} cannot run as root, and the account it would use cannot reach its files: "
                f"{self.log.tail(1)}.",
                hint="Run Firstline as an ordinary user, or put the checkout and FIRSTLINE_HOME where every "
                "account may go (not under /root).",
            )
        what = f"did not become ready within {self.start_deadline:.0f} s" if code is None else "ended at once"
        return ChildFailed(
            f"{self.title} {what}.",
            hint=f"Its log {self.log.path} ends with: {self.log.tail(3) or '(empty)'}",
        )

    async def _keep(self) -> None:
        """Start the child again whenever it dies or goes silent, with growing pauses while that fails."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            since = loop.time()
            why = await self._until_gone()
            failures = 0 if loop.time() - since > 60 else failures + 1
            self.state = "restarting"
            delay = min(self.first_delay * 2 ** (failures - 1) if failures else 0, self.longest_delay)
            _log.warning("child_lost", child=self.name, why=why, again_in=delay)
            await asyncio.sleep(delay)
            async with self._lock:
                self.restarts += 1
                try:
                    await self._end()
                    await self._bring_up()
                except Exception as error:
                    self.state = "failed"
                    _log.error("child_failed", child=self.name, error=str(error))

    async def _until_gone(self) -> str:
        """Wait for the end of the child, or its silence; says which."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while self._is_running():
            await asyncio.sleep(0.25)
            self.log.bound()
            if self.silence_deadline is None or loop.time() - heard < self.silence_deadline / 4:
                continue
            if await self._ready_now():
                heard = loop.time()
            elif loop.time() - heard > self.silence_deadline:
                return "silent"
        return "ended"

    def _is_running(self) -> bool:
        if self._process is not None:
            return self._process.returncode is None
        return self.record is not None and self.record.alive

    async def _end(self) -> None:
        record = self._read_record()
        pid = record.pid if record and record.alive else None
        if pid is None and self._process is not None and self._process.returncode is None:
            pid = self._process.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, self.stop_signal)
            await self._wait_free(self.stop_deadline)
        group = pid or (record.pid if record else None)
        if group is not None and not self._is_free():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
            await self._wait_free(5.0)
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 2)
        self._process = None

    async def _wait_free(self, deadline: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                while not self._is_free():  # noqa: ASYNC110 - another process holds it
                    await asyncio.sleep(0.03)

    def _is_free(self) -> bool:
        """Whether no process of this child lives."""
        try:
            handle = os.open(self._lock_path, os.O_RDWR)
        except FileNotFoundError:
            return self._process is None or self._process.returncode is not None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True

    @property
    def _lock_path(self) -> Path:
        return self.place.run / f"{self.name}.lock"

    @property
    def _record_path(self) -> Path:
        return self.place.run / f"{self.name}.json"

    def _read_record(self) -> ChildRecord | None:
        return self.record_in(self.place.run, self.name)

    @staticmethod
    def record_in(run: Path, name: str) -> ChildRecord | None:
        """Read what the child `name` wrote about itself in the folder `run`."""
        try:
            raw = json.loads((run / f"{name}.json").read_bytes())
            return ChildRecord(int(raw["pid"]), str(raw["identity"]), str(raw["fingerprint"]), raw["facts"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
