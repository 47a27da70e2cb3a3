"""Every route has a decision on who may call it, and holds to it."""

import re

import pytest

from app.permissions import house_rules
from foundation.http import Endpoint
from foundation.http.server import ENDPOINTS

OPEN_TO_ALL = {
    "/", "/console", "/editor", "/review", "/healing", "/help", "/help/{id}", "/help/images/{id}",
    "/help/sitemap.xml", "/api/v1/help/pack", "/widget.js", "/offline.js", "/assets/{name}",
    "/healthz", "/readyz",
    "/openapi.json", "/api/v1/about", "/api/v1/ws", "/api/v1/session",
    "/api/v1/hosts/{host}/events",  # signed by the application, which is checked before anything is read
}  # fmt: skip
"""What anybody may call; a route that joins them must be added here on purpose."""


def who(endpoint: Endpoint) -> frozenset[str]:
    return frozenset(house_rules().who(endpoint.action).kinds)


def test_every_route_comes_from_an_endpoint_with_a_decision(app_client) -> None:
    app = app_client.app
    for route in app.router.routes():
        method, path = route.method, route.resource.canonical
        if method == "HEAD":
            method = "GET"
        assert (method, path) in app[ENDPOINTS], f"{method} {path} has no decision on who may call it"
        assert who(app[ENDPOINTS][method, path])


def test_only_what_is_meant_to_be_is_open_to_all(app_client) -> None:
    table = app_client.app[ENDPOINTS]
    public = {endpoint.path for endpoint in table.values() if "public" in who(endpoint)}
    assert public - {"/api/v1/session"} == OPEN_TO_ALL - {"/api/v1/session"}


def concrete(path: str) -> str:
    return re.sub(r"\{\w+\}", "cnv_00000000000000000000000000", path)


async def test_without_credentials_nothing_else_answers(app_client) -> None:
    for (method, path), endpoint in app_client.app[ENDPOINTS].items():
        if who(endpoint) & {"public", "local"}:
            continue
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": "firstline_session=nonsense"}):
            response = await app_client.request(method, concrete(path), headers=headers)
            assert response.status in (401, 403), (method, path, headers, response.status)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_no_client_input_makes_a_server_error(app_client, method) -> None:
    for path in sorted({path for _, path in app_client.app[ENDPOINTS]}):
        if path == "/readyz":
            continue  # 503 is its answer while Rasa is away, as here
        for odd in (concrete(path), re.sub(r"\{\w+\}", "%00", path), re.sub(r"\{\w+\}", "x" * 3000, path)):
            response = await app_client.request(method, f"{odd}?after=%00&q=%ff", data=b"\xff{")
            assert response.status < 500, (method, path, response.status, await response.text())


async def test_the_description_of_the_api_is_valid_and_complete(app_client) -> None:
    from openapi_spec_validator import validate

    document = await (await app_client.get("/openapi.json")).json()
    validate(document)
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert described == set(app_client.app[ENDPOINTS])


async def test_the_description_that_the_front_end_is_made_from_is_the_one_that_is_served(
    app_client, tmp_path
) -> None:
    from app.api_description import describe

    served = await (await app_client.get("/openapi.json")).json()
    assert await describe(tmp_path / "other") == served


async def test_answers_have_all_their_fields(app_client) -> None:
    schemas = (await (await app_client.get("/openapi.json")).json())["components"]["schemas"]
    assert "case" in schemas["ConversationOut"]["required"]  # it has a default
    assert "text" not in schemas["MessageIn"].get("required", [])


async def test_readiness_names_the_part_that_is_away(app_client) -> None:
    response = await app_client.get("/readyz")
    body = await response.json()
    assert response.status == 503
    parts = ("database", "cache", "index", "encoder", "audit")
    assert body["parts"] == {**dict.fromkeys(parts, "ok"), "rasa": "down"}
    assert (await app_client.get("/healthz")).status == 200
    metrics = await (await app_client.get("/metrics")).text()
    assert 'firstline_part_up{part="rasa"} 0.0' in metrics
