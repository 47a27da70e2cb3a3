"""What articles look like over HTTP."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.http.fields import INT32
from kb_index.domain import (
    MAX_BODY,
    MAX_NAMES,
    MAX_PHRASINGS,
    MAX_SUMMARY,
    MAX_TITLE,
    Article,
    Audience,
    Draft,
    Status,
    Version,
)


class Strict(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")


class ArticleIn(Strict):
    """The text of an article."""

    title: str = Field(max_length=MAX_TITLE)
    area: str = Field(max_length=40)
    language: str = Field(default="en", max_length=10)
    body: str = Field(max_length=MAX_BODY)
    summary: str = Field(default="", max_length=MAX_SUMMARY)
    audience: Audience = "everyone"
    plans: list[str] = Field(default=[], max_length=MAX_NAMES)
    product_versions: list[str] = Field(default=[], max_length=MAX_NAMES)
    phrasings: list[str] = Field(default=[], max_length=MAX_PHRASINGS, description="Other ways to ask it")
    review_by: date | None = None

    def draft(self) -> Draft:
        """As the domain has it."""
        return Draft(
            self.title, self.area, self.language, self.body, self.summary, self.audience, tuple(self.plans),
            tuple(self.product_versions), tuple(self.phrasings), self.review_by,
        )  # fmt: skip


class NewArticleIn(ArticleIn):
    """A new article."""

    id: str | None = Field(default=None, max_length=80, description="Made from the title when left out")


class ArticleChangeIn(ArticleIn):
    """A new version on top of the one the editor started from."""

    base_version: int = Field(ge=1, le=INT32)


class _WrittenOut(BaseModel):
    title: str
    area: str
    language: str
    body: str
    summary: str
    audience: Audience
    plans: tuple[str, ...]
    product_versions: tuple[str, ...]
    phrasings: tuple[str, ...]
    review_by: date | None


class ArticleOut(_WrittenOut):
    """An article with its newest text; `publish_at` is when that is published by itself."""

    id: str
    status: Status
    version: int
    published_version: int | None
    publish_at: datetime | None
    updated_at: datetime
    updated_by: str

    @classmethod
    def of(cls, article: Article) -> "ArticleOut":
        """As the domain has it."""
        return cls(
            **vars(article.draft), id=article.id, status=article.status, version=article.version,
            published_version=article.published_version, publish_at=article.publish_at,
            updated_at=article.updated_at, updated_by=article.updated_by,
        )  # fmt: skip


class ArticlesOut(BaseModel):
    """Articles by title."""

    articles: list[ArticleOut]


class ArticlesQuery(Strict):
    """Filters of the list."""

    status: Status | Literal[""] | None = None
    area: str | None = Field(default=None, max_length=40)
    language: str | None = Field(default=None, max_length=10)
    q: str | None = Field(default=None, max_length=200)


class VersionOut(_WrittenOut):
    """One saved text."""

    version: int
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, version: Version) -> "VersionOut":
        """As the domain has it."""
        return cls(
            **vars(version.draft), version=version.version, created_at=version.created_at,
            created_by=version.created_by,
        )  # fmt: skip


class VersionsOut(BaseModel):
    """Versions, newest first."""

    versions: list[VersionOut]


class PreviewIn(Strict):
    """Markdown to look at."""

    body: str = Field(max_length=MAX_BODY)


class PreviewOut(BaseModel):
    """The Markdown as readers would see it, sanitised."""

    html: str


class ScheduleIn(Strict):
    """When to publish the newest text."""

    at: datetime


class RestoreIn(Strict):
    """An older version to save again, on top of the one the editor started from."""

    version: int = Field(ge=1, le=INT32)
    base_version: int = Field(ge=1, le=INT32)


class StaleOut(BaseModel):
    """A published article to read again: past its day, or old and much used."""

    id: str
    title: str
    area: str
    updated_at: datetime
    review_by: date | None
    age_days: int
    shown: int


class StaleListOut(BaseModel):
    """The most urgent first."""

    articles: list[StaleOut]


class LinkOut(BaseModel):
    """A link in the text; `problem` says why it leads nowhere."""

    url: str
    text: str
    line: int
    problem: str | None = None


class LinksOut(BaseModel):
    """Links that lead nowhere, and those that leave this site, which are not fetched."""

    broken: list[LinkOut]
    external: list[LinkOut]
    checked: int


class ImageOut(BaseModel):
    """A picture that was checked and kept."""

    id: str
    url: str
    width: int
    height: int


class TakenOut(BaseModel):
    """What became of one file of an import."""

    path: str
    id: str | None
    outcome: str
    problem: str | None = None


class ImportOut(BaseModel):
    """What became of each file."""

    files: list[TakenOut]
