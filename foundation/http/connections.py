"""Connections that wait for their client: how long, how many, and whose have to go.

A client costs nothing while it works for us, and a place while we wait for it: for the head of a request, for
a body, or for it to read an answer. Such places are bounded in time and in number; when an address takes too
many, its oldest goes, so that who floods pushes out their own connections and nobody else's. An honest client
sends a head at once and is never the oldest.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import structlog
from aiohttp import web

from foundation.errors import InvalidInput
from foundation.http.problems import problem

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ConnectionLimits:
    """How long we wait for clients (seconds) and how many connections may wait.

    `idle` is between two requests and longer than what reverse proxies keep theirs for.
    """

    head: float = 10.0
    idle: float = 75.0
    reading: float = 120.0
    lingering: float = 2.0
    waiting_of_address: int = 128
    open: int = 4096
    head_bytes: int = 32 * 1024
    headers: int = 100


class ConnectionGate:
    """Knows all open connections, and which of them wait."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open = 0
        # In the order in which they began to wait.
        self._waiting: dict[str, dict[LimitedConnection, None]] = {}
        self._idle: dict[LimitedConnection, None] = {}

    def opened(self, connection: "LimitedConnection") -> None:
        """Count a connection; when there are too many, one that is idle or waits longest goes for it."""
        self._open += 1
        if self._open > self.limits.open:
            (self._spare() or connection).cut("too_many_connections")

    def _spare(self) -> "LimitedConnection | None":
        if self._idle:
            return next(iter(self._idle))
        if not self._waiting:
            return None
        most = max(self._waiting, key=lambda address: len(self._waiting[address]))
        return next(iter(self._waiting[most]))

    def closed(self, connection: "LimitedConnection") -> None:
        """Forget a connection."""
        self._open -= 1
        self.works(connection)

    def waits(self, connection: "LimitedConnection") -> None:
        """Note that we wait for the client; the address's connection that waits longest may go for it."""
        if connection.transport is None:
            return
        self._idle.pop(connection, None)
        of_address = self._waiting.setdefault(connection.address, {})
        of_address.setdefault(connection)
        if len(of_address) > self.limits.waiting_of_address:
            next(iter(of_address)).cut("too_many_waiting")

    def works(self, connection: "LimitedConnection") -> None:
        """Note that we no longer wait for the client."""
        self._idle.pop(connection, None)
        of_address = self._waiting.get(connection.address)
        if of_address is not None:
            of_address.pop(connection, None)
            if not of_address:
                del self._waiting[connection.address]

    def idles(self, connection: "LimitedConnection") -> None:
        """Note that the connection is kept for a next request."""
        self.works(connection)
        self._idle[connection] = None


class LimitedConnection(web.RequestHandler):
    """One connection; aiohttp's own handler knows no deadline for the head of a request."""

    __slots__ = ("_answered", "_gate", "_head_bytes", "_head_timer", "_in_head", "_reading_timer", "address")

    def __init__(self, server: web.Server, gate: ConnectionGate, **more: Any) -> None:
        super().__init__(
            server,
            keepalive_timeout=gate.limits.idle,
            lingering_time=gate.limits.lingering,
            max_headers=gate.limits.headers,
            # Compressed bodies are refused, and so not unpacked while a refused request is read to its end.
            auto_decompress=False,
            access_log=cast(logging.Logger, None),
            **more,
        )
        self._gate = gate
        self.address = ""
        self._answered = 0
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection and wait for its first request."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._gate.opened(self)
        self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._gate.closed(self)
        for timer in (self._head_timer, self._reading_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note when a head begins and when it is whole."""
        if data and not self._in_head and self._answered == self._request_count:
            self._await_head()
        heads = self._request_count
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._request_count > heads:
            self._in_head = False
            if self._head_timer is not None:
                self._head_timer.cancel()
            self._gate.works(self)
        elif self._head_bytes > self._gate.limits.head_bytes:
            self.cut("head_too_long")

    def _await_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._gate.waits(self)
        self._head_timer = asyncio.get_running_loop().call_later(
            self._gate.limits.head, self.cut, "head_too_slow"
        )

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Finish, and note that the connection is idle when nothing more was asked meanwhile."""
        result = await super().finish_response(request, resp, start_time)
        self._answered += 1
        if self._answered == self._request_count and self.transport is not None and not self._in_head:
            self._gate.idles(self)
        return result

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the connection as one that waits for its client, while a body is read."""
        self._gate.waits(self)
        try:
            yield
        finally:
            self._gate.works(self)

    def pause_writing(self) -> None:
        """The client does not read what we send: wait for it, but not for ever."""
        super().pause_writing()
        self._gate.waits(self)
        self._reading_timer = asyncio.get_running_loop().call_later(
            self._gate.limits.reading, self.cut, "client_does_not_read"
        )

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._gate.works(self)
        if self._reading_timer is not None:
            self._reading_timer.cancel()

    def cut(self, reason: str) -> None:
        """End the connection at once."""
        log.debug("connection_cut", reason=reason, address=self.address)
        transport = self.transport
        if transport is not None:
            self._gate.works(self)
            transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP without repeating it; aiohttp's own answer quotes the line."""
        # Texts that cannot be written are a client's bytes that aiohttp quotes, before any of our code runs.
        if status >= 500 and not isinstance(exc, UnicodeError):
            return super().handle_error(request, status, exc, message)
        log.info("request_malformed", reason=type(exc).__name__)
        answer = problem(
            InvalidInput("The request is not valid HTTP.", hint="Send it again.", code="not_http")
        )
        answer.force_close()
        return answer


def waiting_for(request: web.BaseRequest) -> contextlib.AbstractContextManager[None]:
    """Count the request's connection as one that waits for its client, for as long as the block runs."""
    connection = request.protocol
    return connection.waiting() if isinstance(connection, LimitedConnection) else contextlib.nullcontext()


class LimitedSite(web.SockSite):
    """Listens on a socket and gives each connection its limits."""

    def __init__(
        self, runner: web.AppRunner, sock: Any, limits: ConnectionLimits, *, backlog: int = 512
    ) -> None:
        super().__init__(runner, sock, backlog=backlog)
        self._gate = ConnectionGate(limits)
        self._listening_on = sock

    async def start(self) -> None:
        """Begin to listen."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: LimitedConnection(server, self._gate, loop=loop),
            sock=self._listening_on,
            backlog=self._backlog,
        )
