"""The knowledge base over HTTP: search for everybody, writing for editors."""

import asyncio
import re
import unicodedata
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.foundation.http import Access, Call, Endpoint, Reply
from bot.foundation.http.endpoints import Handler
from kb_index.articles.rendering import to_html
from kb_index.articles.service import Articles
from kb_index.domain import FOR_USERS, MAX_BODY, MAX_TITLE, Article, Draft
from kb_index.ports import Filter
from kb_index.retrieval.search import ArticleSearch

_TAG = ("knowledge base",)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchQuery(_Strict):
    """A question, and filters."""

    q: str = Field(default="", description="Only the first 1,000 characters are read")
    limit: int = Field(default=5, ge=1, le=20)
    language: str | None = Field(default=None, max_length=10)
    area: str | None = Field(default=None, max_length=40)
    plan: str | None = Field(default=None, max_length=40)
    product_version: str | None = Field(default=None, max_length=40)


class WhyOut(BaseModel):
    """Cosines with passage and title, the share of the question's words that the passage has, and these."""

    model_config = ConfigDict(from_attributes=True)
    semantic: float
    title: float
    lexical: float
    matched: tuple[str, ...]


class HitOut(BaseModel):
    """An article by its best passage; `start` and `end` are offsets in its Markdown. `probability` is that of
    this article answering the question."""

    model_config = ConfigDict(from_attributes=True)
    article_id: str
    version: int
    title: str
    area: str
    quote: str
    url: str
    score: float
    probability: float
    passage_id: str
    heading: str
    start: int
    end: int
    why: WhyOut


class HitsOut(BaseModel):
    """Hits, best first; the probability that the first one answers, and what to make of it."""

    hits: list[HitOut]
    probability: float
    advice: Literal["answer", "offer", "ask", "none"]


class ArticleIn(_Strict):
    """The text of an article."""

    title: str = Field(max_length=MAX_TITLE)
    area: str = Field(max_length=40)
    language: str = Field(default="en", max_length=10)
    body: str = Field(max_length=MAX_BODY)

    def draft(self) -> Draft:
        """As the domain has it."""
        return Draft(self.title, self.area, self.language, self.body)


class NewArticleIn(ArticleIn):
    """A new article."""

    id: str | None = Field(default=None, max_length=80, description="Made from the title when left out")


class ArticleChangeIn(ArticleIn):
    """A new version on top of the one the editor started from."""

    base_version: int = Field(ge=1)


class ArticleOut(BaseModel):
    """An article with its newest text."""

    id: str
    title: str
    area: str
    language: str
    body: str
    status: Literal["draft", "published", "changed"]
    version: int
    published_version: int | None
    updated_at: datetime
    updated_by: str


class ArticlesOut(BaseModel):
    """Articles by title."""

    articles: list[ArticleOut]


class ArticlesQuery(_Strict):
    """Filters of the list."""

    status: Literal["draft", "published", "changed", ""] | None = None
    q: str | None = Field(default=None, max_length=200)


class VersionOut(BaseModel):
    """One saved text."""

    version: int
    title: str
    area: str
    language: str
    body: str
    created_at: datetime
    created_by: str


class VersionsOut(BaseModel):
    """Versions, newest first."""

    versions: list[VersionOut]


class PreviewIn(_Strict):
    """Markdown to look at."""

    body: str = Field(max_length=MAX_BODY)


class PreviewOut(BaseModel):
    """The Markdown as readers would see it, sanitised."""

    html: str


