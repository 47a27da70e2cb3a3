"""The knowledge base over HTTP: who may do what, and what hostile input comes to."""

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from yarl import URL

from tests.kb_index.conftest import REFUND, RESET, Room, fill


class Person:
    """Calls the API in one role."""

    def __init__(self, client: TestClient[Any, Any], role: str) -> None:
        self.client = client
        self.headers = {"X-Caller": role, "X-CSRF-Token": "t"}
        if role == "user":
            self.headers["Authorization"] = "Bearer x"

    async def call(self, method: str, path: str, status: int, body: Any = None) -> Any:
        async with self.client.request(method, f"/api/v1{path}", headers=self.headers, json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def raw(self, method: str, path: str, data: bytes) -> ClientResponse:
        headers = {**self.headers, "Content-Type": "application/json"}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, data=BytesIO(data))


@pytest.fixture
def editor(client: TestClient[Any, Any]) -> Person:
    return Person(client, "editor")


ARTICLE = {"id": "refunds", "title": REFUND.title, "area": "billing", "language": "en", "body": REFUND.body}


async def test_an_editor_writes_publishes_and_takes_back(
    client: TestClient[Any, Any], editor: Person
) -> None:
    made = await editor.call("POST", "/articles", 201, ARTICLE)
    assert made == {
        **ARTICLE, "status": "draft", "version": 1, "published_version": None, "updated_by": "Editor",
        "updated_at": "2026-04-02T09:30:00Z", "summary": "", "audience": "everyone", "plans": [],
        "product_versions": [], "phrasings": [], "review_by": None, "publish_at": None,
    }  # fmt: skip
    assert (await editor.call("GET", "/search?q=money+back", 200))["hits"] == []
    assert (await editor.call("POST", "/articles/refunds/publish", 200))["status"] == "published"
    [hit] = (await Person(client, "user").call("GET", "/search?q=money+back", 200))["hits"]
    assert (hit["article_id"], hit["url"], hit["version"]) == ("refunds", "/help/refunds", 1)
    assert REFUND.body[hit["start"] : hit["end"]] == hit["quote"]
    changed = {**ARTICLE, "body": "Ask us.", "base_version": 1}
    del changed["id"]
    assert (await editor.call("PUT", "/articles/refunds", 200, changed))["status"] == "changed"
    listed = (await editor.call("GET", "/articles?status=changed&q=ask", 200))["articles"]
    assert [one["id"] for one in listed] == ["refunds"]
    versions = (await editor.call("GET", "/articles/refunds/versions", 200))["versions"]
    assert [one["version"] for one in versions] == [2, 1]
    assert (await editor.call("POST", "/articles/refunds/unpublish", 200))["published_version"] is None
    assert (await editor.call("GET", "/search?q=money+back", 200))["hits"] == []


async def test_an_id_is_made_from_the_title(editor: Person) -> None:
    body = {**ARTICLE, "title": "Où est ma commande ? (2026)"}
    del body["id"]
    assert (await editor.call("POST", "/articles", 201, body))["id"] == "ou-est-ma-commande-2026"
    await editor.call("POST", "/articles", 409, body)
    assert (await editor.call("POST", "/articles", 201, {**body, "title": "密码"}))["id"] == "article"


async def test_a_stale_save_gets_the_current_article(editor: Person) -> None:
    await editor.call("POST", "/articles", 201, ARTICLE)
    text = {key: ARTICLE[key] for key in ("title", "area", "language")}
    await editor.call("PUT", "/articles/refunds", 200, {**text, "body": "First.", "base_version": 1})
    problem = await editor.call(
        "PUT", "/articles/refunds", 409, {**text, "body": "Second.", "base_version": 1}
    )
    assert problem["code"] == "edit_conflict"
    assert (problem["current"]["body"], problem["current"]["version"]) == ("First.", 2)
    assert problem["current"].keys() == (await editor.call("GET", "/articles/refunds", 200)).keys()


