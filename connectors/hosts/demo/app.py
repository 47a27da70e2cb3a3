"""Puts Kettle together: routes, static files, and the answer to everything unexpected."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from connectors.hosts.demo import contract_api, demo_api, demo_users, web_entry, web_product
from connectors.hosts.demo.context import KETTLE, MAX_BODY, Kettle, Problem, problem
from connectors.hosts.demo.events import Events
from connectors.hosts.demo.keys import KeyFile
from connectors.hosts.demo.pages.entry import message
from connectors.hosts.demo.sample import restore_if_empty
from connectors.hosts.demo.store import Store

_log = logging.getLogger("kettle")
_STATIC = Path(__file__).parent / "static"
_FILES = frozenset(path.name for path in _STATIC.iterdir())
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_WORDS = {404: "There is no such page", 403: "This cannot be done from here", 405: "This cannot be done here"}


def make_app(home: Path, firstline_url: str, keys: Path) -> web.Application:
    """Return the application; its state is `home`/kettle.sqlite3 and is made with the first start."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_guard])
    ring, url = KeyFile(keys), firstline_url.rstrip("/")
    app[KETTLE] = Kettle(Store(home / "kettle.sqlite3"), ring, url, Events(ring, url))
    app.cleanup_ctx.append(_store)
    app.on_response_prepare.append(_add_headers)
    for module in (contract_api, demo_api, demo_users, web_entry, web_product):
        app.router.add_routes(module.routes())
    app.router.add_get("/static/{name}", _static)
    app.router.add_get("/firstline-offline.js", _offline)
    return app


async def _store(app: web.Application) -> AsyncIterator[None]:
    store, events = app[KETTLE].store, app[KETTLE].events
    await store.run(restore_if_empty)
    await events.start()
    yield
    await events.stop()
    await store.close()


async def _static(request: web.Request) -> web.StreamResponse:
    path = _STATIC / request.match_info["name"]
    if path.suffix not in _TYPES or path.name not in _FILES:
        raise web.HTTPNotFound
    headers = {"Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
    return web.FileResponse(path, headers=headers)


async def _offline(request: web.Request) -> web.Response:
    """The service worker that keeps help usable offline: two lines of ours, the rest is Firstline's."""
    where = json.dumps(request.app[KETTLE].firstline_url)
    text = f'self.FIRSTLINE = {where};\nimportScripts(self.FIRSTLINE + "/offline.js");\n'
    return web.Response(text=text, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as error:
        return _explain(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _explain(request, Problem(error.status, error.reason.lower().replace(" ", "_"),
                                         f"{_WORDS.get(error.status, error.reason)}."))  # fmt: skip
    except UnicodeError:
        return _explain(request, Problem(400, "invalid_text", "The request holds text that is not Unicode."))
    except Exception:
        _log.exception("unexpected error at %s", request.match_info.route.name or request.method)
        return _explain(request, Problem(500, "internal_error", "Something went wrong on our side."))


def _explain(request: web.Request, error: Problem) -> web.StreamResponse:
    """People get a page; programs get JSON."""
    if "text/html" not in request.headers.get("Accept", "") or request.path.startswith("/firstline/"):
        return problem(error)
    title = _WORDS.get(error.status, "That did not work")
    page = message(web_entry.stranger(request), title, error.message, ("/", "Go to Kettle"))
    return web_entry.show(page, error.status)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The widget comes from Firstline's origin: its script, its calls and its WebSocket are let through."""
    firstline = request.app[KETTLE].firstline_url
    socket = urlsplit(firstline)._replace(scheme="wss" if firstline.startswith("https:") else "ws").geturl()
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {firstline}",
            f"style-src 'self' {firstline}",
            "style-src-attr 'unsafe-inline'",
            f"img-src 'self' data: {firstline}",
            f"font-src 'self' {firstline}",
            f"connect-src 'self' {firstline} {socket}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
