"""What an installation says: one line a step with the seconds passed, details in a log file."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple


class Failed(Exception):
    """A step failed; the text is one sentence and `advice` says what to do."""

    def __init__(self, text: str, advice: str = "") -> None:
        super().__init__(text)
        self.advice = advice


class Console:
    """Progress lines and the log. Steps may run in threads."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._started = time.monotonic()
        self._running: Dict[str, float] = {}
        self._lock = threading.Lock()
        self._said = self._started
        self._children: List["subprocess.Popen[bytes]"] = []
        self._stopped = False
        self.inherited: Tuple[int, ...] = ()
        """File handles that programs inherit: a lock among them outlives our own death with them."""

    def say(self, text: str) -> None:
        """Print one line."""
        with self._lock:
            self._said = time.monotonic()
            print(f"[{self._said - self._started:5.1f} s] {text}", flush=True)

    def begin(self, step: str) -> None:
        """Say that a step begins."""
        with self._lock:
            self._running[step] = time.monotonic()
        self.say(f"{step} ...")

    def done(self, step: str) -> None:
        """Say that a step is done and how long it took."""
        self.say(f"{step}: done in {time.monotonic() - self._running.pop(step):.1f} s")

    def heartbeat(self) -> None:
        """Name what still runs when nothing was said for a while."""
        now = time.monotonic()
        if self._running and now - self._said > 15:
            self.say(
                "still at it: "
                + ", ".join(f"{step} ({now - at:.0f} s)" for step, at in self._running.items())
            )

    def run(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, seconds: int = 1800) -> None:
        """Run a program with its output in the log.

        Raises:
            Failed: when it ends with an error, is missing, or takes longer than `seconds`.
        """
        name = Path(argv[0]).name
        self._open_log()
        with self.log.open("ab") as output:
            begin = output.tell()
            output.write(("\n$ " + " ".join(argv) + "\n").encode())
            output.flush()
            try:
                process = subprocess.Popen(
                    argv, env=dict(env), cwd=str(cwd), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    pass_fds=self.inherited,
                )  # fmt: skip
            except OSError as error:
                raise Failed(f"{name} cannot be run: {error.strerror}.") from None
            with self._lock:
                self._children.append(process)
            code = self._wait(process, seconds)
        if code != 0:
            raise Failed(f"{name} ended with exit code {code}." + self._tail(begin))

    def stop(self) -> None:
        """End the programs that still run."""
        with self._lock:
            self._stopped = True
            for process in self._children:
                if process.poll() is None:
                    process.terminate()

    def _wait(self, process: "subprocess.Popen[bytes]", seconds: int) -> Optional[int]:
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{Path(str(process.args[0])).name} took longer than {seconds} s.") from None  # type: ignore[index]

    def _open_log(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.log.exists() and self.log.stat().st_size > 4 * 2**20:
            os.replace(str(self.log), str(self.log) + ".1")

    def _tail(self, begin: int) -> str:
        if self._stopped:
            return ""
        with self.log.open("rb") as file:
            file.seek(begin)
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return "\n" + "\n".join("    " + line for line in lines[-15:])


def fail(error: Failed, log: Path) -> int:
    """Print why the installation stopped; returns the exit code."""
    print(f"\nfirstline: {error}", file=sys.stderr)
    if error.advice:
        print(f"firstline: {error.advice}", file=sys.stderr)
    if log.exists() and "\n" in str(error):
        print(
            f"firstline: all details are in {log}; what is done is kept, so run the same again.",
            file=sys.stderr,
        )
    return 1
