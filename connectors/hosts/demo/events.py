"""Tells Firstline what has happened to users here, so that it need not wait for its next look around.

Best effort, in the background: nobody's page waits for it, and what is not told is found by Firstline's scan.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import secrets
import time
from dataclasses import dataclass, field

import aiohttp

from connectors.hosts.demo.keys import KeyFile, KeysUnusable
from connectors.hosts.demo.store import now, stamp

_log = logging.getLogger("kettle")
_TRIES = 3
_TIMEOUT = aiohttp.ClientTimeout(total=3)
_WAITING = 500
_BATCH = 50


@dataclass(frozen=True)
class Event:
    """Something that happened: the type, whose it is, and which parts of the state it touches."""

    type: str
    ref: str
    parts: tuple[str, ...]
    id: str = field(default_factory=lambda: f"evt_{secrets.token_hex(10)}")
    at: str = field(default_factory=lambda: stamp(now()))


class Events:
    """Sends events one batch after another; the oldest are dropped when too many wait."""

    def __init__(self, keys: KeyFile, firstline_url: str) -> None:
        self._keys = keys
        self._url = firstline_url.rstrip("/")
        self._queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        self._task: asyncio.Task[None] | None = None

    def tell(self, event: Event) -> None:
        """Put an event into the queue."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(event)

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what waits is not sent."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                batch = [await self._queue.get()]
                while len(batch) < _BATCH and not self._queue.empty():
                    batch.append(self._queue.get_nowait())
                await self._send(session, batch)

    async def _send(self, session: aiohttp.ClientSession, batch: list[Event]) -> None:
        rows = [{"id": e.id, "type": e.type, "ref": e.ref, "parts": list(e.parts), "at": e.at} for e in batch]
        body = json.dumps({"events": rows}).encode()
        for attempt in range(_TRIES):
            try:
                host, headers = signed(self._keys, body)
                path = f"{self._url}/api/v1/hosts/{host}/events"
                async with session.post(path, data=body, headers=headers) as response:
                    if response.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError, KeysUnusable) as error:
                _log.info("events not sent: %s", type(error).__name__)
            await asyncio.sleep(0.5 * 2**attempt)


def signed(keys: KeyFile, body: bytes) -> tuple[str, dict[str, str]]:
    """Return our name and the headers of a signed push of events. Raises KeysUnusable."""
    host, key = keys.signing()
    at, path = str(int(time.time())), f"/api/v1/hosts/{host}/events"
    fields = ("v1", at, "POST", path, hashlib.sha256(body).hexdigest(), "")
    signature = hmac.new(key.secret, "\n".join(fields).encode(), hashlib.sha256).hexdigest()
    return host, {
        "Content-Type": "application/json",
        "Firstline-Key-Id": key.kid,
        "Firstline-Timestamp": at,
        "Firstline-Signature": f"v1={signature}",
    }
