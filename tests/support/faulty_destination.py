"""A destination on loopback that takes deliveries over HTTP and goes wrong as it is told, and its client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from foundation.outbox import Busy, Delivery, Refused, Unanswered

Fault = str | None
"""`drop` (taken, then no answer), `busy`, `broken`, `hang`, `truncated` (taken, half an answer), `refuse`."""


@dataclass
class FaultyDestination:
    """Keeps what it took, as (our id, key, payload), in the order in which it came. It does not look for
    duplicates: that is for the client to do."""

    fault: Callable[[str], Fault] = lambda delivery_id: None
    taken: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    calls: int = 0
    retry_after: int = 1
    most_at_once: int = 0
    _now: int = 0

    async def _deliver(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._answer(request)
        finally:
            self._now -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        match self.fault(body["id"]):
            case "busy":
                return web.Response(status=429, headers={"Retry-After": str(self.retry_after)})
            case "broken":
                return web.Response(status=500)
            case "refuse":
                return web.Response(status=422)
            case "hang":
                await asyncio.sleep(3600)
            case "drop":
                self._take(body)
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "truncated":
                self._take(body)
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"id": "re')
                assert request.transport is not None
                request.transport.close()
                return response
        self._take(body)
        return web.json_response({"id": f"remote-{len(self.taken)}"})

    def _take(self, body: dict[str, object]) -> None:
        payload = body["payload"]
        assert isinstance(payload, dict)
        self.taken.append((str(body["id"]), str(body["key"]), payload))

    async def _find(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        for number, (known, _, _) in enumerate(self.taken, 1):
            if known == wanted:
                return web.json_response({"id": f"remote-{number}"})
        return web.json_response({"id": None})

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve on a free port of loopback; gives the address."""
        app = web.Application()
        app.router.add_post("/deliveries", self._deliver)
        app.router.add_get("/deliveries/{id}", self._find)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


class HttpDestination:
    """The client: answers are read as a connector reads those of a vendor."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/deliveries"

    async def find(self, delivery: Delivery) -> str | None:
        """Ask for a delivery by our id."""
        try:
            async with self._session.get(f"{self._url}/{delivery.id}") as answer:
                found: str | None = (await answer.json())["id"]
                return found
        except aiohttp.ClientError as error:
            raise Unanswered(type(error).__name__) from None

    async def deliver(self, delivery: Delivery) -> str | None:
        """Send one."""
        body = {"id": delivery.id, "key": delivery.key, "payload": dict(delivery.payload)}
        try:
            async with self._session.post(self._url, json=body) as answer:
                if answer.status == 429:
                    raise Busy(float(answer.headers["Retry-After"]))
                if answer.status >= 500:
                    raise Unanswered(f"http_{answer.status}")
                if answer.status >= 400:
                    raise Refused(f"http_{answer.status}")
                remote: str = (await answer.json())["id"]
                return remote
        except aiohttp.ClientError as error:
            raise Unanswered(type(error).__name__) from None
