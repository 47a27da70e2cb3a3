"""Training: only when something has changed, never half a model, and what is wrong is said."""

import asyncio
import os
import shutil
import stat
import textwrap
from pathlib import Path

import pytest

from bot.training.model_registry import current_model, make_current
from bot.training.trainer import SHAPING, Assistant, InvalidAssistant, TrainingBroke, main, train
from foundation.errors import Conflict, Unavailable

ROOT = Path(__file__).resolve().parents[3]
DIET = """
  - name: WhitespaceTokenizer
  - name: CountVectorsFeaturizer
  - name: DIETClassifier
    epochs: 1
"""
TRAINS = """
    echo '{"stage": "training", "detail": "training intents and rules"}'
    echo "Rasa says something that is no JSON"
    while [ "$1" != "--out" ]; do shift; done
    echo "a model" > "$2"
    echo x >> "$FIRSTLINE_ENCODER_DIR/trained"
"""


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    """A checkout with a stand-in for Rasa's Python, and a home."""
    root, home = tmp_path / "checkout", tmp_path / "home"
    (root / "data" / "training").mkdir(parents=True)
    (root / "bot" / "rasa_components").mkdir(parents=True)
    for name in ("config.yml", "domain.yml", "data/training/nlu.yml"):
        (root / name).write_text(name, "utf-8")
    for name in SHAPING:
        (root / "bot" / "rasa_components" / name).write_text(name, "utf-8")
    (home / "encoder").mkdir(parents=True)
    (home / "encoder" / "encoder.json").write_text('{"fingerprint": "e1"}', "utf-8")
    made = Assistant(home, root=root, python=root / "python")
    _python(made, TRAINS)
    return made


def _python(assistant: Assistant, script: str) -> None:
    assistant.python.write_text("#!/bin/sh\n" + textwrap.dedent(script), "utf-8")
    assistant.python.chmod(assistant.python.stat().st_mode | stat.S_IXUSR)


def _trainings(assistant: Assistant) -> int:
    file = assistant.encoder_dir / "trained"
    return len(file.read_text("utf-8").splitlines()) if file.exists() else 0


async def test_it_trains_once_and_marks_the_model_as_current(assistant: Assistant) -> None:
    lines: list[str] = []
    assert current_model(assistant.home) is None
    first = await train(assistant.home, assistant=assistant, progress=lines.append)
    assert first.fresh
    assert first.model.name == f"{first.fingerprint}.tar.gz"
    assert current_model(assistant.home) == first.model.resolve()
    assert any("training intents and rules" in line for line in lines)
    again = await train(assistant.home, assistant=assistant, progress=lines.append)
    assert not again.fresh
    assert again.model == first.model
    assert _trainings(assistant) == 1
    assert (await train(assistant.home, force=True, assistant=assistant, progress=lines.append)).fresh
    assert _trainings(assistant) == 2


@pytest.mark.parametrize(
    "changed", ["config.yml", "domain.yml", "data/training/nlu.yml", "data/training/deep/new.yml",
                "bot/rasa_components/intent_model.py"]
)  # fmt: skip
async def test_a_change_of_what_shapes_it_trains_anew_and_keeps_the_earlier_model(
    assistant: Assistant, changed: str
) -> None:
    first = await train(assistant.home, assistant=assistant, progress=lambda line: None)
    path = assistant.root / changed
    path.parent.mkdir(exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    path.write_text("something else", "utf-8")
    second = await train(assistant.home, assistant=assistant, progress=lambda line: None)
    assert second.fresh
    assert second.fingerprint != first.fingerprint
    assert first.model.exists()
    assert current_model(assistant.home) == second.model.resolve()
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)
    back = await train(assistant.home, assistant=assistant, progress=lambda line: None)
    assert not back.fresh
    assert current_model(assistant.home) == first.model.resolve()


async def test_another_encoder_trains_anew_and_another_file_does_not(assistant: Assistant) -> None:
    await train(assistant.home, assistant=assistant, progress=lambda line: None)
    (assistant.root / "bot" / "rasa_components" / "channel.py").write_text("changed", "utf-8")
    assert not (await train(assistant.home, assistant=assistant, progress=lambda line: None)).fresh
    (assistant.encoder_dir / "encoder.json").write_text('{"fingerprint": "e2"}', "utf-8")
    assert (await train(assistant.home, assistant=assistant, progress=lambda line: None)).fresh


