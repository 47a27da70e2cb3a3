"""Articles over HTTP: read by staff, written by editors."""

import asyncio
from typing import Any

from foundation.http import Call, Endpoint, Reply
from foundation.http.endpoints import Handler
from foundation.http.fields import NUMBER, PathField, id_field
from kb_index.articles import schemas as s
from kb_index.articles.rendering import to_html
from kb_index.articles.service import Articles
from kb_index.articles.uploads import slug
from kb_index.domain import Article
from kb_index.permissions import ArticleAction

BASE = "/api/v1/articles"
TAG = ("knowledge base",)
ARTICLE = PathField("[a-z0-9]+(?:-[a-z0-9]+)*", "The article's id", max_length=80)
MAX_ARTICLE = 1024 * 1024
"""Bytes of a body that holds an article."""
_PATH_FIELDS = {"id": ARTICLE, "number": NUMBER, "question": id_field("kqu", "the question")}


def make(
    method: str, path: str, handler: Handler, action: ArticleAction, summary: str, **more: Any
) -> Endpoint:
    """An endpoint of the knowledge base."""
    fields = {name: field for name, field in _PATH_FIELDS.items() if f"{{{name}}}" in path}
    return Endpoint(method, path, handler, action, summary, tags=TAG, **{"path_fields": fields, **more})


class KnowledgeApi:
    """The life of articles."""

    def __init__(self, articles: Articles) -> None:
        self._articles = articles

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        may = ArticleAction
        one, article = BASE + "/{id}", {"response": s.ArticleOut}
        return [
            make("GET", BASE, self.index, may.LIST, "List articles",
                 query=s.ArticlesQuery, response=s.ArticlesOut),
            make("POST", BASE, self.create, may.CREATE, "Create a draft",
                 body=s.NewArticleIn, status=201, max_body=MAX_ARTICLE, **article),
            make("POST", BASE + "/preview", self.preview, may.PREVIEW,
                 "Render Markdown as readers would see it",
                 body=s.PreviewIn, response=s.PreviewOut, max_body=MAX_ARTICLE),
            make("GET", one, self.read, may.READ, "Read an article", **article),
            make("PUT", one, self.update, may.UPDATE, "Save a new version", body=s.ArticleChangeIn,
                 max_body=MAX_ARTICLE, **article),
            make("POST", one + "/publish", self.publish, may.PUBLISH,
                 "Publish the newest version", **article),
            make("POST", one + "/unpublish", self.unpublish, may.UNPUBLISH,
                 "Take the article away from readers",
                 **article),
            make("POST", one + "/review", self.review, may.ASK_FOR_REVIEW,
                 "Ask somebody to read the newest version",
                 **article),
            make("POST", one + "/archive", self.archive, may.ARCHIVE, "Put the article away", **article),
            make("POST", one + "/schedule", self.schedule, may.PUBLISH,
                 "Publish the newest version at a time",
                 body=s.ScheduleIn, **article),
            make("POST", one + "/unschedule", self.unschedule, may.PUBLISH,
                 "Take the schedule back", **article),
            make("GET", one + "/versions", self.versions, may.READ, "List all versions",
                 response=s.VersionsOut),
            make("GET", one + "/versions/{number}", self.version, may.READ, "Read one version",
                 response=s.VersionOut),
            make("POST", one + "/restore", self.restore, may.UPDATE, "Save an older version again",
                 body=s.RestoreIn, **article),
        ]  # fmt: skip

    async def index(self, call: Call) -> s.ArticlesOut:
        """List articles."""
        query: s.ArticlesQuery = call.query
        found = await self._articles.index(
            status=query.status or None, area=query.area, language=query.language, text=query.q
        )
        return s.ArticlesOut(articles=[s.ArticleOut.of(article) for article in found])

    async def create(self, call: Call) -> Reply:
        """Create a draft."""
        body: s.NewArticleIn = call.body
        article_id = body.id if body.id is not None else slug(body.title) or "article"
        article = await self._articles.create(article_id, body.draft(), by=call.caller.name)
        return Reply(s.ArticleOut.of(article), status=201, headers={"Location": f"{BASE}/{article.id}"})

    async def read(self, call: Call) -> s.ArticleOut:
        """Read one article."""
        return s.ArticleOut.of(await self._articles.get(call.path["id"]))

    async def update(self, call: Call) -> s.ArticleOut:
        """Save a new version."""
        body: s.ArticleChangeIn = call.body
        return await self._done(
            self._articles.update(
                call.path["id"], body.draft(), base_version=body.base_version, by=call.caller.name
            )
        )

    async def publish(self, call: Call) -> s.ArticleOut:
        """Publish."""
        return await self._done(self._articles.publish(call.path["id"], by=call.caller.name))

    async def unpublish(self, call: Call) -> s.ArticleOut:
        """Unpublish."""
        return await self._done(self._articles.unpublish(call.path["id"], by=call.caller.name))

    async def review(self, call: Call) -> s.ArticleOut:
        """Ask for a review."""
        return await self._done(self._articles.ask_for_review(call.path["id"]))

    async def archive(self, call: Call) -> s.ArticleOut:
        """Archive."""
        return await self._done(self._articles.archive(call.path["id"], by=call.caller.name))

    async def schedule(self, call: Call) -> s.ArticleOut:
        """Schedule."""
        return await self._done(self._articles.schedule(call.path["id"], call.body.at))

    async def unschedule(self, call: Call) -> s.ArticleOut:
        """Take the schedule back."""
        return await self._done(self._articles.schedule(call.path["id"], None))

    async def versions(self, call: Call) -> s.VersionsOut:
        """List versions."""
        found = await self._articles.versions(call.path["id"])
        return s.VersionsOut(versions=[s.VersionOut.of(one) for one in found])

    async def version(self, call: Call) -> s.VersionOut:
        """Read one version."""
        number = int(call.path["number"])
        return s.VersionOut.of(await self._articles.version(call.path["id"], number))

    async def restore(self, call: Call) -> s.ArticleOut:
        """Save an older version again."""
        body: s.RestoreIn = call.body
        return await self._done(
            self._articles.restore(
                call.path["id"], body.version, base_version=body.base_version, by=call.caller.name
            )
        )

    async def preview(self, call: Call) -> s.PreviewOut:
        """Render Markdown."""
        return s.PreviewOut(html=await asyncio.to_thread(to_html, call.body.body))

    async def _done(self, work: Any) -> s.ArticleOut:
        article: Article = await work
        return s.ArticleOut.of(article)
