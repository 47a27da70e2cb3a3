"""The OpenAPI document, made from the endpoints so that it cannot drift from the code."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.foundation.http.endpoints import Endpoint

_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_SCHEMES = {
    "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Host's user token"},
    "staff": {"type": "apiKey", "in": "cookie", "name": "firstline_session"},
    "service": {"type": "http", "scheme": "bearer", "description": "Internal token"},
}


def openapi_document(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """Describe `endpoints` as an OpenAPI 3.1 document."""
    listed = sorted(endpoints, key=lambda e: (e.path, e.method))
    models: dict[tuple[type[BaseModel], str], None] = {}
    for endpoint in listed:
        if endpoint.body:
            models[endpoint.body, "validation"] = None
        if endpoint.response:
            models[endpoint.response, "serialization"] = None
    references, definitions = models_json_schema(list(models), ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, path, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Firstline", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": _SCHEMES,
        },
    }


def _operation(endpoint: Endpoint, path: str, references: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done"}
    if endpoint.response:
        schema = references[endpoint.response, "serialization"]
        answer["content"] = {"application/json": {"schema": schema}}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "tags": list(endpoint.tags),
        "description": f"May be called by: {endpoint.access.describe()}.",
        "parameters": _parameters(endpoint, path),
        "responses": {
            str(endpoint.status): answer,
            "4XX": {
                "description": "The caller can mend it",
                "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
            },
        },
        "security": [{kind: []} for kind in sorted(endpoint.access.kinds & _SCHEMES.keys())],
    }
    if endpoint.body:
        schema = references[endpoint.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(endpoint: Endpoint, path: str) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if endpoint.query:
        schema = endpoint.query.model_json_schema()
        required = set(schema.get("required", []))
        for name, field in schema.get("properties", {}).items():
            parameters.append({"name": name, "in": "query", "required": name in required, "schema": field})
    return parameters
