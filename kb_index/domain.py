"""What an article is, how it is cut into passages, and what a search finds."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.foundation.errors import InvalidInput
from bot.foundation.ids import ArticleId

Status = Literal["draft", "published", "changed"]
AREAS = (
    "account",
    "sign-in",
    "billing",
    "orders",
    "preferences",
    "features",
    "exports",
    "notifications",
    "privacy",
    "plans",
)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?\Z")
MAX_BODY = 200_000
MAX_TITLE = 200


@dataclass(frozen=True)
class Draft:
    """What an editor writes."""

    title: str
    area: str
    language: str
    body: str

    def checked(self) -> "Draft":
        """Return it with spaces trimmed and lines ended by `\\n`, as the offsets of passages need it.

        Raises:
            InvalidInput: saying which field must be how.
        """
        body = self.body.replace("\r\n", "\n").replace("\r", "\n")
        cleaned = Draft(self.title.strip(), self.area.strip(), self.language.strip(), body)
        if not 1 <= len(cleaned.title) <= MAX_TITLE or re.search(r"[\t\r\n]", cleaned.title):
            raise InvalidInput(f"title: one line of 1 to {MAX_TITLE} characters.")
        if not body.strip() or len(body) > MAX_BODY:
            raise InvalidInput(f"body: 1 to {MAX_BODY} characters of Markdown.")
        for name, text in (("title", cleaned.title), ("body", body)):
            if _CONTROL.search(text):
                raise InvalidInput(f"{name}: it holds a control character.", hint="Remove it and save again.")
        if not _ID.match(cleaned.area) or len(cleaned.area) > 40:
            raise InvalidInput("area: small letters, digits and hyphens, such as `billing`.")
        if not _LANGUAGE.match(cleaned.language):
            raise InvalidInput("language: a code such as `en` or `pt-BR`.")
        return cleaned


def check_article_id(value: str) -> ArticleId:
    """Return `value` as an article's id.

    Raises:
        InvalidInput: when it is not small letters, digits and single hyphens, at most 80.
    """
    if len(value) > 80 or not _ID.match(value):
        raise InvalidInput("id: small letters, digits and hyphens, such as `reset-your-password`.")
    return ArticleId(value)


@dataclass(frozen=True)
class Article:
    """An article: `version` is the newest text, `published_version` the one that readers see."""

    id: ArticleId
    version: int
    published_version: int | None
    draft: Draft
    updated_at: datetime
    updated_by: str

    @property
    def status(self) -> Status:
        """draft: never or no longer published; changed: published, with newer text waiting."""
        if self.published_version is None:
            return "draft"
        return "published" if self.published_version == self.version else "changed"


@dataclass(frozen=True)
class Version:
    """One saved text of an article; versions are kept for ever."""

    article_id: ArticleId
    version: int
    draft: Draft
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class Listed:
    """A published article in a list."""

    article_id: ArticleId
    title: str
    area: str
    language: str


@dataclass(frozen=True)
class Passage:
    """A stretch of an article under `heading`.

    `text` is plain, one paragraph, list item or table row a line; `start` and `end` are character offsets in
    the Markdown body.
    """

    heading: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Hit:
    """An article that may answer, by its best passage.

    `score` is a cosine, 0 to 1, of the question with that passage or the title. `quote` is the one to three
    sentences of the passage that bear on the question, as plain text; `start` and `end` are the character
    offsets of the quote in the Markdown body of this version.
    """

    article_id: ArticleId
    version: int
    title: str
    area: str
    quote: str
    url: str
    score: float
    passage_id: str
    heading: str
    start: int
    end: int