async def test_invalid_files_are_told_one_by_one_and_the_current_model_stays(assistant: Assistant) -> None:
    good = await train(assistant.home, assistant=assistant, progress=lambda line: None)
    (assistant.root / "domain.yml").write_text("broken", "utf-8")
    _python(
        assistant,
        """
        echo '{"stage": "invalid", "detail": "a", "problems": ["Intent a is not known.", "Rule b is odd."]}'
        exit 2
    """,
    )
    with pytest.raises(InvalidAssistant) as caught:
        await train(assistant.home, assistant=assistant, progress=lambda line: None)
    assert caught.value.problems == ["Intent a is not known.", "Rule b is odd."]
    assert caught.value.status == 422
    assert current_model(assistant.home) == good.model.resolve()


async def test_a_training_that_breaks_leaves_nothing_behind_and_says_the_last_words(
    assistant: Assistant,
) -> None:
    _python(
        assistant,
        """
        while [ "$1" != "--out" ]; do shift; done
        echo "half a model" > "$2"
        echo "it fell over" >&2
        exit 1
    """,
    )
    with pytest.raises(TrainingBroke, match="it fell over"):
        await train(assistant.home, assistant=assistant, progress=lambda line: None)
    assert current_model(assistant.home) is None
    assert [path.name for path in assistant.models.iterdir()] == [".lock"]


async def test_a_cancelled_training_ends_its_process(assistant: Assistant) -> None:
    _python(
        assistant,
        """
        echo $$ > "$FIRSTLINE_ENCODER_DIR/pid"
        exec sleep 600
    """,
    )
    task = asyncio.create_task(train(assistant.home, assistant=assistant, progress=lambda line: None))
    pid_file = assistant.encoder_dir / "pid"
    while not (pid_file.exists() and pid_file.read_text("utf-8").strip()):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text("utf-8")), 0)


async def test_two_trainings_at_once_are_refused(assistant: Assistant) -> None:
    _python(assistant, "while [ ! -e $FIRSTLINE_ENCODER_DIR/go ]; do sleep 0.02; done\n" + TRAINS)
    task = asyncio.create_task(train(assistant.home, assistant=assistant, progress=lambda line: None))
    while not (assistant.models / ".lock").exists():
        await asyncio.sleep(0.02)
    with pytest.raises(Conflict):
        await train(assistant.home, assistant=assistant, progress=lambda line: None)
    (assistant.encoder_dir / "go").touch()
    assert (await task).fresh


async def test_what_is_missing_is_said(assistant: Assistant) -> None:
    assistant.python.unlink()
    with pytest.raises(Unavailable, match="Rasa's environment is missing"):
        await train(assistant.home, assistant=assistant, progress=lambda line: None)
    shutil.rmtree(assistant.encoder_dir)
    with pytest.raises(Unavailable, match="no exported encoder"):
        await train(assistant.home, assistant=assistant, progress=lambda line: None)


def test_an_unknown_model_cannot_be_made_current(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        make_current(tmp_path / "none.tar.gz")


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path)]) == 1
    assert "no exported encoder" in capsys.readouterr().err


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("domain.yml", "  - order_status\n", "", "order_status"),
        (
            "data/training/rules.yml",
            "action: action_capabilities",
            "action: action_nobody_knows",
            "action_nobody_knows",
        ),
        ("data/training/nlu_control.yml", "- intent: greet", "- intent greet", "nlu_control.yml"),
        ("config.yml", "RulePolicy", "NoSuchPolicy", "NoSuchPolicy"),
        ("config.yml", "- name: RegexEntityExtractor", "- name: DIETClassifier", "require a Featurizer"),
        ("config.yml", "\npolicies:", DIET + "\npolicies:", "FIRSTLINE_FULL_RASA"),
    ],
)
async def test_rasas_complaints_reach_the_trainer(
    tmp_path: Path, encoder_dir: Path, name: str, old: str, new: str, expected: str
) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "bot" / "rasa_components", root / "bot" / "rasa_components")
    (root / "bot" / "__init__.py").touch()
    shutil.copytree(ROOT / "data" / "training", root / "data" / "training")
    for file in ("config.yml", "domain.yml"):
        shutil.copy(ROOT / file, root / file)
    text = (root / name).read_text("utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new), "utf-8")
    assistant = Assistant(tmp_path / "home", root=root, encoder=encoder_dir)
    with pytest.raises((InvalidAssistant, TrainingBroke), match=expected):
        await train(assistant.home, assistant=assistant, progress=lambda line: None)
    assert current_model(assistant.home) is None
