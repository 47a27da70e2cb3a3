"""Tables of the knowledge base, and statements about articles and their versions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import UtcDateTime, metadata
from foundation.ids import ArticleId
from kb_index.domain import Article, Draft, Listed, Status, Version

revisions = sa.Sequence("kb_revisions", metadata=metadata)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("published_version", sa.Integer),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    sa.Column("imported_hash", sa.Text),
    sa.Column("imported_file", sa.LargeBinary),
    sa.Column("state", sa.Text, nullable=False, server_default="draft"),
    sa.Column("publish_at", UtcDateTime),
    sa.Column("first_published_at", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
)

article_versions = sa.Table(
    "article_versions",
    metadata,
    sa.Column("article_id", sa.Text, sa.ForeignKey("articles.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False, server_default=""),
    sa.Column("audience", sa.Text, nullable=False, server_default="everyone"),
    sa.Column("plans", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("product_versions", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("phrasings", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("review_by", sa.Date),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

passages = sa.Table(
    "passages",
    metadata,
    sa.Column("no", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("article_id", sa.Text, sa.ForeignKey("articles.id"), nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("heading", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("plans", ARRAY(sa.Text), nullable=False),
    sa.Column("product_versions", ARRAY(sa.Text), nullable=False),
    sa.Column("encoder", sa.Text, nullable=False),
    sa.Column("batch", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("sentences", sa.LargeBinary, nullable=False),
)
"""Passages of published versions, with their vectors, so that a restart encodes nothing again.

`encoder` names the encoder, the way of splitting and that of making `terms`, which made them; `kind` is that
of `kb_index.ports.Kind`; `batch` is new each time an article's
passages are made, so that an index can tell whether it holds these. `vector` is float32, `sentences` holds
the vectors of the passage's sentences as float16, to choose what to quote.
"""

_WRITTEN = tuple(field.name for field in fields(Draft))
_LISTS = ("plans", "product_versions", "phrasings")
_WRITERS = 7_261_908
"""Advisory lock: writers come one after the other, so revisions are committed in their order."""


async def next_revision(tx: AsyncConnection) -> int:
    """Return the number of this change; changes become visible in the order of their numbers."""
    await tx.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
    return int((await tx.execute(sa.select(revisions.next_value()))).scalar_one())


async def last_revision(tx: AsyncConnection) -> int:
    """The highest revision of an article, 0 where there is none."""
    return (await tx.execute(sa.select(sa.func.max(articles.c.revision)))).scalar_one() or 0


def _joined() -> Any:
    newest = sa.and_(
        article_versions.c.article_id == articles.c.id, article_versions.c.version == articles.c.version
    )
    columns = [article_versions.c[name] for name in _WRITTEN]
    return sa.select(articles, *columns).join(article_versions, newest)


def _shown() -> sa.ColumnElement[bool]:
    return sa.and_(
        article_versions.c.article_id == articles.c.id,
        article_versions.c.version == articles.c.published_version,
    )


def _draft(row: Any) -> Draft:
    values: dict[str, Any] = {name: getattr(row, name) for name in _WRITTEN}
    for name in _LISTS:
        values[name] = tuple(values[name])
    return Draft(**values)


def _article(row: Any) -> Article:
    return Article(
        row.id, row.version, row.published_version, _draft(row), row.updated_at, row.updated_by,
        row.state, row.publish_at,
    )  # fmt: skip


def version_of(row: Any) -> Version:
    """Make a version of a row of `article_versions`."""
    return Version(row.article_id, row.version, _draft(row), row.created_at, row.created_by)


async def find(tx: AsyncConnection, article_id: ArticleId, *, lock: bool = False) -> Article | None:
    """Read an article with its newest text, holding it for the transaction when `lock`."""
    if lock:
        # On its own: a statement that waits for a lock would join the new row with the texts of before.
        await tx.execute(sa.select(articles.c.id).where(articles.c.id == article_id).with_for_update())
    row = (await tx.execute(_joined().where(articles.c.id == article_id))).one_or_none()
    return _article(row) if row else None


async def imported_hash(tx: AsyncConnection, article_id: ArticleId) -> str | None:
    """The hash of the file that the newest version came from; None when an editor wrote it."""
    query = sa.select(articles.c.imported_hash).where(articles.c.id == article_id)
    return (await tx.execute(query)).scalar_one_or_none()


@dataclass(frozen=True)
class Wanted:
    """Which articles to list; None leaves all but the archived."""

    status: Status | None = None
    area: str | None = None
    language: str | None = None
    text: str | None = None


async def select_articles(tx: AsyncConnection, wanted: Wanted) -> list[Article]:
    """Read articles with their newest text, by title."""
    published, newest, state = articles.c.published_version, articles.c.version, articles.c.state
    behind = sa.or_(published.is_(None), published < newest)
    conditions = {
        "draft": sa.and_(published.is_(None), state == "draft"),
        "review": sa.and_(behind, state == "review"),
        "published": published == newest,
        "changed": sa.and_(published < newest, state == "draft"),
        "archived": sa.and_(behind, state == "archived"),
        None: state != "archived",
    }
    c = article_versions.c
    query = _joined().order_by(c.title, articles.c.id).where(conditions[wanted.status])
    if wanted.area:
        query = query.where(c.area == wanted.area)
    if wanted.language:
        query = query.where(c.language == wanted.language)
    if wanted.text:
        columns = (c.title, articles.c.id, c.body)
        query = query.where(sa.or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    return [_article(row) for row in await tx.execute(query)]


def _columns(draft: Draft) -> dict[str, Any]:
    return {name: list(one) if isinstance(one, tuple) else one for name, one in asdict(draft).items()}


async def insert_version(
    tx: AsyncConnection, article_id: ArticleId, version: int, draft: Draft, at: datetime, by: str
) -> None:
    """Keep a text."""
    await tx.execute(
        article_versions.insert().values(
            article_id=article_id, version=version, created_at=at, created_by=by, **_columns(draft)
        )
    )


async def insert_article(tx: AsyncConnection, article_id: ArticleId, **values: Any) -> None:
    """Insert the article's row."""
    await tx.execute(articles.insert().values(id=article_id, **values))


