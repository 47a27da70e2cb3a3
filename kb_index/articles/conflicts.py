"""What articles are kept with besides their text, and what is told when two editors save at once."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from foundation.errors import Conflict
from kb_index.domain import Article


@dataclass(frozen=True)
class Source:
    """What an import read: a file or a line of one. Markdown is kept, to be exported as it came."""

    file: bytes
    is_markdown: bool = True

    @property
    def digest(self) -> str:
        """Tells whether it is the one of the last import."""
        return hashlib.sha256(self.file).hexdigest()


def source_columns(source: Source | None) -> dict[str, Any]:
    """What an article's row notes of its source; nothing when an editor wrote it."""
    if source is None:
        return {"imported_file": None, "imported_hash": None}
    return {"imported_file": source.file if source.is_markdown else None, "imported_hash": source.digest}


def edit_conflict(current: Article) -> Conflict:
    """Tell that somebody saved meanwhile, with their article."""
    return Conflict(
        "Somebody saved another version meanwhile.",
        hint="Compare the two, then save again.",
        code="edit_conflict",
        extra={"current": current_as_json(current)},
    )


def current_as_json(article: Article) -> dict[str, Any]:
    """An article as it goes over the wire."""
    moments = {"updated_at": article.updated_at.isoformat(), "publish_at": None}
    if article.publish_at is not None:
        moments["publish_at"] = article.publish_at.isoformat()
    review_by = article.draft.review_by
    return (
        asdict(article.draft)
        | moments
        | {
            "id": article.id,
            "review_by": review_by.isoformat() if review_by else None,
            "status": article.status,
            "version": article.version,
            "published_version": article.published_version,
            "updated_by": article.updated_by,
        }
    )
