"""An endpoint as data, and how a request becomes a call of its handler."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError

from bot.foundation.callers import Caller
from bot.foundation.errors import FirstlineError, InvalidInput, TooLarge, UnsupportedMedia
from bot.foundation.http.access import Access, Authenticator
from bot.foundation.strict_json import check_text, parse_json

BODY_DEADLINE = 10.0
"""Seconds within which a request body must have arrived; aiohttp itself waits for ever."""
MAX_BODY = 1024 * 1024


class NoBody(BaseModel):
    """An answer without content."""


@dataclass(frozen=True)
class Reply:
    """A handler's answer when the endpoint's own status or headers do not fit."""

    body: BaseModel | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One call of an endpoint: who, with what."""

    request: web.Request
    caller: Caller
    path: dict[str, str]
    body: Any = None
    query: Any = None

    def header(self, name: str) -> str | None:
        """Return a request header, or None."""
        return self.request.headers.get(name)


Handler = Callable[[Call], Awaitable[BaseModel | Reply | web.StreamResponse]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path. `raw` handlers read the body themselves and answer as they like."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    tags: tuple[str, ...] = ()
    raw: bool = False

    def bind(self, authenticator: Authenticator) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Make the aiohttp handler: admit, read, validate, call, render."""

        async def handle(request: web.Request) -> web.StreamResponse:
            check_text(list(request.match_info.values()))
            caller = await self.access.admit(request, authenticator)
            call = Call(
                request,
                caller,
                dict(request.match_info),
                await _read_body(request, self.body) if self.body is not None else None,
                _read_query(request, self.query) if self.query is not None else None,
            )
            return render(await self.handler(call), self.status)

        return handle


def render(result: BaseModel | Reply | web.StreamResponse, status: int) -> web.StreamResponse:
    """Turn a handler's result into a response."""
    if isinstance(result, web.StreamResponse):
        return result
    reply = result if isinstance(result, Reply) else Reply(result, status)
    if reply.body is None or isinstance(reply.body, NoBody):
        return web.Response(status=reply.status if reply.status != 200 else 204, headers=reply.headers)
    return web.Response(
        body=reply.body.model_dump_json().encode(),
        status=reply.status,
        headers={"Cache-Control": "no-store", **reply.headers},
        content_type="application/json",
    )


async def read_limited(request: web.Request, limit: int = MAX_BODY) -> bytes:
    """Read the body within `BODY_DEADLINE` seconds and `limit` bytes.

    Raises:
        TooLarge: when it is longer.
        InvalidInput: when it does not arrive in time, or is not framed as its headers say.
    """
    too_large = TooLarge("The body is too large.", hint=f"At most {limit // 1024} KiB.")
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    chunks = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            async for chunk in request.content.iter_chunked(64 * 1024):
                chunks += chunk
                if len(chunks) > limit:
                    raise too_large
    except TimeoutError:
        raise InvalidInput("The body did not arrive in time.", hint="Send it again.") from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise InvalidInput("The body is not framed as its headers say.", hint="Send it again.") from None
    return bytes(chunks)


async def _read_body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Compressed bodies are not taken.", hint="Send it without Content-Encoding.")
    raw = await read_limited(request)
    if not raw:
        raw = b"{}"
    elif request.content_type != "application/json":
        raise UnsupportedMedia("The body must be JSON.", hint="Send Content-Type: application/json.")
    return validate(model, parse_json(raw))


def _read_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    values = dict(request.query)
    check_text(values)
    return validate(model, values)


def validate(model: type[BaseModel], value: Any) -> BaseModel:
    """Validate `value`, saying for each wrong field what it must be and never what it was.

    Raises:
        InvalidInput: with `errors` as a list of `{"field", "problem"}`.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            {
                "field": ".".join(str(part) for part in item["loc"])[:80] or "body",
                "problem": _problem_of(item),
            }
            for item in error.errors(include_input=False, include_url=False, include_context=False)[:10]
        ]
        raise InvalidInput(
            f"{problems[0]['field']}: {problems[0]['problem']}.".replace("..", "."),
            hint="See `errors` for each field.",
            extra={"errors": problems},
        ) from None


def _problem_of(item: Any) -> str:
    # Pydantic's own sentence names our class.
    return "Must be an object" if item["type"] == "model_type" else str(item["msg"])


def problem(error: FirstlineError) -> web.Response:
    """Render an expected error as a problem document (RFC 9457)."""
    body: dict[str, Any] = {
        "type": f"urn:firstline:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "hint": error.hint,
        **error.extra,
    }
    headers = {"Cache-Control": "no-store"}
    if retry_after := getattr(error, "retry_after", None):
        headers["Retry-After"] = str(retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.json_response(
        body, status=error.status, headers=headers, content_type="application/problem+json"
    )
