"""Expected errors as problem documents (RFC 9457)."""

from typing import Any

from aiohttp import web

from foundation.errors import FirstlineError


def problem(error: FirstlineError) -> web.Response:
    """Render an expected error as a problem document."""
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
