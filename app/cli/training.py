"""Training from the command line, and the hand-over of the new model to a running Rasa."""

import json
from pathlib import Path

import aiohttp

from app.ops import home_lock
from app.ops.children.child import Place
from app.ops.children.rasa import Rasa
from app.ops.parts import Secrets
from app.settings import Settings
from bot.training.trainer import Assistant
from bot.training.trainer import train as work
from foundation.errors import Unavailable

_SWAP_SECONDS = 60


async def train(*, force: bool, as_json: bool) -> None:
    """Train when needed, and let a running Rasa load the result without a restart."""
    settings = Settings.from_env()
    assistant = Assistant(settings.home, settings.root, settings.rasa_python, settings.encoder_dir)

    def progress(text: str) -> None:
        if as_json:
            print(json.dumps({"event": "progress", "text": text}), flush=True)
        else:
            print(text, flush=True)

    trained = await work(settings.home, force=force, progress=progress, assistant=assistant)
    serving = trained.fresh and home_lock.running(settings.home) is not None
    if serving:
        await _swap(settings, trained.model)
    if as_json:
        told = {"event": "trained", "model": trained.fingerprint, "file": str(trained.model)}
        more = {"fresh": trained.fresh, "seconds": round(trained.seconds, 1), "serving": serving}
        print(json.dumps(told | more), flush=True)
    elif serving:
        print(f"Rasa serves model {trained.fingerprint} now.")


async def _swap(settings: Settings, model: Path) -> None:
    token = Secrets.of(settings.keys).service_token
    rasa = Rasa(Place.within(settings.home), settings, lambda: "", token)
    url = settings.rasa_url or rasa.url
    timeout = aiohttp.ClientTimeout(total=_SWAP_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.put(f"{url}/model", params={"token": token}, json={"model_file": str(model)}) as response,
        ):
            accepted = response.status < 300
    except (aiohttp.ClientError, OSError, TimeoutError):
        accepted = False
    if not accepted:
        raise Unavailable(
            "The model is trained, but the running Rasa did not take it.", hint="Restart with `make run`."
        )
