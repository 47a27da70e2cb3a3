"""What keeps `firstline serve` from starting is said in one sentence, before anything is started."""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path

import pytest

from app import serve
from app.ops import home_lock
from app.ops.children.child import Child
from app.settings import Settings

pytestmark = pytest.mark.enable_socket
ROOT = Path(__file__).parents[2]


async def firstline(*arguments: str, module: str = "app.cli", **environ: str) -> tuple[int, str]:
    """Run the command; returns its exit code and all that it printed."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL", "PORT")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, env=kept | environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


def taken_port() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.listen()
    return listening


async def test_a_taken_port_is_named_with_what_to_set(tmp_path: Path) -> None:
    with taken_port() as other:
        port = other.getsockname()[1]
        code, said = await firstline("serve", FIRSTLINE_HOME=str(tmp_path / "home"), PORT=str(port))
    assert code == 1
    assert f"Port {port} is taken" in said
    assert "Set PORT" in said
    assert "Traceback" not in said
    assert not (tmp_path / "home" / "postgres").exists()


async def test_make_run_finds_a_taken_port_and_a_nonsense_setting_before_it_installs(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    with taken_port() as other:
        port = str(other.getsockname()[1])
        code, said = await firstline(
            "--then", "serve", module="app.ops.install", FIRSTLINE_HOME=home, PORT=port
        )
    assert code == 1
    assert f"Port {port} is taken" in said
    assert "encoder" not in said
    code, said = await firstline(
        "--then", "serve", module="app.ops.install", FIRSTLINE_HOME=home, PORT="http"
    )
    assert code == 1
    assert "PORT is not a port" in said
    assert "encoder" not in said


def test_one_that_has_just_begun_is_given_the_moment_to_say_where(tmp_path: Path) -> None:
    with home_lock.hold(tmp_path, "http://127.0.0.1:18080"):
        note = tmp_path / "run" / "serve.json"
        written = note.read_text()
        note.unlink()

        def pause(_: float) -> None:
            note.write_text(written)

        with (
            pytest.raises(home_lock.AlreadyRunning, match="18080"),
            home_lock.hold(tmp_path, "http://127.0.0.1:18081", pause=pause),
        ):
            pass


async def test_a_second_one_on_the_same_home_says_where_the_first_is(tmp_path: Path) -> None:
    with home_lock.hold(tmp_path, "http://127.0.0.1:18080"):
        assert home_lock.running(tmp_path) == {"pid": str(os.getpid()), "url": "http://127.0.0.1:18080"}
        code, said = await firstline("serve", FIRSTLINE_HOME=str(tmp_path), PORT="18081")
    assert code == 1
    assert "http://127.0.0.1:18080" in said
    assert str(os.getpid()) in said
    assert home_lock.running(tmp_path) is None


async def test_a_nonsense_setting_is_refused_as_misuse(tmp_path: Path) -> None:
    code, said = await firstline("serve", FIRSTLINE_HOME=str(tmp_path), PORT="http")
    assert code == 2
    assert "PORT is not a port" in said


async def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        code, said = await firstline(
            "serve", FIRSTLINE_HOME=str(tmp_path), PORT="18082", LOG_LEVEL="debug",
            DATABASE_URL=f"postgres://u:hunter2@127.0.0.1:{port}/d",
        )  # fmt: skip
    assert code == 1
    assert "DATABASE_URL" in said
    assert "hunter2" not in said
    assert "Traceback" not in said


async def test_without_a_model_it_says_so_and_leaves_nothing_running(
    tmp_path: Path, encoder_dir: Path
) -> None:
    code, said = await firstline(
        "serve", FIRSTLINE_HOME=str(tmp_path / "home"), PORT="18083", DEMO_PORT="off",
        FIRSTLINE_ENCODER_DIR=os.path.abspath(encoder_dir),
    )  # fmt: skip
    assert code == 1
    assert "No assistant has been trained" in said
    for name in ("postgres", "valkey", "rasa"):
        record = Child.record_in(tmp_path / "home" / "run", name)
        assert record is None or not record.alive


async def test_what_does_not_let_go_of_the_start_does_not_keep_the_end_from_coming() -> None:
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(10):
        assert not await serve._unless(stop, stubborn(), let_go=0.05)
    let_go.set()


def test_a_home_that_does_not_exist_is_not_running(tmp_path: Path) -> None:
    assert home_lock.running(Settings.from_env({"FIRSTLINE_HOME": str(tmp_path / "none")}).home) is None
