"""What is left out of Rasa's process: it can be imported and subclassed, and says so when it is used."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

USES = """
from bot.rasa_components import lean
assert lean.install()
import tensorflow as tf
from tensorflow.keras import backend as K
from pymongo.errors import OperationFailure
from typing import Optional, Union

class Layer(tf.keras.layers.Layer):
    @tf.function(experimental=True)
    def call(self, x: Union[tf.Tensor, int]) -> Optional[tf.Tensor]:
        return x

@tf.function
def plain(x: tf.Tensor) -> "tf.Tensor":
    return x

assert plain(3) == 3
try:
    raise ValueError
except (OperationFailure, ValueError):
    pass
import json
assert json.loads("1") == 1
lean.seal()
try:
    Layer()
except lean.LeftOut as error:
    assert "FIRSTLINE_FULL_RASA=1" in str(error)
else:
    raise SystemExit("it was used without a word")
"""


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": "", **environment}, capture_output=True, text=True, timeout=60
    )


def test_modules_can_be_imported_and_using_them_says_how_to_get_them() -> None:
    run = _run(USES)
    assert run.returncode == 0, run.stderr


def test_it_can_be_switched_off() -> None:
    code = "from bot.rasa_components import lean; raise SystemExit(lean.install())"
    assert _run(code, FIRSTLINE_FULL_RASA="1").returncode == 0
    assert _run(code).returncode == 1
