"""The steps from a fresh clone to everything in place, and what each waits for."""

from pathlib import Path
from typing import List

from app.ops.installer.console import Console, Failed
from app.ops.installer.environments import Environments, Installation, digest
from app.ops.installer.node import FrontEnd
from app.ops.installer.pythons import RASA
from app.ops.installer.step_graph import InstallStep

__all__ = ["RASA", "plan"]


def plan(
    place: Installation, console: Console, environments: Environments, *, dev: bool, only: str
) -> List[InstallStep]:
    """List the steps; `dev` adds what tests and checks need, `only="app"` leaves out what serving needs."""
    app = environments.app
    steps = [
        InstallStep("uv", "Python environment", (), lambda: not app.has("uv"), environments.install_uv),
        InstallStep("app", "app packages", ("uv",), lambda: not app.has("app"), environments.install_app),
        InstallStep("command", "command", ("app",), environments.lacks_command, environments.install_command),
    ]
    if dev:
        steps.append(
            InstallStep(
                "dev", "test packages", ("app",), lambda: not app.has("dev"), environments.install_dev
            )
        )
    if only == "app":
        return steps + (_front_end_tools(place, console, environments) if dev else [])
    # The longest chain first: the encoder's packages decide how long a first installation takes.
    prepared = _Prepared(place, console, environments)
    steps.insert(
        0, InstallStep("torch", "encoder packages", (), prepared.lacks_torch, environments.install_encoder)
    )
    steps += [
        InstallStep(
            "rasa",
            "Rasa packages",
            ("uv",),
            lambda: not environments.rasa.has("rasa"),
            environments.install_rasa,
        ),
        InstallStep("encoder", "encoder export", ("torch",), prepared.lacks_encoder, prepared.export),
        InstallStep("model", "training", ("encoder", "rasa", "app"), prepared.lacks_model, prepared.train),
    ]
    return steps + _front_end(place, console, environments)


def _front_end(place: Installation, console: Console, environments: Environments) -> List[InstallStep]:
    web = FrontEnd(place, console, environments)
    if not web.exists:
        return []
    return [
        InstallStep("node", "Node.js", ("app",), web.needs_node, environments.install_node),
        InstallStep(
            "npm",
            "front-end packages",
            ("node",),
            lambda: web.is_stale() and web.lacks_packages(),
            web.install,
        ),
        InstallStep("web", "front-end build", ("npm",), web.is_stale, web.build),
    ]


def _front_end_tools(place: Installation, console: Console, environments: Environments) -> List[InstallStep]:
    """What checks of the front end need; nothing is built."""
    web = FrontEnd(place, console, environments)
    if not web.exists:
        return []
    return [
        InstallStep("node", "Node.js", ("app",), web.lacks_node, environments.install_node),
        InstallStep("npm", "front-end packages", ("node",), web.lacks_packages, web.install),
    ]


class _Prepared:
    """What is made once from the checkout: the exported encoder and the trained model."""

    def __init__(self, place: Installation, console: Console, environments: Environments) -> None:
        self._place = place
        self._console = console
        self._environments = environments
        self._encoder = Path(place.env.get("FIRSTLINE_ENCODER_DIR") or place.home / "encoder").absolute()

    def lacks_torch(self) -> bool:
        """Whether the encoder's environment is needed and not there."""
        return self.lacks_encoder() and not self._environments.encoder.has("encoder")

    def lacks_encoder(self) -> bool:
        """Whether the encoder has to be exported."""
        return (
            self._stamp("encoder") != self._encoder_sources() or not (self._encoder / "encoder.json").exists()
        )

    def lacks_model(self) -> bool:
        """Whether there may be something to train; the trainer itself looks closer."""
        trained = (self._place.home / "models" / "current.tar.gz").exists()
        return self.lacks_encoder() or not trained or self._stamp("model") != self._model_sources()

    def export(self) -> None:
        """Export the encoder to ONNX."""
        sources = self._encoder_sources()
        argv = [
            str(self._environments.encoder.python),
            "-m",
            "kb_index.encoder.export",
            "--out",
            str(self._encoder),
        ]
        chosen = self._place.env.get("FIRSTLINE_ENCODER")
        self._console.run(
            [*argv, *(["--model", chosen] if chosen else [])], self._place.env, self._place.root
        )
        self._note("encoder", sources)

    def train(self) -> None:
        """Train the assistant."""
        sources = self._model_sources()
        argv = [str(self._environments.app.python), "-m", "bot.training.trainer",
                "--home", str(self._place.home), "--encoder", str(self._encoder)]  # fmt: skip
        try:
            self._console.run(argv, self._place.env, self._place.root)
        except Failed as error:
            raise Failed(str(error), "Mend what is said above, and run the same again.") from None
        self._note("model", sources)

    def _encoder_sources(self) -> str:
        folder = self._place.root / "kb_index" / "encoder"
        chosen = self._place.env.get("FIRSTLINE_ENCODER", "")
        parts = ("export", "onnx_encoder", "quantisation", "folders")
        files = [*(folder / f"{name}.py" for name in parts), self._place.lock("encoder")]
        return f"{digest(files)} {chosen} {self._encoder}"

    def _model_sources(self) -> str:
        root = self._place.root
        components = sorted((root / "bot" / "rasa_components").glob("*.py"))
        files = [root / "config.yml", root / "domain.yml", root / "data" / "training", *components]
        return digest([*files, self._encoder / "encoder.json", self._place.lock("rasa")])

    def _stamp(self, name: str) -> str:
        try:
            return (self._place.home / "run" / f"{name}.stamp").read_text()
        except OSError:
            return ""

    def _note(self, name: str, text: str) -> None:
        (self._place.home / "run" / f"{name}.stamp").write_text(text)
