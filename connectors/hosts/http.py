"""The application being supported, over HTTP: the port `actions.ports.HostApplication` for real ones."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import stamina
import structlog
from pydantic import BaseModel, ValidationError
from yarl import URL

from actions.host import (
    HostRefused,
    HostUnavailable,
    Operation,
    OperationResult,
    UnknownUser,
    UserPage,
    UserState,
)
from connectors.hosts.signing import SigningKeys, signed_headers
from connectors.hosts.wire import (
    LookupAnswer,
    OperationsAnswer,
    Refusal,
    ResultAnswer,
    StateAnswer,
    UsersAnswer,
    check_parts,
    is_from_future,
)
from foundation.clock import Clock, SystemClock
from foundation.errors import FirstlineError, InvalidInput
from foundation.strict_json import check_text, parse_json

MAX_ANSWER_BYTES = 1024 * 1024
SKEW_SECONDS = 300
_RETRYABLE = frozenset({"unreachable", "timeout", "server_error"})
_LARGE = 32 * 1024
_MAX_VALUES = 100_000
_OPERATION = re.compile(r"[a-z][a-z0-9_]{0,63}")
_log = structlog.get_logger("connectors.hosts")
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect, for one try, and for a call with all its tries."""

    connect: float = 3.0
    total: float = 8.0

    @property
    def attempt(self) -> float:
        """How long one try may take: half, so that one that hangs leaves time for another."""
        return self.total / 2