@pytest.mark.parametrize(("role", "status"), [("", 401), ("user", 401), ("agent", 403), ("admin", 201)])
async def test_only_editors_write(client: TestClient[Any, Any], role: str, status: int) -> None:
    await Person(client, role).call("POST", "/articles", status, ARTICLE)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", ""), ("POST", "/publish"), ("POST", "/unpublish")],
)
async def test_agents_read_and_change_nothing(
    client: TestClient[Any, Any], editor: Person, method: str, path: str
) -> None:
    await editor.call("POST", "/articles", 201, ARTICLE)
    agent = Person(client, "agent")
    await agent.call(method, f"/articles/refunds{path}", 403, {**ARTICLE, "base_version": 1})
    assert (await agent.call("GET", "/articles/refunds", 200))["version"] == 1


async def test_strangers_may_not_search_the_api(client: TestClient[Any, Any]) -> None:
    await Person(client, "").call("GET", "/search?q=x", 401)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"title": NaN}', b"{" * 5000, b"[" * 200_000,
        json.dumps({**ARTICLE, "body": "nul \x00"}).encode(),
        json.dumps({**ARTICLE, "body": "half \ud83d"}).encode(),
        json.dumps({**ARTICLE, "title": "bell \x07"}).encode(),
        json.dumps({**ARTICLE, "title": ""}).encode(),
        json.dumps({**ARTICLE, "title": 5}).encode(),
        json.dumps({**ARTICLE, "id": "../../etc/passwd"}).encode(),
        json.dumps({**ARTICLE, "id": "<script>"}).encode(),
        json.dumps({**ARTICLE, "area": "<b>"}).encode(),
        json.dumps({**ARTICLE, "language": "x" * 10}).encode(),
        json.dumps({**ARTICLE, "role": "admin"}).encode(),
        json.dumps({**ARTICLE, "body": "x" * 200_001}).encode(),
        json.dumps({**ARTICLE, "body": "x" * 1_048_576}).encode(),
        b'{"id": "a", "id": "b"}',
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
async def test_bad_articles_are_refused_with_words(editor: Person, body: bytes) -> None:
    answer = await editor.raw("POST", "/articles", body)
    problem = await answer.json()
    assert 400 <= answer.status < 500
    assert problem["detail"]
    assert "passwd" not in json.dumps(problem)
    assert (await editor.call("GET", "/articles", 200))["articles"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=", 200), ("", 200), ("q=%00", 400), ("q=%ff", 200), ("q=%ED%A0%80", 200),
        ("q=" + "refund+" * 1000, 200),
        ("q=x&limit=0", 400), ("q=x&limit=21", 400), ("q=x&limit=x", 400), ("q=x&other=1", 400),
        ("q=x&language=zz", 200), ("q=x&area=%3Cscript%3E", 200), ("q=" + "x" * 20_000, 400),
    ],
)  # fmt: skip
async def test_odd_queries_are_answered_or_refused(
    room: Room, client: TestClient[Any, Any], query: str, status: int
) -> None:
    await fill(room)
    url = URL(f"/api/v1/search?{query}", encoded=True)
    async with client.get(url, headers={"X-Caller": "user", "Authorization": "Bearer x"}) as answer:
        assert answer.status == status


@pytest.mark.parametrize("name", ["none", "..%2f..%2fetc", "%00", "%ff", "a" * 5000, "<script>"])
async def test_odd_ids_are_not_found(editor: Person, name: str) -> None:
    for suffix in ("", "/versions"):
        url = URL(f"/api/v1/articles/{name}{suffix}", encoded=True)
        async with editor.client.get(url, headers=editor.headers) as answer:
            assert answer.status in (400, 404)
    async with editor.client.get(URL(f"/help/{name}", encoded=True)) as answer:
        assert answer.status in (400, 404)
        assert "<script" not in await answer.text()


async def test_preview_is_what_readers_would_see(
    room: Room, editor: Person, client: TestClient[Any, Any]
) -> None:
    html = (await editor.call("POST", "/articles/preview", 200, {"body": RESET.body}))["html"]
    assert '<h2 id="ask-for-a-link">Ask for a link</h2>' in html
    await fill(room)
    async with client.get("/help/reset-password") as answer:
        assert html in await answer.text()


async def test_a_large_preview_does_not_hold_up_others(editor: Person) -> None:
    slow = asyncio.create_task(editor.call("POST", "/articles/preview", 200, {"body": "![" * 90_000}))
    await asyncio.sleep(0.05)
    assert (await editor.call("GET", "/articles", 200))["articles"] == []
    assert not slow.done(), "the small call was answered while the large one was still being worked on"
    await slow
