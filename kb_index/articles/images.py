"""Pictures of articles: checked, drawn anew without what else a file may carry, kept in PostgreSQL."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from PIL import Image, ImageOps
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import UtcDateTime, metadata
from foundation.errors import InvalidInput

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = {"JPEG": 40_000_000, "PNG": 24_000_000, "GIF": 24_000_000, "WEBP": 13_000_000}
"""By what drawing one anew takes: up to 8 bytes a pixel, of WebP 17; a JPEG is decoded at a fraction."""
MAX_SIDE = 1600
"""Pixels; a larger picture is made smaller."""
_KINDS = ("PNG", "JPEG", "WEBP", "GIF")

article_images = sa.Table(
    "article_images",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Picture:
    """A picture as it is served; `id` comes from its content."""

    id: str
    media_type: str
    content: bytes
    width: int
    height: int


def redraw(raw: bytes) -> Picture:
    """Check a file and draw its first frame anew; blocks for up to a second and takes up to 250 MB.

    Raises:
        InvalidInput: when it is no PNG, JPEG, WebP or GIF, or too large, or broken.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidInput(f"The picture is larger than {MAX_BYTES // 1024 // 1024} MiB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(raw), formats=_KINDS) as opened:
                _check_size(opened)
                photo = opened.format == "JPEG"
                opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
                # In place, and turned and converted only when it is small: each copy costs as much again.
                opened.thumbnail((MAX_SIDE, MAX_SIDE))
                ImageOps.exif_transpose(opened, in_place=True)
                drawn = opened.convert("RGB" if photo else "RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidInput(
            "The file is no picture that can be read.", hint="Use PNG, JPEG, WebP or GIF."
        ) from None
    out = io.BytesIO()
    drawn.save(out, "JPEG" if photo else "PNG", **({"quality": 85} if photo else {"optimize": True}))
    content = out.getvalue()
    suffix = "jpg" if photo else "png"
    name = f"{hashlib.sha256(content).hexdigest()[:24]}.{suffix}"
    return Picture(name, "image/jpeg" if photo else "image/png", content, *drawn.size)


def _check_size(opened: Image.Image) -> None:
    """The size stands in the file's head: nothing is decoded yet."""
    most = MAX_PIXELS[opened.format or "PNG"]
    if opened.width * opened.height > most:
        raise InvalidInput(
            f"The picture has {opened.width} by {opened.height} pixels, which is too large.",
            hint=f"At most {most // 1_000_000} million pixels as {opened.format}: make it smaller.",
        )


async def keep(tx: AsyncConnection, picture: Picture, at: datetime, by: str) -> None:
    """Keep a picture; the same one again is one."""
    values = {"id": picture.id, "media_type": picture.media_type, "content": picture.content}
    await tx.execute(
        insert(article_images).values(**values, created_at=at, created_by=by).on_conflict_do_nothing()
    )


async def read(tx: AsyncConnection, picture_id: str) -> tuple[str, bytes] | None:
    """Return a picture's media type and content, or None."""
    c = article_images.c
    row = (await tx.execute(sa.select(c.media_type, c.content).where(c.id == picture_id))).one_or_none()
    return (row.media_type, row.content) if row else None


async def existing(tx: AsyncConnection, picture_ids: list[str]) -> set[str]:
    """Return which of these there are."""
    query = sa.select(article_images.c.id).where(article_images.c.id.in_(picture_ids))
    return set((await tx.execute(query)).scalars())
