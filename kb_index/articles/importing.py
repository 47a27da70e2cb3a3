"""A folder of Markdown with front matter becomes published articles."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from foundation.errors import FirstlineError, InvalidInput, NotFound
from foundation.strict_json import check_text
from kb_index.articles.conflicts import Source
from kb_index.articles.service import Articles, Taken
from kb_index.domain import Draft, check_article_id

MAX_FILE = 300_000
_BY = "import"


@dataclass
class ImportReport:
    """What an import did: ids by what happened, and a sentence for each file that could not be taken."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Edited in the editor since the last import, hence left alone."""
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ParsedArticle:
    """A file as read; `updated` is None where it does not say. Markdown is kept to be exported as it came."""

    id: str
    draft: Draft
    updated: date | None
    file: bytes
    is_markdown: bool = True


def parse_article(raw: bytes, name: str) -> ParsedArticle:
    """Read a Markdown file with front matter; `id` may be left to the file's name and `language` to `en`.

    Raises:
        InvalidInput: with a sentence that says what is wrong where.
    """
    text = decoded(raw)
    if not text.startswith("---\n") or "\n---\n" not in text:
        raise InvalidInput("The file must start with front matter between two lines of `---`.")
    head, _, body = text[4:].partition("\n---\n")
    return from_fields(_front_matter(head), body.lstrip("\n"), name, raw)


def decoded(raw: bytes) -> str:
    """Return a file's text with `\\n` at line ends.

    Raises:
        InvalidInput: when it is not UTF-8 or holds what no text holds.
    """
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidInput("The file is not UTF-8.") from None
    check_text(text)
    return text


def from_fields(
    values: Mapping[str, Any], body: str, name: str, raw: bytes, *, is_markdown: bool = True
) -> ParsedArticle:
    """Make an article of the fields of a front matter or of a JSON object, and its Markdown.

    Raises:
        InvalidInput: saying which field must be how.
    """
    article_id = check_article_id(_text(values, "id", name))
    title, area, language = (_text(values, key, name) for key in ("title", "area", "language"))
    audience = values.get("audience", "everyone")
    draft = Draft(
        title, area, language, body,
        summary=_text(values, "summary", name),
        audience=audience if isinstance(audience, str) else "",  # type: ignore[arg-type]
        plans=_texts(values, "plans"),
        product_versions=_texts(values, "product_versions"),
        phrasings=_texts(values, "phrasings"),
        review_by=_day(values, "review_by"),
    )  # fmt: skip
    return ParsedArticle(article_id, draft.checked(), _day(values, "updated"), raw, is_markdown)


def _front_matter(head: str) -> Mapping[str, Any]:
    try:
        values = yaml.safe_load(head)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark else ""
        raise InvalidInput(f"The front matter is not valid YAML{where}.") from None
    if not isinstance(values, Mapping):
        raise InvalidInput("The front matter must name fields, such as `title: ...`.")
    return values


def _day(values: Mapping[str, Any], key: str) -> date | None:
    value = values.get(key)
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(value, str):
            return date.fromisoformat(value)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise InvalidInput(f"{key}: a date such as 2026-03-31.")


_LEFT_OUT = {"language": "en", "summary": ""}


def _text(values: Mapping[str, Any], key: str, name: str) -> str:
    value = values.get(key, Path(name).stem if key == "id" else _LEFT_OUT.get(key))
    if not isinstance(value, str):
        raise InvalidInput(f"{key}: a text is needed.", hint="Put it in quotes if YAML reads it otherwise.")
    return value


def _texts(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = values.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str | int | float) for one in value):
        raise InvalidInput(f"{key}: a list of texts is needed.")
    return tuple(str(one) for one in value)


async def import_folder(articles: Articles, folder: Path, *, force: bool = False) -> ImportReport:
    """Create, update and publish from `folder`/*.md; a README.md is left out.

    Unchanged files do nothing; an article that was edited since its import is left alone unless `force`; a
    file that cannot be taken does not stop the others.

    Raises:
        NotFound: when there is no such folder.
    """
    paths = await asyncio.to_thread(_files, folder)
    if paths is None:
        raise NotFound("There is no such folder.", hint="Name a folder of .md files.")
    report = ImportReport()
    seen: dict[str, str] = {}
    for path in paths:
        try:
            parsed = parse_article(await asyncio.to_thread(_read, path), path.name)
            if (first := seen.setdefault(parsed.id, path.name)) != path.name:
                raise InvalidInput(f"id: {first} has the same.")
            getattr(report, await take(articles, parsed, force=force)).append(parsed.id)
        except FirstlineError as error:
            report.failed[path.name] = error.message
    return report


async def take(articles: Articles, parsed: ParsedArticle, *, force: bool) -> Taken:
    """Take in one article as read."""
    written = _moment(parsed.updated, articles.now())
    source = Source(parsed.file, parsed.is_markdown)
    return await articles.take_in(parsed.id, parsed.draft, source, written=written, by=_BY, force=force)


async def seed(articles: Articles, folder: Path) -> ImportReport:
    """Import the articles that come with the product; what an editor changed stays. No folder is no error."""
    try:
        return await import_folder(articles, folder)
    except NotFound:
        return ImportReport()


def _files(folder: Path) -> list[Path] | None:
    if not folder.is_dir():
        return None
    return sorted(path for path in folder.glob("*.md") if path.name != "README.md")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise InvalidInput(f"The file cannot be read: {error.strerror}.") from None
    if len(raw) > MAX_FILE:
        raise InvalidInput(f"The file is larger than {MAX_FILE // 1000} kB.")
    return raw


def _moment(day: date | None, now: datetime) -> datetime:
    if day is None:
        return now
    return min(datetime.combine(day, time(), UTC), now)