async def update_article(tx: AsyncConnection, article_id: ArticleId, **values: Any) -> None:
    """Change the article's row."""
    await tx.execute(articles.update().where(articles.c.id == article_id).values(**values))


async def note_first_publication(tx: AsyncConnection, article_id: ArticleId, at: datetime) -> None:
    """Remember when readers first saw the article, unless that is known."""
    unknown = (articles.c.id == article_id, articles.c.first_published_at.is_(None))
    await tx.execute(articles.update().where(*unknown).values(first_published_at=at))


async def first_published_at(tx: AsyncConnection, article_id: ArticleId) -> datetime | None:
    """When readers first saw the article; None where they never did."""
    query = sa.select(articles.c.first_published_at).where(articles.c.id == article_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def select_versions(tx: AsyncConnection, article_id: ArticleId) -> list[Version]:
    """Read all versions, newest first."""
    query = sa.select(article_versions).where(article_versions.c.article_id == article_id)
    return [version_of(row) for row in await tx.execute(query.order_by(article_versions.c.version.desc()))]


async def published(tx: AsyncConnection, article_id: ArticleId) -> Version | None:
    """Read the version that readers see."""
    query = sa.select(article_versions).join(articles, _shown()).where(articles.c.id == article_id)
    row = (await tx.execute(query)).one_or_none()
    return version_of(row) if row else None


async def published_titles(tx: AsyncConnection, audiences: frozenset[str]) -> list[Listed]:
    """Read id, title, area and language of every article that these readers see, by area and title."""
    names = ("article_id", "title", "area", "language", "created_at")
    columns = [article_versions.c[name] for name in names]
    ours = article_versions.c.audience.in_(sorted(audiences))
    query = sa.select(*columns).join(articles, _shown()).where(ours)
    rows = await tx.execute(query.order_by(article_versions.c.area, article_versions.c.title))
    return [Listed(*row) for row in rows]


async def due(tx: AsyncConnection, now: datetime) -> list[ArticleId]:
    """Articles whose time to be published has come, the longest waiting first."""
    query = sa.select(articles.c.id).where(articles.c.publish_at <= now).order_by(articles.c.publish_at)
    return [row.id for row in await tx.execute(query)]


async def version(tx: AsyncConnection, article_id: ArticleId, number: int) -> Version | None:
    """Read one version."""
    c = article_versions.c
    query = sa.select(article_versions).where(c.article_id == article_id, c.version == number)
    row = (await tx.execute(query)).one_or_none()
    return version_of(row) if row else None


async def all_published(
    tx: AsyncConnection, only: Sequence[str] | None = None
) -> list[tuple[Version, date | None]]:
    """Read the version that readers see of every article, or of `only` some, with its newest text's day to
    be reviewed by."""
    newest = article_versions.alias()
    own = sa.and_(newest.c.article_id == articles.c.id, newest.c.version == articles.c.version)
    query = (
        sa.select(article_versions, newest.c.review_by.label("newest_review_by"))
        .join(articles, _shown())
        .join(newest, own)
        .order_by(articles.c.id)
    )
    if only is not None:
        query = query.where(articles.c.id.in_(only))
    return [(version_of(row), row.newest_review_by) for row in await tx.execute(query)]


async def imported_file(tx: AsyncConnection, article_id: ArticleId) -> bytes | None:
    """The file that the newest version came from, byte for byte; None when an editor wrote it."""
    query = sa.select(articles.c.imported_file).where(articles.c.id == article_id)
    return (await tx.execute(query)).scalar_one_or_none()