def open_session() -> aiohttp.ClientSession:
    """Return the session that all hosts share: no cookies, no proxy settings, no decompression."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=64, limit_per_host=24, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "Firstline", "Accept": "application/json", "Accept-Encoding": "identity"},
    )


class HttpHostApplication:
    """A host application behind the HTTP contract. Every call may be tried up to three times."""

    def __init__(
        self,
        name: str,
        base_url: str,
        keys: SigningKeys,
        session: aiohttp.ClientSession,
        *,
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._base = URL(base_url.rstrip("/"))
        self._keys = keys
        self._session = session
        self._timeouts = timeouts or Timeouts()
        self._clock = clock or SystemClock()

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> UserState:
        """Read what the application holds about the user `ref`: the named parts, or all.

        Raises:
            HostUnavailable: when there is no usable answer in time.
            HostRefused: when the application does not let us read.
            UnknownUser: when it knows no such user.
        """
        query = f"?parts={','.join(quote(part, safe='') for part in parts)}" if parts else ""
        path = f"/users/{_segment(ref)}/state"
        try:
            answer = await self._call("GET", path + query, StateAnswer, _accept_state)
        except HostRefused as error:
            if not parts or error.reason_code != "unknown_part":
                raise
            # One of several parts is none of this application's: what it has is in the whole.
            answer = await self._call("GET", path, StateAnswer, _accept_state)
        if answer.ref != ref:
            raise self._nonsense("The application answered about another user.")
        if is_from_future(answer.as_of, self._clock.now(), skew_seconds=SKEW_SECONDS):
            raise self._nonsense("The application's clock is more than five minutes ahead.")
        wanted = {name: content for name, content in answer.parts.items() if not parts or name in parts}
        return UserState(ref=ref, as_of=answer.as_of, parts=wanted)

    async def operations(self, ref: str) -> list[Operation]:
        """List what the application can do for the user, and whether it would now. Raises as `state`."""
        answer = await self._call("GET", f"/users/{_segment(ref)}/operations", OperationsAnswer)
        return [
            Operation(o.name, o.title, o.allowed, o.reason, o.changes, o.confirm_at)
            for o in answer.operations
        ]

    async def run(
        self, ref: str, operation: str, parameters: Mapping[str, Any], *, idempotency_key: str
    ) -> OperationResult:
        """Have the application do `operation`; tried again with the same key, so that it acts once.

        Raises as `state`. After `HostUnavailable` it is not known whether it was done.
        """
        if not (1 <= len(idempotency_key) <= 128 and idempotency_key.isascii() and _visible(idempotency_key)):
            raise InvalidInput("An idempotency key is 1 to 128 visible ASCII characters.")
        if not _OPERATION.fullmatch(operation):
            raise HostRefused("The application has no such operation.", reason_code="unknown_operation")
        path = f"/users/{_segment(ref)}/operations/{operation}"
        body = _encode({"parameters": dict(parameters)})
        answer = await self._call("POST", path, ResultAnswer, body=body, idempotency_key=idempotency_key)
        return OperationResult(answer.status, answer.code, answer.message, answer.result)

    async def lookup(self, email: str) -> str | None:
        """Return the id of the user with this e-mail address, or None. Raises `HostUnavailable`."""
        try:
            answer = await self._call("POST", "/users/lookup", LookupAnswer, body=_encode({"email": email}))
        except UnknownUser:
            return None
        return answer.ref

    async def users(self, after: str | None = None, limit: int = 100) -> UserPage:
        """Return users after a reference, in a stable order. Raises `HostUnavailable`, `HostRefused`."""
        query = urlencode({"limit": limit, **({"after": after} if after else {})})
        answer = await self._call("GET", f"/users?{query}", UsersAnswer)
        return UserPage(tuple(answer.users), answer.next)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        accept: Callable[[Answer], None] | None = None,
        *,
        body: bytes = b"",
        idempotency_key: str = "",
    ) -> Answer:
        """Call until there is an answer, at most three times and `timeouts.total` seconds."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeouts.total):
                raw = await self._try_again(method, path, body, idempotency_key)
            value = await _read(raw)
            checked = answer.model_validate(value)
            if accept is not None:
                accept(checked)
        except TimeoutError:
            error = HostUnavailable("The application does not answer in time.", reason="timeout")
        except ValidationError as found:
            error = self._nonsense("The application's answer has another form than agreed.", found)
        except InvalidInput as found:
            error = self._nonsense("The application's answer is not proper JSON.", found)
        except HostUnavailable as found:
            error = found
        else:
            return checked
        elapsed = round((time.monotonic() - started) * 1000)
        _log.warning("host_unavailable", host=self.name, method=method, reason=error.reason, ms=elapsed)
        raise error

    async def _try_again(self, method: str, path: str, body: bytes, key: str) -> bytes:
        """All calls are safe to repeat: they only read, or carry an idempotency key."""
        tries = stamina.retry_context(
            on=lambda e: isinstance(e, HostUnavailable) and e.reason in _RETRYABLE,
            attempts=3,
            timeout=self._timeouts.total,
            wait_initial=0.1,
            wait_max=1.0,
            wait_jitter=0.1,
        )
        async for attempt in tries:
            with attempt:
                return await self._send(method, path, body, key)
        raise HostUnavailable  # not reached: the last try raises

    async def _send(self, method: str, path: str, body: bytes, key: str) -> bytes:
        url = URL(f"{self._base}/firstline/v1{path}", encoded=True)
        headers = self._sign(method, url.raw_path_qs, body, key)
        if body:
            headers["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(total=self._timeouts.attempt, sock_connect=self._timeouts.connect)
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _read_limited(response)
                await self._check_status(response, content)
                return content
        except TimeoutError:
            raise HostUnavailable("The application does not answer in time.", reason="timeout") from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            _log.debug("host_connection", host=self.name, kind=type(error).__name__)
            raise HostUnavailable from None
        except aiohttp.ClientError as error:
            raise self._nonsense("The application does not speak HTTP as agreed.", error) from None

    def _sign(self, method: str, path: str, body: bytes, key: str) -> dict[str, str]:
        try:
            signing = self._keys.signing_key()
        except FirstlineError as error:
            _log.error("host_key_missing", host=self.name, kind=type(error).__name__)
            raise HostUnavailable(
                "There is no key to sign requests to the application with.", reason="no_key"
            ) from error
        if signing.secret is None:
            raise HostUnavailable("The application's key cannot sign.", reason="no_key")
        timestamp = int(self._clock.now().timestamp())
        return signed_headers(
            signing.kid,
            signing.secret,
            timestamp=timestamp,
            method=method,
            path=path,
            body=body,
            idempotency_key=key,
        )

    async def _check_status(self, response: aiohttp.ClientResponse, content: bytes) -> None:
        status = response.status
        if status == 200:
            if response.content_type != "application/json":
                raise self._nonsense("The application's answer is not JSON.")
            return
        refusal = await _read_refusal(content)
        if status == 404 and refusal.code == "unknown_user":
            raise UnknownUser
        if status == 429:
            raise HostUnavailable("The application is too busy.", reason="overloaded")
        if status >= 500:
            raise HostUnavailable("The application has an error.", reason="server_error")
        if status < 400 or (status == 404 and refusal.code is None):
            raise self._nonsense(
                f"The application answered with status {status}, which the contract has not."
            )
        _log.warning("host_refused", host=self.name, status=status, code=refusal.code)
        message = refusal.message or "The application does not allow this."
        raise HostRefused(message, reason_code=refusal.code or f"http_{status}")

    def _nonsense(self, message: str, cause: Exception | None = None) -> HostUnavailable:
        """Log where the answer is wrong, never what it holds."""
        where: list[str] = []
        if isinstance(cause, ValidationError):
            found = cause.errors(include_url=False, include_context=False, include_input=False)
            where = [f"{'.'.join(str(step)[:40] for step in e['loc'])}: {e['type']}" for e in found[:5]]
        _log.warning("host_answer_unusable", host=self.name, problem=message, where=where)
        return HostUnavailable(message, reason="bad_answer")


def _accept_state(answer: StateAnswer) -> None:
    check_parts(answer.parts)


def _visible(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _segment(text: str) -> str:
    """Return a user's reference as one path segment; what cannot be one names no user."""
    try:
        encoded = quote(text, safe="")
    except UnicodeEncodeError:
        raise UnknownUser from None
    if not text or len(text) > 200 or text in (".", "..") or "\x00" in text:
        raise UnknownUser
    return encoded


def _encode(value: Mapping[str, Any]) -> bytes:
    try:
        check_text(value)
        return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()
    except (TypeError, ValueError):
        raise InvalidInput("The parameters cannot be written as JSON.") from None


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise HostUnavailable("The application compressed its answer, unasked.", reason="bad_answer")
    content = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise HostUnavailable("The application's answer is larger than 1 MiB.", reason="bad_answer")
    return bytes(content)


async def _read(raw: bytes) -> Any:
    """Parse strictly; a large answer off the event loop."""
    if len(raw) > _LARGE:
        return await asyncio.to_thread(parse_json, raw, max_values=_MAX_VALUES)
    return parse_json(raw, max_values=_MAX_VALUES)


async def _read_refusal(content: bytes) -> Refusal:
    try:
        return Refusal.model_validate(await _read(content[:_LARGE]))
    except (ValidationError, InvalidInput):
        return Refusal()
