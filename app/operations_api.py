"""What operators and browsers need besides the product: health, readiness, metrics, OpenAPI, pages."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from app.permissions import OperationsAction
from foundation.errors import Unavailable
from foundation.http import Call, Endpoint, Reply
from foundation.http.fields import HeaderField, PathField
from insights.metrics import Metrics

Probe = Callable[[], Awaitable[bool]]
_PROBE_DEADLINE = 2.0
_TAG = ("operations",)
_ASSET = PathField("[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}", "The file's name")
_JSON = ("application/json",)
_SCRIPT = ("text/javascript", "application/javascript")
_ASSETS = (*_SCRIPT, "text/css", "application/json", "application/wasm", "image/svg+xml", "image/png",
           "font/woff2", "application/octet-stream")  # fmt: skip
_FILE = (206, 304, 416)
_FILE_HEADERS = (
    HeaderField("Range", "A part of the file"),
    HeaderField("If-None-Match", "ETags that the caller has"),
)
_PAGES = {
    "/": "index.html",
    "/console": "console.html",
    "/editor": "editor.html",
    "/review": "review.html",
    "/healing": "healing.html",
}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "Cache-Control": "no-cache",
}


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(BaseModel):
    """Which parts are ready."""

    status: Literal["ready", "degraded"]
    parts: dict[str, Literal["ok", "down"]]


class About(BaseModel):
    """What a page needs to know of this installation."""

    version: str
    demo_url: str | None


@dataclass(frozen=True)
class OperationsApi:
    """Endpoints for health, metrics, the API's description and the built front end in `dist`."""

    version: str
    probes: Mapping[str, Probe]
    metrics: Metrics
    figures: Callable[[], Awaitable[None]]
    metrics_access: Literal["local", "public", "off"]
    dist: Path
    demo_url: str | None
    document: Callable[[], dict[str, Any]]

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        may = OperationsAction
        return [
            Endpoint(
                "GET", "/healthz", self.health, may.PROBE, "Is the process alive?", response=Health, tags=_TAG
            ),
            Endpoint(
                "GET",
                "/readyz",
                self.ready,
                may.PROBE,
                "Is every part ready?",
                response=Readiness,
                tags=_TAG,
                also=(503,),
            ),
            *self._metrics_endpoint(),
            Endpoint(
                "GET",
                "/openapi.json",
                self.openapi,
                may.READ_DESCRIPTION,
                "This document",
                tags=_TAG,
                gives=_JSON,
            ),
            Endpoint(
                "GET",
                "/api/v1/about",
                self.about,
                may.READ_DESCRIPTION,
                "This installation",
                response=About,
                tags=_TAG,
            ),
            Endpoint(
                "GET",
                "/assets/{name}",
                self.asset,
                may.READ_PAGE,
                "A built asset",
                tags=("pages",),
                gives=_ASSETS,
                also=_FILE,
                headers=_FILE_HEADERS,
                path_fields={"name": _ASSET},
            ),
            Endpoint(
                "GET",
                "/widget.js",
                self.asset,
                may.READ_PAGE,
                "The chat widget",
                tags=("pages",),
                gives=_SCRIPT,
                also=_FILE,
                headers=_FILE_HEADERS,
            ),
            Endpoint(
                "GET",
                "/offline.js",
                self.asset,
                may.READ_PAGE,
                "What keeps help usable offline",
                tags=("pages",),
                gives=_SCRIPT,
                also=_FILE,
                headers=_FILE_HEADERS,
            ),
            *(
                Endpoint(
                    "GET",
                    path,
                    self.page,
                    may.READ_PAGE,
                    f"The page {path}",
                    tags=("pages",),
                    gives=("text/html",),
                    also=_FILE,
                    headers=_FILE_HEADERS,
                )
                for path in _PAGES
            ),
        ]

    def _metrics_endpoint(self) -> list[Endpoint]:
        if self.metrics_access == "off":
            return []
        return [
            Endpoint(
                "GET",
                "/metrics",
                self.expose,
                OperationsAction.READ_METRICS,
                "Prometheus metrics",
                tags=_TAG,
                gives=("text/plain",),
            )
        ]

    async def health(self, _: Call) -> Health:
        """Answer at all."""
        return Health(version=self.version)

    async def ready(self, _: Call) -> Reply:
        """Probe every part; 503 when one is down."""
        names = list(self.probes)
        states = await asyncio.gather(*(_probe(self.probes[name]) for name in names))
        for name, up in zip(names, states, strict=True):
            self.metrics.part_is(name, up)
        parts: dict[str, Literal["ok", "down"]] = {
            name: "ok" if up else "down" for name, up in zip(names, states, strict=True)
        }
        body = Readiness(status="ready" if all(states) else "degraded", parts=parts)
        return Reply(body, status=200 if all(states) else 503)

    async def expose(self, _: Call) -> web.Response:
        """Give the metrics."""
        await self.figures()
        return web.Response(body=self.metrics.render(), headers={"Content-Type": self.metrics.content_type})

    async def openapi(self, _: Call) -> web.Response:
        """Describe the API."""
        return web.Response(text=json.dumps(self.document()), content_type="application/json")

    async def about(self, _: Call) -> About:
        """Tell version and the demo application's address."""
        return About(version=self.version, demo_url=self.demo_url)

    async def page(self, call: Call) -> web.StreamResponse:
        """Give a page of the front end."""
        file = self.dist / _PAGES[call.request.path]
        if not file.is_file():
            raise Unavailable("The front end is not built.", hint="Run `make run`, which builds it.")
        return web.FileResponse(file, headers=_PAGE_HEADERS)

    async def asset(self, call: Call) -> web.StreamResponse:
        """Give a built file; names with a hash never change, the others' files do."""
        name = call.path.get("name")
        file = self.dist / "assets" / name if name else self.dist / call.request.path.lstrip("/")
        if not file.is_file():
            raise web.HTTPNotFound
        cache = "public, max-age=31536000, immutable" if name else "no-cache"
        headers = {"Cache-Control": cache, "Access-Control-Allow-Origin": "*"}
        return web.FileResponse(file, headers=headers)


async def _probe(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(_PROBE_DEADLINE):
            return await probe()
    except Exception:
        return False
