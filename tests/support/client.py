"""A user of the public API, for integration tests and benchmarks."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from foundation.ids import new_id
from security.identity.keyring import KeyRing
from security.identity.user_tokens import mint


def user_token(home: Path, ref: str, host: str = "kettle") -> str:
    """Sign a token as the demo application would."""
    ring = KeyRing.load(home / "keys" / "hosts" / f"{host}.json")
    return mint(ring, sub=ref, name=ref.removeprefix("usr_").title(), now=datetime.now(UTC))


class UserClient:
    """Talks as one user in one conversation over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, home: Path, ref: str) -> None:
        self.session = session
        self.base_url = base_url
        self.home = home
        self.ref = ref
        self.conversation = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {user_token(self.home, self.ref)}"}

    async def begin(self) -> "UserClient":
        async with self.session.post(
            f"{self.base_url}/api/v1/conversations", json={}, headers=self.headers
        ) as response:
            assert response.status == 201, await response.text()
            self.conversation = (await response.json())["id"]
        return self

    def url(self, path: str = "") -> str:
        return f"{self.base_url}/api/v1/conversations/{self.conversation}{path}"

    async def send(self, text: str, *, choice: str | None = None, key: str | None = None) -> dict[str, Any]:
        """Send a message and return its event."""
        body = {"text": text} | ({"choice": choice} if choice else {})
        headers = {**self.headers, "Idempotency-Key": key or new_id("key")}
        async with self.session.post(self.url("/messages"), json=body, headers=headers) as response:
            assert response.status in (200, 201), await response.text()
            return dict(await response.json())

    async def send_surely(self, text: str, key: str) -> dict[str, Any]:
        """Send with the same key until it is acknowledged, as a good client does."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                headers = {**self.headers, "Idempotency-Key": key}
                async with self.session.post(
                    self.url("/messages"),
                    json={"text": text},
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=5),
                ) as response:
                    if response.status in (200, 201):
                        return dict(await response.json())
                    assert response.status >= 500, await response.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(0.2)
        raise AssertionError("never acknowledged")

    async def events(self, after: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        url = self.url(f"/events?after={after}&limit=500&wait={wait}")
        async with self.session.get(url, headers=self.headers) as response:
            assert response.status == 200, await response.text()
            return list((await response.json())["events"])

    async def answered(self, posted: dict[str, Any], seconds: float = 30) -> list[dict[str, Any]]:
        """Wait for what follows a message: the events after it, once somebody but the user has spoken."""
        async with asyncio.timeout(seconds):
            while True:
                events = await self.events(posted["seq"], wait=5)
                if any(event["author"]["kind"] != "user" and event["type"] == "message" for event in events):
                    return events

    async def ask(self, text: str, *, choice: str | None = None) -> list[dict[str, Any]]:
        """Send and wait for the answer."""
        return await self.answered(await self.send(text, choice=choice))
