"""What an article is, how it is cut into passages, and what a search finds."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, get_args

from foundation.errors import InvalidInput
from foundation.ids import ArticleId

Status = Literal["draft", "review", "published", "changed", "archived"]
STATUSES: tuple[Status, ...] = get_args(Status)
State = Literal["draft", "review", "archived"]
"""What editors say of the newest text; whether readers see it is another matter."""
Audience = Literal["everyone", "users", "staff"]
"""Who may read an article: visitors too, users who are signed in, or staff alone."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
FOR_VISITORS = frozenset({"everyone"})
FOR_USERS = frozenset({"everyone", "users"})
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
_BREAK = re.compile(r"[\t\r\n]")
_HEADING = re.compile(r"^ {0,3}(?:#{1,6}(?:[ \t]|$)|=+[ \t]*$)", re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?\Z")
MAX_BODY = 200_000
MAX_HEADINGS = 500
MAX_TITLE = 200
MAX_SUMMARY = 400
MAX_PHRASINGS = 50
MAX_NAMES = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}\Z")


@dataclass(frozen=True)
class Draft:
    """What an editor writes; all of it is versioned.

    `phrasings` are other ways to ask what the article answers. Empty `plans` and `product_versions` mean all.
    `review_by` is the day by which somebody should read the article again.
    """

    title: str
    area: str
    language: str
    body: str
    summary: str = ""
    audience: Audience = "everyone"
    plans: tuple[str, ...] = ()
    product_versions: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()
    review_by: date | None = None

    def checked(self) -> "Draft":
        """Return it with spaces trimmed and lines ended by `\\n`, as the offsets of passages need it.

        Raises:
            InvalidInput: saying which field must be how.
        """
        cleaned = replace(
            self,
            title=self.title.strip(),
            area=self.area.strip(),
            language=self.language.strip(),
            body=self.body.replace("\r\n", "\n").replace("\r", "\n"),
            summary=self.summary.strip(),
            plans=_distinct(self.plans),
            product_versions=_distinct(self.product_versions),
            phrasings=_distinct(self.phrasings),
        )
        cleaned._check_texts()
        cleaned._check_names()
        return cleaned

    def _check_texts(self) -> None:
        if not 1 <= len(self.title) <= MAX_TITLE or _BREAK.search(self.title):
            raise InvalidInput(f"title: one line of 1 to {MAX_TITLE} characters.")
        if not self.body.strip() or len(self.body) > MAX_BODY:
            raise InvalidInput(f"body: 1 to {MAX_BODY} characters of Markdown.")
        if sum(1 for _ in _HEADING.finditer(self.body)) > MAX_HEADINGS:
            raise InvalidInput(f"body: at most {MAX_HEADINGS} headings.", hint="Make several articles of it.")
        if len(self.summary) > MAX_SUMMARY or _BREAK.search(self.summary):
            raise InvalidInput(f"summary: one line of at most {MAX_SUMMARY} characters.")
        if len(self.phrasings) > MAX_PHRASINGS:
            raise InvalidInput(f"phrasings: at most {MAX_PHRASINGS}.")
        if any(len(one) > MAX_TITLE or _BREAK.search(one) for one in self.phrasings):
            raise InvalidInput(f"phrasings: one line of at most {MAX_TITLE} characters each.")
        texts = {"title": self.title, "body": self.body, "summary": self.summary}
        for name, text in (*texts.items(), *(("phrasings", one) for one in self.phrasings)):
            if _CONTROL.search(text):
                raise InvalidInput(f"{name}: it holds a control character.", hint="Remove it and save again.")

    def _check_names(self) -> None:
        if not _ID.match(self.area) or len(self.area) > 40:
            raise InvalidInput("area: small letters, digits and hyphens, such as `billing`.")
        if not _LANGUAGE.match(self.language):
            raise InvalidInput("language: a code such as `en` or `pt-BR`.")
        if self.audience not in AUDIENCES:
            raise InvalidInput(f"audience: one of {', '.join(AUDIENCES)}.")
        for field, names in (("plans", self.plans), ("product_versions", self.product_versions)):
            if len(names) > MAX_NAMES or not all(_NAME.match(name) for name in names):
                raise InvalidInput(f"{field}: at most {MAX_NAMES} names of letters, digits and `. _ + -`.")


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


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
    """An article: `version` is the newest text, `published_version` the one that readers see.

    `publish_at` is when the newest text is to be published by itself.
    """

    id: ArticleId
    version: int
    published_version: int | None
    draft: Draft
    updated_at: datetime
    updated_by: str
    state: State = "draft"
    publish_at: datetime | None = None

    @property
    def status(self) -> Status:
        """draft: never or no longer published; changed: published, with newer text waiting; review: the
        newest text waits for somebody to read it; archived: put away."""
        if self.published_version == self.version:
            return "published"
        if self.state != "draft":
            return self.state
        return "draft" if self.published_version is None else "changed"


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
    written_at: datetime


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
class Why:
    """Why an article was found: figures from 0 to 1, and the words of the question that it has.

    `title` and `semantic` are cosines of the question with the nearest of title, phrasings and summary, and
    with the nearest passage; `lexical` is the share of the question's terms, weighted by their rarity, that
    the best passage has (a little over 1 where it has them often).
    """

    semantic: float
    title: float
    lexical: float
    matched: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """An article that may answer, by its best passage.

    `score`, 0 to 1, is what the rank goes by, and `probability` the calibrated probability that this article
    answers the question; `why` says what they are made of. `quote` is the one to three
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
    probability: float = 0.0
    why: Why = Why(0.0, 0.0, 0.0)


Advice = Literal["answer", "offer", "ask", "none"]


@dataclass(frozen=True)
class SearchResult:
    """What a search came to.

    `probability` is the calibrated probability that the first hit answers the question; `advice` what to do:
    `answer` with the first, `offer` the first two, `ask` back, or `none`: nothing here answers it.
    """

    hits: tuple[Hit, ...] = ()
    probability: float = 0.0
    advice: Advice = "none"
