"""Rasa in its own environment, on a loopback port, with the model that training marked as current."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from app.ops.children import ports
from app.ops.children.child import Child, ChildFailed, Place, Plan
from app.ops.children.http_probe import answers
from app.settings import Settings

_FRUGAL = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_INTER_OP_PARALLELISM_THREADS": "1",
    "TF_INTRA_OP_PARALLELISM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RASA_TELEMETRY_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
}


class Rasa(Child):
    """The Rasa server; `redis_url` is asked when it starts, since Valkey's port may have changed."""

    name: ClassVar[str] = "rasa"
    title: ClassVar[str] = "Rasa"
    start_deadline: ClassVar[float] = 120.0
    stop_deadline: ClassVar[float] = 4.0
    silence_deadline: ClassVar[float | None] = 24.0

    def __init__(self, place: Place, settings: Settings, redis_url: Callable[[], str], token: str) -> None:
        super().__init__(place)
        self._settings = settings
        self._redis_url = redis_url
        self._token = token
        self.port = settings.rasa_port or 0

    @property
    def url(self) -> str:
        """Where it listens; known once it was started by anybody."""
        return f"http://127.0.0.1:{self.port or self.remembered().get('port', 0)}"

    async def plan(self, facts: Mapping[str, Any], alive: bool) -> Plan:
        """Start the current model. Raises ChildFailed when there is no model or no environment."""
        settings = self._settings
        if not settings.rasa_python.exists():
            raise ChildFailed("Rasa's environment is missing.", hint="Run `make run`, which installs it.")
        current = settings.models / "current.tar.gz"
        if not current.is_file():
            raise ChildFailed(
                "No assistant has been trained yet.", hint="Run `make run` or `firstline train`."
            )
        self.port = self._choose_port(facts, alive)
        argv = (
            str(settings.rasa_python), "-W", "ignore", "-m", "bot.rasa_components.serve",
            "--model", str(current.resolve()), "--port", str(self.port), "--interface", "127.0.0.1",
        )  # fmt: skip
        return Plan(argv, self._environment(), settings.root, {"port": self.port}, stamp=self._stamp())

    async def ready(self) -> bool:
        """Ask for its status, which it gives once the model is loaded."""
        return await answers(f"{self.url}/status?token={self._token}")

    def _choose_port(self, facts: Mapping[str, Any], alive: bool) -> int:
        wanted = self._settings.rasa_port
        if wanted is None:
            return ports.choose(self.port or facts.get("port"), in_use_by_us=alive)
        if not alive and not ports.is_free(wanted):
            raise ChildFailed(
                f"Port {wanted} is taken.", hint="Set RASA_PORT to a free port, or leave it out."
            )
        return wanted

    def _environment(self) -> dict[str, str]:
        redis = urlsplit(self._redis_url())
        return {
            **self._settings.child_environment,
            **_FRUGAL,
            "FIRSTLINE_SERVICE_TOKEN": self._token,
            "FIRSTLINE_ACTIONS_URL": f"{self._settings.local_url}/internal/rasa/actions",
            "FIRSTLINE_ENCODER_DIR": str(self._settings.encoder_dir.resolve()),
            "RASA_REDIS_HOST": redis.hostname or "127.0.0.1",
            "RASA_REDIS_PORT": str(redis.port or 6379),
            "RASA_REDIS_DB": redis.path.strip("/") or "0",
            "RASA_REDIS_USERNAME": unquote(redis.username or ""),
            "RASA_REDIS_PASSWORD": unquote(redis.password or ""),
            "RASA_REDIS_SSL": "true" if redis.scheme == "rediss" else "false",
        }

    def _stamp(self) -> str:
        """Hash of what Rasa loads besides the model, so that a child with older code is replaced."""
        components = self._settings.root / "bot" / "rasa_components"
        files = sorted([*components.glob("*.py"), *components.glob("*.yml")])
        return hash_of([*files, self._settings.encoder_dir / "encoder.json"])


def hash_of(files: list[Path]) -> str:
    """Hash of the contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"\0{file.name}\0".encode())
        total.update(file.read_bytes() if file.is_file() else b"missing")
    return total.hexdigest()
