"""What every handler of Kettle needs, and the small helpers for requests and answers."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.hosts.demo.events import Events
from connectors.hosts.demo.faults import Faults
from connectors.hosts.demo.keys import KeyFile
from connectors.hosts.demo.store import Store

MAX_BODY = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
_HERE = ("localhost", *LOOPBACK)
_FORWARDED = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP",
)  # fmt: skip


@dataclass
class Kettle:
    """The parts of the running application."""

    store: Store
    keys: KeyFile
    firstline_url: str
    events: Events
    faults: Faults = field(default_factory=Faults)
    user_faults: dict[str, Faults] = field(default_factory=dict)


KETTLE: web.AppKey[Kettle] = web.AppKey("kettle", Kettle)


class Problem(Exception):
    """An expected error of an API: becomes `{"code", "message"}` with `status`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def answer(content: Any, status: int = 200) -> web.Response:
    """Return JSON that nobody may cache."""
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})


def problem(error: Problem) -> web.Response:
    """Return the JSON of an expected error."""
    return answer({"code": error.code, "message": error.message}, error.status)


def is_clean(text: str, longest: int) -> bool:
    """Tell whether a text can be stored and shown: not too long, no U+0000, no half surrogates."""
    return len(text) <= longest and "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object; an empty body is an empty one.

    Raises:
        Problem: 400 when it is anything else.
    """
    try:
        content = json.loads(raw.decode("utf-8")) if raw else {}
    except (ValueError, RecursionError):
        raise Problem(400, "invalid_json", "The body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise Problem(400, "invalid_json", "The body must be a JSON object.")
    return content


def demand_loopback(request: web.Request) -> None:
    """Refuse callers from other machines, and other sites' pages in a browser on this one.

    A reverse proxy on this machine also connects from loopback: it gives itself away by its headers, or by
    the name that its caller asked for.

    Raises:
        Problem: 403.
    """
    forwarded = any(name in request.headers for name in _FORWARDED)
    if request.remote not in LOOPBACK or forwarded or _name_in(request.host) not in _HERE:
        raise Problem(403, "loopback_only", "This works from the same machine only.")
    demand_same_origin(request)


def _name_in(host: str) -> str:
    """The name or address of a `Host` header, without port and brackets."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def demand_same_origin(request: web.Request) -> None:
    """Refuse a request that a browser sends for another origin's page.

    Raises:
        Problem: 403.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Problem(403, "wrong_origin", "This page belongs to another site.")