class KnowledgeApi:
    """Endpoints of the knowledge base."""

    def __init__(self, articles: Articles, search: ArticleSearch) -> None:
        self._articles = articles
        self._search = search

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        base, editor, staff = "/api/v1/articles", Access.staff("editor"), Access.staff()
        one = base + "/{id}"

        def make(
            method: str, path: str, handler: Handler, access: Access, summary: str, **more: Any
        ) -> Endpoint:
            return Endpoint(method, path, handler, access, summary, tags=_TAG, **more)

        return [
            make(
                "GET",
                "/api/v1/search",
                self.search,
                Access.user_or_staff(),
                "Search published articles",
                query=SearchQuery,
                response=HitsOut,
            ),
            make("GET", base, self.index, staff, "List articles", query=ArticlesQuery, response=ArticlesOut),
            make(
                "POST",
                base,
                self.create,
                editor,
                "Create a draft",
                body=NewArticleIn,
                response=ArticleOut,
                status=201,
            ),
            make(
                "POST",
                base + "/preview",
                self.preview,
                staff,
                "Render Markdown as readers would see it",
                body=PreviewIn,
                response=PreviewOut,
            ),
            make("GET", one, self.read, staff, "Read an article", response=ArticleOut),
            make(
                "PUT",
                one,
                self.update,
                editor,
                "Save a new version",
                body=ArticleChangeIn,
                response=ArticleOut,
            ),
            make(
                "POST",
                one + "/publish",
                self.publish,
                editor,
                "Publish the newest version",
                response=ArticleOut,
            ),
            make(
                "POST",
                one + "/unpublish",
                self.unpublish,
                editor,
                "Take the article away from readers",
                response=ArticleOut,
            ),
            make("GET", one + "/versions", self.versions, staff, "List all versions", response=VersionsOut),
        ]

    async def search(self, call: Call) -> HitsOut:
        """Search."""
        query: SearchQuery = call.query
        where = Filter(
            language=query.language,
            area=query.area,
            audiences=None if call.caller.kind == "staff" else FOR_USERS,
            plan=query.plan,
            product_version=query.product_version,
        )
        found = await self._search.find(query.q, limit=query.limit, where=where)
        hits = [HitOut.model_validate(hit) for hit in found.hits]
        return HitsOut(hits=hits, probability=found.probability, advice=found.advice)

    async def index(self, call: Call) -> ArticlesOut:
        """List articles."""
        query: ArticlesQuery = call.query
        found = await self._articles.index(status=query.status or None, text=query.q)
        return ArticlesOut(articles=[_out(article) for article in found])

    async def create(self, call: Call) -> Reply:
        """Create a draft."""
        body: NewArticleIn = call.body
        article_id = body.id if body.id is not None else _slug(body.title)
        article = await self._articles.create(article_id, body.draft(), by=call.caller.name)
        return Reply(_out(article), status=201, headers={"Location": f"/api/v1/articles/{article.id}"})

    async def read(self, call: Call) -> ArticleOut:
        """Read one article."""
        return _out(await self._articles.get(call.path["id"]))

    async def update(self, call: Call) -> ArticleOut:
        """Save a new version."""
        body: ArticleChangeIn = call.body
        article = await self._articles.update(
            call.path["id"], body.draft(), base_version=body.base_version, by=call.caller.name
        )
        return _out(article)

    async def publish(self, call: Call) -> ArticleOut:
        """Publish."""
        return _out(await self._articles.publish(call.path["id"], by=call.caller.name))

    async def unpublish(self, call: Call) -> ArticleOut:
        """Unpublish."""
        return _out(await self._articles.unpublish(call.path["id"], by=call.caller.name))

    async def versions(self, call: Call) -> VersionsOut:
        """List versions."""
        found = await self._articles.versions(call.path["id"])
        return VersionsOut(
            versions=[
                VersionOut(
                    version=one.version,
                    title=one.draft.title,
                    area=one.draft.area,
                    language=one.draft.language,
                    body=one.draft.body,
                    created_at=one.created_at,
                    created_by=one.created_by,
                )
                for one in found
            ]
        )

    async def preview(self, call: Call) -> PreviewOut:
        """Render Markdown."""
        return PreviewOut(html=await asyncio.to_thread(to_html, call.body.body))


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-") or "article"


def _out(article: Article) -> ArticleOut:
    draft = article.draft
    return ArticleOut(
        id=article.id,
        title=draft.title,
        area=draft.area,
        language=draft.language,
        body=draft.body,
        status=article.status,
        version=article.version,
        published_version=article.published_version,
        updated_at=article.updated_at,
        updated_by=article.updated_by,
    )
