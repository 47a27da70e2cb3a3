"""Reading what a caller sends: bodies and queries, within limits, and what is wrong with them in words."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError

from foundation.errors import InvalidInput, TooLarge, UnsupportedMedia
from foundation.http.connections import waiting_for
from foundation.strict_json import MAX_VALUES, check_text, parse_json

BODY_DEADLINE = 10.0
"""Seconds within which a request body must have arrived; aiohttp itself waits for ever."""
SMALL_BODY = 64 * 1024
"""Bytes that an endpoint takes which does not say otherwise."""
MAX_PARAMETERS = 64
"""Parameters in a query."""
_LARGE = 32 * 1024
"""Bytes from which a body is parsed off the event loop."""
_MANY_ERRORS = 50
"""Errors from which each would cost more to describe than it is worth."""
_SHOWN_ERRORS = 10
_parsing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bodies")
"""One thread: large bodies wait for each other, and nothing else for them."""


def refuse_by_length(request: web.Request, limit: int) -> None:
    """Refuse a body by what its headers say, before anything of it is read.

    Raises:
        TooLarge: when it would be longer than `limit` bytes.
    """
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)


async def read_limited(
    request: web.Request, limit: int = SMALL_BODY, deadline: float = BODY_DEADLINE
) -> bytes:
    """Read the body within `deadline` seconds and `limit` bytes.

    Raises:
        TooLarge: when it is longer.
        InvalidInput: when it does not arrive in time, or is not framed as its headers say.
    """
    refuse_by_length(request, limit)
    chunks = bytearray()
    try:
        with waiting_for(request):
            async with asyncio.timeout(deadline):
                async for chunk in request.content.iter_chunked(64 * 1024):
                    chunks += chunk
                    if len(chunks) > limit:
                        raise _too_large(limit)
    except (TimeoutError, ConnectionError):
        raise InvalidInput("The body did not arrive in time.", hint="Send it again.") from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise InvalidInput("The body is not framed as its headers say.", hint="Send it again.") from None
    return bytes(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge("The body is too large.", hint=f"At most {limit // 1024} KiB.")


async def read_body(
    request: web.Request, model: type[BaseModel], limit: int, max_values: int = MAX_VALUES
) -> BaseModel:
    """Read a JSON body as `model`; an empty one stands for `{}`.

    Raises:
        UnsupportedMedia: when it is compressed, or not JSON by its Content-Type.
        TooLarge, InvalidInput: as `read_limited` and `validate` do.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Compressed bodies are not taken.", hint="Send it without Content-Encoding.")
    raw = await read_limited(request, limit)
    if raw and request.content_type != "application/json":
        raise UnsupportedMedia("The body must be JSON.", hint="Send Content-Type: application/json.")
    return await parse_body(raw, model, max_values)


async def parse_body(raw: bytes, model: type[BaseModel], max_values: int = MAX_VALUES) -> BaseModel:
    """Parse and validate, a large body off the event loop.

    Raises:
        InvalidInput: when it is not JSON, or not of the form of `model`.
    """

    def work() -> BaseModel:
        text = raw or b"{}"
        parse_json(text, max_values=max_values)
        # From JSON and strictly: a text is no number, and 1 is not true.
        return _validated(lambda: model.model_validate_json(text, strict=True))

    if len(raw) > _LARGE:
        return await asyncio.get_running_loop().run_in_executor(_parsing, work)
    return work()


def read_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """Read the query as `model`.

    Raises:
        InvalidInput: for too many parameters, one given twice, or values that do not fit.
    """
    text = request.rel_url.raw_query_string
    if text.count("&") >= MAX_PARAMETERS:
        raise InvalidInput("The query has too many parameters.", hint=f"At most {MAX_PARAMETERS}.")
    values = dict(request.query)
    if len(values) != len(request.query):
        raise InvalidInput("The query names the same parameter twice.", hint="Name each once.")
    check_text(values)
    return validate(model, values)


def validate(model: type[BaseModel], value: Any) -> BaseModel:
    """Validate `value`, saying for each wrong field what it must be and never what it was.

    Raises:
        InvalidInput: with `errors` as a list of `{"field", "problem"}`, when they are few.
    """
    return _validated(lambda: model.model_validate(value))


def _validated(validation: Callable[[], BaseModel]) -> BaseModel:
    try:
        return validation()
    except ValidationError as error:
        found = error
    # Describing an error costs as much as validating a hundred fields.
    if found.error_count() > _MANY_ERRORS:
        raise InvalidInput(
            f"{found.error_count()} fields are wrong or unknown.", hint="See /openapi.json for what fits."
        )
    problems = [
        {"field": ".".join(str(part) for part in item["loc"])[:80] or "body", "problem": _problem_of(item)}
        for item in found.errors(include_input=False, include_url=False, include_context=False)
    ][:_SHOWN_ERRORS]
    raise InvalidInput(
        f"{problems[0]['field']}: {problems[0]['problem']}.".replace("..", "."),
        hint="See `errors` for each field.",
        extra={"errors": problems},
    )


def _problem_of(item: Any) -> str:
    # Pydantic's own sentence names our class.
    return "Must be an object" if item["type"] == "model_type" else str(item["msg"])
