"""The real Rasa server, freshly trained, with a Valkey and an action server that the test controls."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from bot.training.trainer import Assistant, train

ROOT = Path(__file__).resolve().parents[3]
RASA = ROOT / ".venv-rasa" / "bin" / "python"
TOKEN = "service-token-of-the-test"


@dataclass
class ActionServer:
    """Answers each action with its name as text, unless a test says otherwise (by action name)."""

    answers: dict[str, dict[str, Any] | Callable[[Any], dict[str, Any]]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    server: ThreadingHTTPServer | None = None
    port: int = 0

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if outer.server is None:  # a connection that outlived the server
                    self.close_connection = True
                    return
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = outer.answer(body, self.headers.get("Authorization", ""))
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            server, self.server = self.server, None
            server.shutdown()
            server.server_close()

    def reset(self) -> None:
        self.answers.clear()
        self.calls.clear()
        self.broken.clear()
        if self.server is None:
            self.start()

    def answer(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any]]:
        name = body["next_action"]
        self.calls.append(body)
        if authorization != f"Bearer {TOKEN}":
            return 401, {}
        if name in self.broken:
            return 500, {}
        said = [] if name.startswith("validate_") else [{"text": name}]
        answer = self.answers.get(name, {"events": [], "responses": said})
        return 200, answer(body) if callable(answer) else answer

    def ask_which_order(self) -> None:
        """Play a workflow that asks: order_status opens the form, a number of five digits answers it."""
        slots = [{"event": "slot", "name": "pending_workflow", "value": "order_status"}]
        opens = [*slots, {"event": "active_loop", "name": "workflow_form"}]

        def start(body: Any) -> dict[str, Any]:
            if body["tracker"]["latest_message"]["intent"]["name"] == "order_status":
                return {"events": opens, "responses": []}
            return {"events": [], "responses": [{"text": "action_start_workflow"}]}

        def validate(body: Any) -> dict[str, Any]:
            tracker = body["tracker"]
            asked = tracker["slots"]["requested_slot"] == "workflow_answer"
            number = re.search(r"\d{5}", tracker["latest_message"]["text"]) if asked else None
            value = number[0] if number else None
            taken = [{"event": "slot", "name": "workflow_answer", "value": value}] if number else []
            return {"events": taken, "responses": []}

        done = [{"event": "slot", "name": "workflow_answer", "value": None}]
        self.answers["action_start_workflow"] = start
        self.answers["validate_workflow_form"] = validate
        self.answers["action_ask_workflow_answer"] = {"events": [], "responses": [{"text": "which order?"}]}
        self.answers["action_continue_workflow"] = {"events": done, "responses": [{"text": "continued"}]}


@dataclass
class Rasa:
    """A running Rasa server and how to talk to it."""

    port: int
    process: subprocess.Popen[bytes]
    actions: ActionServer
    token: str = TOKEN

    def post(self, body: Any, *, token: str | None = TOKEN, path: str = "/turn") -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"http://127.0.0.1:{self.port}/webhooks/firstline{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def tracker(self, conversation: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/conversations/{conversation}/tracker?token={TOKEN}"
        with urllib.request.urlopen(url, timeout=30) as response:
            return dict(json.load(response))

    def set_slots(self, conversation: str, **slots: Any) -> None:
        if not slots:
            return
        events = [{"event": "slot", "name": name, "value": value} for name, value in slots.items()]
        url = f"http://127.0.0.1:{self.port}/conversations/{conversation}/tracker/events?token={TOKEN}"
        request = urllib.request.Request(
            url, json.dumps(events).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=30).close()


class Talk:
    """One conversation."""

    def __init__(self, rasa: Rasa) -> None:
        self.rasa = rasa
        self.id = f"cnv_{uuid.uuid4().hex}:1"

    def say(self, text: str, turn: str | None = None) -> dict[str, Any]:
        return self._send({"text": text}, turn)

    def press(self, payload: str, turn: str | None = None) -> dict[str, Any]:
        return self._send({"payload": payload}, turn)

    def _send(self, said: dict[str, str], turn: str | None) -> dict[str, Any]:
        body = {"conversation": self.id, "turn": turn or f"trn_{uuid.uuid4().hex}", **said}
        status, answer = self.rasa.post(body)
        assert status == 200, answer
        return dict(answer)

    @property
    def tracker(self) -> dict[str, Any]:
        return self.rasa.tracker(self.id)


def texts(answer: dict[str, Any]) -> list[str]:
    """The texts of an answer; the action server of the tests says the names of actions."""
    return [message["text"] for message in answer["messages"] if "text" in message]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory, encoder_dir: Path) -> Path:
    """A model of the checkout as it is."""
    home = tmp_path_factory.mktemp("assistant")
    assistant = Assistant(home, encoder=encoder_dir)
    return asyncio.run(train(home, assistant=assistant, progress=lambda line: None)).model


def start_rasa(model: Path, encoder: Path, valkey: str, actions: ActionServer, log: Path) -> Rasa:
    """Start Rasa and wait until it has the model."""
    redis = urlsplit(valkey)
    port = free_port()
    environment = {
        **os.environ,
        "FIRSTLINE_SERVICE_TOKEN": TOKEN,
        "FIRSTLINE_ACTIONS_URL": f"http://127.0.0.1:{actions.port}/internal/rasa/actions",
        "FIRSTLINE_ENCODER_DIR": str(encoder.resolve()),
        "RASA_REDIS_HOST": str(redis.hostname),
        "RASA_REDIS_PORT": str(redis.port),
        "RASA_REDIS_PASSWORD": unquote(redis.password or ""),
        "RASA_REDIS_DB": redis.path.lstrip("/") or "0",
    }
    command = [str(RASA), "-m", "bot.rasa_components.serve", "--model", str(model), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8")[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/webhooks/firstline/", timeout=2):
                return Rasa(port, process, actions)
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(log.read_text("utf-8")[-2000:])


@pytest.fixture(scope="session")
def running_rasa(
    trained_model: Path, encoder_dir: Path, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rasa]:
    """One Rasa for the session."""
    actions = ActionServer()
    actions.start()
    log = tmp_path_factory.mktemp("rasa") / "rasa.log"
    rasa = start_rasa(trained_model, encoder_dir, valkey_url, actions, log)
    yield rasa
    rasa.process.send_signal(signal.SIGTERM)
    rasa.process.wait(20)
    actions.stop()


@pytest.fixture
def rasa(running_rasa: Rasa) -> Rasa:
    """The running Rasa, with the action server as it is by default."""
    running_rasa.actions.reset()
    return running_rasa


@pytest.fixture
def talk(rasa: Rasa) -> Talk:
    """A new conversation."""
    return Talk(rasa)
