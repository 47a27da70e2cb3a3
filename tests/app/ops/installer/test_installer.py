"""Steps run once, after what they need, and an interrupted installation goes on where it was."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.ops.installer.console import Console, Failed
from app.ops.installer.environments import Environment, Environments, Installation, digest, write_command
from app.ops.installer.node import FrontEnd
from app.ops.installer.step_graph import InstallStep, run
from app.ops.installer.steps import plan


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path / "logs" / "install.log")


def steps(order: list[str], *names_and_needs: tuple[str, tuple[str, ...]]) -> list[InstallStep]:
    return [
        InstallStep(name, name, after, lambda: True, lambda name=name: order.append(name))  # type: ignore[misc]
        for name, after in names_and_needs
    ]


def test_a_step_waits_for_those_it_needs(console: Console) -> None:
    order: list[str] = []
    assert run(steps(order, ("c", ("a", "b")), ("b", ("a",)), ("a", ())), console)
    assert order == ["a", "b", "c"]


def test_what_is_not_needed_is_not_done_and_holds_nobody_up(console: Console) -> None:
    order: list[str] = []
    done = InstallStep("a", "a", (), lambda: False, lambda: order.append("a"))
    assert run([done, *steps(order, ("b", ("a",)))], console)
    assert order == ["b"]
    assert not run([done], console)


def test_steps_that_do_not_need_each_other_run_side_by_side(console: Console) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet() -> None:
        both.wait()

    assert run([InstallStep(name, name, (), lambda: True, meet) for name in "ab"], console)


def test_a_failure_ends_it_and_nothing_further_begins(console: Console) -> None:
    order: list[str] = []

    def broken() -> None:
        raise Failed("The disk is full.")

    with pytest.raises(Failed, match="disk is full"):
        run([InstallStep("a", "a", (), lambda: True, broken), *steps(order, ("b", ("a",)))], console)
    assert order == []


def test_a_program_that_fails_is_quoted_with_the_end_of_its_output(console: Console, tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        console.run([sys.executable, "-c", "print('no route to host'); raise SystemExit(3)"], {}, tmp_path)
    assert "exit code 3" in str(caught.value)
    assert "no route to host" in str(caught.value)
    assert "no route to host" in console.log.read_text()


def environment(tmp_path: Path) -> tuple[Installation, Environment]:
    locks = tmp_path / "app" / "ops" / "locks"
    locks.mkdir(parents=True)
    (locks / "app.txt").write_text("one==1\n")
    place = Installation(tmp_path, tmp_path / "home", {"PATH": "/usr/bin:/bin"})
    return place, Environment(place, ".venv")


def make(path: Path) -> None:
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(sys.executable)


def test_an_environment_is_whole_only_for_the_lock_and_place_it_was_made_for(tmp_path: Path) -> None:
    place, env = environment(tmp_path)
    assert not env.has("app")
    make(env.path)
    assert not env.has("app")
    env.finish("app", sys.executable)
    assert env.has("app")
    place.lock("app").write_text("one==2\n")
    assert not env.has("app")
    env.finish("app", sys.executable)
    env.path.rename(tmp_path / "elsewhere")
    assert not Environment(place, "elsewhere").has("app")


def test_an_environment_whose_interpreter_went_is_not_whole(tmp_path: Path) -> None:
    _, env = environment(tmp_path)
    make(env.path)
    env.finish("app", str(tmp_path / "python-that-went"))
    assert not env.has("app")


def test_a_digest_sees_contents_names_and_absence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    seen = {digest([folder])}
    (folder / "a").write_text("1")
    seen.add(digest([folder]))
    (folder / "a").write_text("2")
    seen.add(digest([folder]))
    (folder / "a").rename(folder / "b")
    seen.add(digest([folder]))
    assert len(seen) == 4


def test_the_command_is_found_in_a_folder_with_blanks_and_quotes(tmp_path: Path) -> None:
    root = tmp_path / "it's a place"
    (root / "app" / "cli").mkdir(parents=True)
    (root / "app" / "cli" / "main.py").write_text("import sys\ndef main():\n    print(sys.argv[1:])\n")
    place = Installation(root, tmp_path / "home", {})
    make(root / ".venv")
    write_command(place, Environment(place, ".venv"))
    command = [str(root / ".venv" / "bin" / "firstline"), "a b"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['a b']"


def test_a_command_that_an_earlier_version_wrote_is_written_anew(tmp_path: Path, console: Console) -> None:
    place = Installation(tmp_path, tmp_path / "home", {})
    make(tmp_path / ".venv")
    environments = Environments(place, console)
    assert environments.lacks_command()
    environments.install_command()
    assert not environments.lacks_command()
    script = tmp_path / ".venv" / "bin" / "firstline"
    script.write_text(script.read_text().replace("app.cli.main", "bot.cli.main"))
    assert environments.lacks_command()


def test_the_front_end_is_stale_when_a_source_changes_and_not_when_its_output_does(
    tmp_path: Path, console: Console
) -> None:
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    place = Installation(tmp_path, tmp_path / "home", {"PATH": ""})
    front = FrontEnd(place, console, Environments(place, console))
    assert front.is_stale()
    (web / "dist").mkdir()
    (web / "dist" / ".firstline").write_text(front._sources())
    (web / "dist" / "widget.js").write_text("built")
    assert not front.is_stale()
    (web / "src" / "widget.ts").write_text("new")
    assert front.is_stale()


def test_checks_install_what_the_front_end_is_checked_with(tmp_path: Path, console: Console) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "package.json").write_text("{}")
    place = Installation(tmp_path, tmp_path / "home", {"PATH": ""})
    environments = Environments(place, console)

    def names(*, dev: bool) -> set[str]:
        return {step.name for step in plan(place, console, environments, dev=dev, only="app")}

    assert names(dev=True) - names(dev=False) == {"dev", "node", "npm"}
    front = FrontEnd(place, console, environments)
    assert front.lacks_node()
    assert front.lacks_packages()
