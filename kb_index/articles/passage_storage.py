"""Statements about passages and their vectors."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ids import ArticleId, new_id
from kb_index.articles.storage import article_versions, articles, passages, version_of
from kb_index.domain import Version
from kb_index.ports import Encoded, StoredPassage

_CHUNK = 500
"""Rows or ids in one statement: PostgreSQL takes 32,767 parameters."""


async def replace_passages(tx: AsyncConnection, version: Version, made: Sequence[Encoded]) -> None:
    """Put the passages of this version in the place of the article's former ones.

    Those that another encoder made of the same version stay beside them, until `sweep`.
    """
    former = sa.or_(
        passages.c.version != version.version, passages.c.encoder.in_({one.made_by for one in made})
    )
    await tx.execute(passages.delete().where(passages.c.article_id == version.article_id, former))
    batch = new_id("bat")
    rows = [
        {
            "article_id": version.article_id,
            "version": version.version,
            "heading": one.passage.heading,
            "text": one.passage.text,
            "start": one.passage.start,
            "end": one.passage.end,
            "language": version.draft.language,
            "area": version.draft.area,
            "kind": one.kind,
            "terms": one.terms,
            "audience": version.draft.audience,
            "plans": list(version.draft.plans),
            "product_versions": list(version.draft.product_versions),
            "encoder": one.made_by,
            "batch": batch,
            "vector": one.vector,
            "sentences": one.sentences,
        }
        for one in made
    ]
    for first in range(0, len(rows), _CHUNK):
        await tx.execute(passages.insert(), rows[first : first + _CHUNK])


async def delete_passages(tx: AsyncConnection, article_id: ArticleId) -> None:
    """Drop an article's passages."""
    await tx.execute(passages.delete().where(passages.c.article_id == article_id))


async def changed_since(tx: AsyncConnection, revision: int) -> list[tuple[ArticleId, int]]:
    """Return (article, revision) of the articles that changed after `revision`, oldest change first."""
    query = (
        sa.select(articles.c.id, articles.c.revision)
        .where(articles.c.revision > revision)
        .order_by(articles.c.revision)
    )
    return [(row.id, row.revision) for row in await tx.execute(query)]


async def batches(tx: AsyncConnection, encoder: str) -> dict[str, str]:
    """Return the batch of every article that has passages made by `encoder`."""
    query = sa.select(passages.c.article_id, passages.c.batch).where(passages.c.encoder == encoder).distinct()
    return {row.article_id: row.batch for row in await tx.execute(query)}


async def stored_passages(tx: AsyncConnection, ids: Sequence[str], made_by: str) -> list[StoredPassage]:
    """Read what the indexes need of the passages of these articles."""
    return await _stored(tx, ids, made_by, passages.c.vector)


async def stored_terms(tx: AsyncConnection, ids: Sequence[str], made_by: str) -> list[StoredPassage]:
    """Read the same without the vectors, which stay empty."""
    return await _stored(tx, ids, made_by, sa.literal(b"").label("vector"))


async def _stored(tx: AsyncConnection, ids: Sequence[str], made_by: str, vector: Any) -> list[StoredPassage]:
    c = passages.c
    columns = (c.no, c.article_id, c.batch, c.language, c.area, c.kind, vector, c.terms, c.audience)
    query = sa.select(*columns, c.plans, c.product_versions).where(c.encoder == made_by).order_by(c.no)
    found: list[StoredPassage] = []
    for first in range(0, len(ids), _CHUNK):
        rows = await tx.execute(query.where(c.article_id.in_(ids[first : first + _CHUNK])))
        found += [StoredPassage(*row[:9], tuple(row.plans), tuple(row.product_versions)) for row in rows]
    return found


def _hits() -> Any:
    own = sa.and_(
        article_versions.c.article_id == passages.c.article_id,
        article_versions.c.version == passages.c.version,
    )
    still = sa.and_(
        articles.c.id == passages.c.article_id, articles.c.published_version == passages.c.version
    )
    names = ("no", "article_id", "version", "heading", "text", "start", "end", "sentences")
    length = passages.c.end - passages.c.start
    source = sa.func.substr(article_versions.c.body, passages.c.start + 1, length).label("source")
    columns = [passages.c[name] for name in names]
    numbers = sa.bindparam("numbers", type_=sa.ARRAY(sa.BigInteger))
    return (
        sa.select(*columns, article_versions.c.title, article_versions.c.area, source)
        .join(article_versions, own)
        .join(articles, still)
        .where(passages.c.no == sa.any_(numbers))
    )


_HITS = _hits()  # made once: every search runs it


async def select_hits(tx: AsyncConnection, numbers: Sequence[int]) -> dict[int, Any]:
    """Read passages by number, with title, area and their Markdown (`source`), if they are of the published
    version still."""
    return {row.no: row for row in await tx.execute(_HITS, {"numbers": list(numbers)})}


async def stale_articles(tx: AsyncConnection, encoder: str) -> list[ArticleId]:
    """Published articles whose passages are missing or were made by another encoder."""
    fresh = sa.select(passages.c.no).where(
        passages.c.article_id == articles.c.id,
        passages.c.version == articles.c.published_version,
        passages.c.encoder == encoder,
    )
    query = sa.select(articles.c.id).where(articles.c.published_version.is_not(None), ~fresh.exists())
    return [row.id for row in await tx.execute(query.order_by(articles.c.id))]


async def sweep(tx: AsyncConnection, made_by: str, revision: int) -> int:
    """Drop what others than `made_by` made of articles that have its passages; returns how many articles.

    The articles get `revision`: a process that goes on with another encoder makes its own again.
    """
    own, other = passages.alias("own"), passages.alias("other")
    has = sa.select(own.c.no).where(own.c.article_id == other.c.article_id, own.c.encoder == made_by)
    query = sa.select(other.c.article_id).where(other.c.encoder != made_by, has.exists()).distinct()
    ids = [row.article_id for row in await tx.execute(query)]
    for first in range(0, len(ids), _CHUNK):
        some = ids[first : first + _CHUNK]
        await tx.execute(
            passages.delete().where(passages.c.article_id.in_(some), passages.c.encoder != made_by)
        )
        await tx.execute(articles.update().where(articles.c.id.in_(some)).values(revision=revision))
    return len(ids)


async def published_locked(tx: AsyncConnection, article_id: ArticleId) -> Version | None:
    """Read the version that readers see, holding the article for the transaction."""
    held = sa.select(articles.c.published_version).where(articles.c.id == article_id).with_for_update()
    version = (await tx.execute(held)).scalar_one_or_none()
    if version is None:
        return None
    query = sa.select(article_versions).where(
        article_versions.c.article_id == article_id, article_versions.c.version == version
    )
    return version_of((await tx.execute(query)).one())
