"""Tables and statements of the knowledge base."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.foundation.database import UtcDateTime, metadata
from bot.foundation.ids import ArticleId
from kb_index.domain import Article, Draft, Passage, Version

revisions = sa.Sequence("kb_revisions", metadata=metadata)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("published_version", sa.Integer),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    sa.Column("imported_hash", sa.Text),
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
    sa.Column("encoder", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
"""Passages of published versions, with their vectors, so that a restart encodes nothing again."""

_WRITERS = 7_261_908
"""Advisory lock: writers come one after the other, so revisions are committed in their order."""


async def next_revision(tx: AsyncConnection) -> int:
    """Return the number of this change; changes become visible in the order of their numbers."""
    await tx.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
    return int((await tx.execute(sa.select(revisions.next_value()))).scalar_one())


def _joined() -> Any:
    newest = sa.and_(
        article_versions.c.article_id == articles.c.id, article_versions.c.version == articles.c.version
    )
    columns = [article_versions.c[name] for name in ("title", "area", "language", "body")]
    return sa.select(articles, *columns).join(article_versions, newest)


def _article(row: Any) -> Article:
    draft = Draft(row.title, row.area, row.language, row.body)
    return Article(row.id, row.version, row.published_version, draft, row.updated_at, row.updated_by)


def _version(row: Any) -> Version:
    draft = Draft(row.title, row.area, row.language, row.body)
    return Version(row.article_id, row.version, draft, row.created_at, row.created_by)


async def find(tx: AsyncConnection, article_id: ArticleId, *, lock: bool = False) -> Article | None:
    """Read an article with its newest text, holding it for the transaction when `lock`."""
    query = _joined().where(articles.c.id == article_id)
    row = (await tx.execute(query.with_for_update(of=articles) if lock else query)).one_or_none()
    return _article(row) if row else None


async def imported_hash(tx: AsyncConnection, article_id: ArticleId) -> str | None:
    """The hash of the file that the newest version came from; None when an editor wrote it."""
    query = sa.select(articles.c.imported_hash).where(articles.c.id == article_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def select_articles(tx: AsyncConnection, *, status: str | None, text: str | None) -> list[Article]:
    """Read all articles, by title; filtered by status and by text in title, id or body."""
    query = _joined().order_by(article_versions.c.title)
    published, newest = articles.c.published_version, articles.c.version
    conditions = {
        "draft": published.is_(None),
        "published": published == newest,
        "changed": published < newest,
    }
    if status is not None:
        query = query.where(conditions[status])
    if text:
        columns = (article_versions.c.title, articles.c.id, article_versions.c.body)
        query = query.where(sa.or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return [_article(row) for row in await tx.execute(query)]


async def insert_version(
    tx: AsyncConnection, article_id: ArticleId, version: int, draft: Draft, at: datetime, by: str
) -> None:
    """Keep a text."""
    await tx.execute(
        article_versions.insert().values(
            article_id=article_id,
            version=version,
            title=draft.title,
            area=draft.area,
            language=draft.language,
            body=draft.body,
            created_at=at,
            created_by=by,
        )
    )


async def insert_article(tx: AsyncConnection, article_id: ArticleId, **values: Any) -> None:
    """Insert the article's row."""
    await tx.execute(articles.insert().values(id=article_id, **values))


async def update_article(tx: AsyncConnection, article_id: ArticleId, **values: Any) -> None:
    """Change the article's row."""
    await tx.execute(articles.update().where(articles.c.id == article_id).values(**values))


async def select_versions(tx: AsyncConnection, article_id: ArticleId) -> list[Version]:
    """Read all versions, newest first."""
    query = sa.select(article_versions).where(article_versions.c.article_id == article_id)
    return [_version(row) for row in await tx.execute(query.order_by(article_versions.c.version.desc()))]


async def published(tx: AsyncConnection, article_id: ArticleId) -> Version | None:
    """Read the version that readers see."""
    condition = sa.and_(
        article_versions.c.article_id == articles.c.id,
        article_versions.c.version == articles.c.published_version,
    )
    query = sa.select(article_versions).join(articles, condition).where(articles.c.id == article_id)
    row = (await tx.execute(query)).one_or_none()
    return _version(row) if row else None


async def all_published(tx: AsyncConnection) -> list[Version]:
    """Read every version that readers see, by area and title."""
    condition = sa.and_(
        article_versions.c.article_id == articles.c.id,
        article_versions.c.version == articles.c.published_version,
    )
    query = sa.select(article_versions).join(articles, condition)
    rows = await tx.execute(query.order_by(article_versions.c.area, article_versions.c.title))
    return [_version(row) for row in rows]


async def replace_passages(
    tx: AsyncConnection,
    article_id: ArticleId,
    version: int | None,
    found: Sequence[Passage],
    encoder: str,
    vectors: Sequence[bytes],
) -> None:
    """Put an article's passages in the place of its former ones; none when it is no longer published."""
    await tx.execute(passages.delete().where(passages.c.article_id == article_id))
    if version is not None and found:
        rows = [
            {
                "article_id": article_id,
                "version": version,
                "heading": passage.heading,
                "text": passage.text,
                "start": passage.start,
                "end": passage.end,
                "encoder": encoder,
                "vector": vector,
            }
            for passage, vector in zip(found, vectors, strict=True)
        ]
        await tx.execute(passages.insert(), rows)


async def changed_since(tx: AsyncConnection, revision: int) -> list[tuple[ArticleId, int]]:
    """Return (article, revision) of the articles that changed after `revision`, oldest change first."""
    query = (
        sa.select(articles.c.id, articles.c.revision)
        .where(articles.c.revision > revision)
        .order_by(articles.c.revision)
    )
    return [(row.id, row.revision) for row in await tx.execute(query)]


async def stored_vectors(tx: AsyncConnection, ids: Sequence[str]) -> list[tuple[int, str, str, bytes]]:
    """Return (no, article, encoder, vector) of the passages of these articles."""
    query = sa.select(passages.c.no, passages.c.article_id, passages.c.encoder, passages.c.vector)
    rows = await tx.execute(query.where(passages.c.article_id.in_(ids)).order_by(passages.c.no))
    return [(row.no, row.article_id, row.encoder, row.vector) for row in rows]


async def select_hits(tx: AsyncConnection, numbers: Sequence[int]) -> dict[int, Any]:
    """Read passages by number, with title, area and language, if their version still is the published one."""
    condition = sa.and_(
        article_versions.c.article_id == passages.c.article_id,
        article_versions.c.version == passages.c.version,
    )
    still = sa.and_(
        articles.c.id == passages.c.article_id, articles.c.published_version == passages.c.version
    )
    columns = [
        passages.c[name] for name in ("no", "article_id", "version", "heading", "text", "start", "end")
    ]
    query = (
        sa.select(*columns, article_versions.c.title, article_versions.c.area, article_versions.c.language)
        .join(article_versions, condition)
        .join(articles, still)
        .where(passages.c.no.in_(numbers))
    )
    return {row.no: row for row in await tx.execute(query)}


async def stale_articles(tx: AsyncConnection, encoder: str) -> list[Version]:
    """Published versions whose passages are missing or were made with another encoder."""
    condition = sa.and_(
        article_versions.c.article_id == articles.c.id,
        article_versions.c.version == articles.c.published_version,
    )
    fresh = sa.select(passages.c.no).where(
        passages.c.article_id == articles.c.id,
        passages.c.version == articles.c.published_version,
        passages.c.encoder == encoder,
    )
    query = sa.select(article_versions).join(articles, condition).where(~fresh.exists())
    return [_version(row) for row in await tx.execute(query)]
