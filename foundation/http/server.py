"""Endpoints become an aiohttp application: routes, cross-origin answers, errors, safe headers."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from foundation.authorization import Authorizer
from foundation.database_errors import explain
from foundation.errors import ClientError, FirstlineError, NotFound, TooLarge, Unavailable
from foundation.http.access import Authenticator
from foundation.http.bodies import refuse_by_length
from foundation.http.endpoints import Endpoint
from foundation.http.peers import NO_PROXIES, TRUSTED_PROXIES, TrustedProxies, is_https
from foundation.http.problems import problem

log = structlog.get_logger(__name__)

ENDPOINTS: web.AppKey[dict[tuple[str, str], Endpoint]] = web.AppKey("endpoints", dict)
_SECURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_HTTPS_ONLY = "max-age=31536000"
"""For a year; names below ours may be somebody else's and are left alone."""
_DATA = frozenset({"application/json", "application/problem+json"})
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
Observe = Callable[[str, str, int, float], None]


def build_http(
    endpoints: Iterable[Endpoint],
    authenticator: Authenticator,
    authorizer: Authorizer,
    *,
    allowed_origins: Callable[[], frozenset[str]],
    observe: Observe = lambda *_: None,
    trusted_proxies: TrustedProxies = NO_PROXIES,
    by_https: bool = False,
) -> web.Application:
    """Make the application.

    `allowed_origins` gives the origins of host applications whose pages may call user endpoints;
    `observe(method, path template, status, seconds)` is told of every answer. `by_https` says that browsers
    reach us by https, as a proxy in front makes it; they are then told never to use anything else.
    """
    app = web.Application(middlewares=[_observing(observe), _preflight(allowed_origins), _errors])
    table: dict[tuple[str, str], Endpoint] = {}
    for endpoint in endpoints:
        key = (endpoint.method, endpoint.path)
        if key in table:
            raise ValueError(f"two endpoints for {key}")
        if not authorizer.who(endpoint.action).kinds:
            raise ValueError(f"nobody may call {key}: there is no rule for {endpoint.action}")
        table[key] = endpoint
        app.router.add_route(
            endpoint.method,
            endpoint.path,
            endpoint.bind(authenticator, authorizer),
            expect_handler=_expecting(endpoint),
        )
    app[ENDPOINTS] = table
    app[TRUSTED_PROXIES] = trusted_proxies
    app.on_response_prepare.append(_preparing(allowed_origins, by_https))
    return app


def _expecting(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    async def expect(request: web.Request) -> web.StreamResponse | None:
        """Ask for the body only if it would be taken; aiohttp's own handler asks always, and quotes."""
        if request.version != HttpVersion11:
            return None
        if request.headers["Expect"].lower() != "100-continue":
            return problem(_ExpectationFailed("Only 100-continue may be expected."))
        try:
            refuse_by_length(request, endpoint.max_body)
        except TooLarge as error:
            return problem(error)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What is sent first is no part of the answer.
        request.writer.output_size = 0
        return None

    return expect


class _ExpectationFailed(ClientError):
    status = 417
    code = "expectation_failed"


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except FirstlineError as error:
        return problem(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(_from_aiohttp(error))
        if isinstance(error, web.HTTPMethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return answer
    except (ConnectionError, TimeoutError) as error:
        log.warning("request_failed", path=_template(request), reason=type(error).__name__)
        return problem(Unavailable("A part of Firstline does not answer.", hint="Try again in a moment."))
    except Exception as error:
        told = explain(error)
        if told is not None:
            log.warning("database_refused", path=_template(request), code=told.code, reason=_reason(error))
            return problem(told)
        log.exception("request_crashed", path=_template(request))
        return problem(FirstlineError("Something went wrong on our side.", hint="Try again; it was logged."))


def _reason(error: Exception) -> str:
    # The classes alone: the messages of database errors hold values.
    return f"{type(error).__name__} of {type(error.__cause__ or error).__name__}"


def _from_aiohttp(error: web.HTTPException) -> FirstlineError:
    if error.status == 404:
        return NotFound("There is nothing at this address.", hint="See /openapi.json for what there is.")
    message = {405: "This address does not take that method.", 413: "The body is too large."}.get(
        error.status, "The request cannot be served."
    )
    wrapped = FirstlineError(message, code=(error.reason or "error").lower().replace(" ", "_"))
    wrapped.status = error.status
    return wrapped


def _preflight(allowed_origins: Callable[[], frozenset[str]]) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204 if request.headers.get("Origin") in allowed_origins() else 403)
        return await handler(request)

    return middleware


def _preparing(allowed_origins: Callable[[], frozenset[str]], by_https: bool) -> Any:
    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in _SECURE_HEADERS.items():
            response.headers.setdefault(name, value)
        if by_https or is_https(request):
            response.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
        if response.content_type in _DATA:
            response.headers.setdefault("Content-Security-Policy", _NO_PAGE)
        origin = request.headers.get("Origin")
        if origin is not None and origin in allowed_origins():
            response.headers.update(_cross_origin_headers(origin))

    return prepare


def _cross_origin_headers(origin: str) -> dict[str, str]:
    """The headers that let a page of `origin` read the answer; credentials stay out on purpose."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Vary": "Origin",
        "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
        "Access-Control-Max-Age": "600",
    }


def _observing(observe: Observe) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            observe(request.method, _template(request), status, time.perf_counter() - started)

    return middleware
