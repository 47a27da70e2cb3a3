"""The OpenAPI document, made from the endpoints so that it cannot drift from the code."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from foundation.authorization import Authorizer, Who
from foundation.http.endpoints import Endpoint
from foundation.http.fields import HeaderField

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "hint"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem"],
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
_SCHEMES = {
    "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Host's user token"},
    "staff": {"type": "apiKey", "in": "cookie", "name": "firstline_session"},
    "service": {"type": "http", "scheme": "bearer", "description": "Internal token"},
}
_CSRF = HeaderField("X-CSRF-Token", "For staff: the `csrf` of GET /api/v1/session")
_RETRY = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
_SAFE = frozenset({"GET", "HEAD"})
_ALWAYS = (400, 413, 429, 503)
_WHEN_CHANGING = (401, 403, 409, 412, 422)


class _Described(GenerateJsonSchema):
    """Says that answers have all their fields: `render` leaves none out, whether it has a default or not."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)


def openapi_document(
    endpoints: Iterable[Endpoint], authorizer: Authorizer, *, version: str
) -> dict[str, Any]:
    """Describe `endpoints` as an OpenAPI 3.1 document."""
    listed = sorted(endpoints, key=lambda e: (e.path, e.method))
    models: dict[tuple[type[BaseModel], str], None] = {}
    for endpoint in listed:
        for model, mode in (
            (endpoint.body, "validation"), (endpoint.query, "validation"),
            (endpoint.response, "serialization"), (endpoint.failure, "serialization"),
        ):  # fmt: skip
            if model:
                models[model, mode] = None
    references, definitions = models_json_schema(
        list(models),  # type: ignore[arg-type]
        ref_template=_REF,
        schema_generator=_Described,
    )
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(
            endpoint, authorizer.who(endpoint.action), path, references
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Firstline", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": _SCHEMES,
        },
    }


def _operation(endpoint: Endpoint, who: Who, path: str, references: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "tags": list(endpoint.tags),
        "description": f"May be called by: {who.describe()}.",
        "parameters": _parameters(endpoint, who, path),
        "responses": _responses(endpoint, who, path, references),
        "security": [{kind: []} for kind in sorted(who.kinds & _SCHEMES.keys())],
    }
    taken = {media: {"schema": _of_media(media)} for media in endpoint.takes}
    if endpoint.body:
        taken[_JSON] = {"schema": references[endpoint.body, "validation"]}
    if taken:
        operation["requestBody"] = {
            "required": not _may_be_empty(endpoint.body),
            "content": taken,
            "description": f"At most {endpoint.max_body // 1024} KiB",
        }
    return operation


def _may_be_empty(body: type[BaseModel] | None) -> bool:
    return body is not None and not any(field.is_required() for field in body.model_fields.values())


def _of_media(media: str) -> dict[str, Any]:
    if media == _JSON:
        return {"type": "object"}
    if media.startswith("multipart/"):
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {"type": "object", "required": ["file"], "properties": {"file": file}}
    return {"type": "string"} if media.startswith("text/") else {}


def _responses(endpoint: Endpoint, who: Who, path: str, references: dict[Any, Any]) -> dict[str, Any]:
    responses = {str(status): _error(status) for status in _errors(endpoint, who, path)}
    for status in (endpoint.status, *endpoint.also):
        content = _content(endpoint, status, references)
        earlier = responses.get(str(status), {}).get("content", {})
        answer: dict[str, Any] = {"description": _phrase(status)}
        if content or earlier:
            answer["content"] = {**earlier, **content}
        responses[str(status)] = answer
    if endpoint.failure:
        own = {_JSON: {"schema": references[endpoint.failure, "serialization"]}}
        for failed in ("400", "404", "500"):
            told = responses.setdefault(failed, {"description": _phrase(int(failed)), "content": {}})
            told["content"] = {**told["content"], **own}
    return dict(sorted(responses.items()))


def _content(endpoint: Endpoint, status: int, references: dict[Any, Any]) -> dict[str, Any]:
    if status in (101, 204, 304, 416):
        return {}
    content: dict[str, Any] = {media: {"schema": _of_media(media)} for media in endpoint.gives}
    if endpoint.response:
        content[_JSON] = {"schema": references[endpoint.response, "serialization"]}
    return content


def _errors(endpoint: Endpoint, who: Who, path: str) -> list[int]:
    """The statuses of problems that follow from how the endpoint is declared."""
    found = {*_ALWAYS}
    if "public" not in who.kinds:
        found |= {401, 403}
    if endpoint.method not in _SAFE:
        found |= {*_WHEN_CHANGING}
    if "{" in path:
        found.add(404)
    if endpoint.body or endpoint.takes:
        found.add(415)
    return sorted(found)


def _error(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": _phrase(status),
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    if status in (429, 503):
        answer["headers"] = _RETRY
    return answer


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _parameters(endpoint: Endpoint, who: Who, path: str) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", path):
        known = endpoint.path_fields.get(name)
        schema = known.schema() if known else {"type": "string", "minLength": 1}
        more = {"description": known.description} if known else {}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema, **more})
    headers = list(endpoint.headers)
    if endpoint.method not in _SAFE and "staff" in who.kinds:
        headers.append(_CSRF)
    for header in headers:
        parameters.append(
            {"name": header.name, "in": "header", "required": header.required,
             "schema": header.schema(), "description": header.description}
        )  # fmt: skip
    return parameters + _query_parameters(endpoint.query)


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", []))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is not one that may be null: a query cannot say null."""
    choices = [one for one in field.get("anyOf", []) if one.get("type") != "null"]
    kept = {
        key: value for key, value in field.items() if key != "anyOf" and (key, value) != ("default", None)
    }
    if len(choices) == 1:
        return {**kept, **choices[0]}
    return {**kept, "anyOf": choices} if choices else kept
