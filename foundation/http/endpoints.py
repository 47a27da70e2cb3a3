"""An endpoint as data, and how a request becomes a call of its handler."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from foundation.authorization import Action, Authorizer, Resource
from foundation.callers import Caller
from foundation.errors import InvalidInput, NotFound
from foundation.http.access import Admitted, Authenticator, admit
from foundation.http.bodies import SMALL_BODY, read_body, read_query, refuse_by_length
from foundation.http.fields import HeaderField, PathField
from foundation.strict_json import check_text


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
    admitted: Admitted
    path: dict[str, str]
    body: Any = None
    query: Any = None

    @property
    def caller(self) -> Caller:
        """Return who calls."""
        return self.admitted.caller

    def authorize(self, resource: Resource) -> None:
        """Ask whether the caller may do the endpoint's action to this resource. Raises the denial."""
        self.admitted.authorize(resource)

    def header(self, name: str) -> str | None:
        """Return a request header, or None."""
        return self.request.headers.get(name)


Handler = Callable[[Call], Awaitable[BaseModel | Reply | web.StreamResponse]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path.

    `action` is what a call does, which its caller must be allowed; there is no default.
    `max_body` is in bytes; longer bodies are refused by their Content-Length, before anything else is done.
    `path_fields` says what the parts of the path may be: others are not found. `takes` and `gives` name media
    types, for handlers that read the body or make the answer themselves; `raw` handlers do either.
    `also` gives statuses besides `status` that are answers and no errors; `headers` are those that are read;
    `failure` is what a handler answers with 400, 404 and 500 when its protocol has no problem documents.
    """

    method: str
    path: str
    handler: Handler
    action: Action
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    tags: tuple[str, ...] = ()
    raw: bool = False
    max_body: int = SMALL_BODY
    path_fields: Mapping[str, PathField] = field(default_factory=dict)
    headers: tuple[HeaderField, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    failure: type[BaseModel] | None = None

    def bind(
        self, authenticator: Authenticator, authorizer: Authorizer
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Make the aiohttp handler: admit, read, validate, call, render."""

        async def handle(request: web.Request) -> web.StreamResponse:
            refuse_by_length(request, self.max_body)
            check_text(list(request.match_info.values()))
            admitted = await admit(request, authenticator, authorizer, self.action)
            self._check_path(request)
            self._check_headers(request)
            query = read_query(request, self.query) if self.query is not None else None
            body = await read_body(request, self.body, self.max_body) if self.body is not None else None
            call = Call(request, admitted, dict(request.match_info), body, query)
            return render(await self.handler(call), self.status)

        return handle

    def _check_headers(self, request: web.Request) -> None:
        for header in self.headers:
            given = request.headers.get(header.name)
            if given is not None and not header.admits(given):
                raise InvalidInput(f"The header {header.name} cannot be used.", hint=f"{header.description}.")

    def _check_path(self, request: web.Request) -> None:
        for name, field_ in self.path_fields.items():
            if not field_.admits(request.match_info[name]):
                raise NotFound("There is no such thing.", hint="Check the address.")


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
