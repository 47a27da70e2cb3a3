"""A folder of Markdown with front matter becomes published articles."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bot.foundation.errors import FirstlineError, InvalidInput, NotFound
from bot.foundation.strict_json import check_text
from kb_index.domain import Draft, check_article_id
from kb_index.service import Articles

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


def parse_article(raw: bytes, name: str) -> tuple[str, Draft]:
    """Read a Markdown file with front matter.

    Raises:
        InvalidInput: with a sentence that says what is wrong where.
    """
    if len(raw) > MAX_FILE:
        raise InvalidInput(f"The file is larger than {MAX_FILE // 1000} kB.")
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidInput("The file is not UTF-8.") from None
    check_text(text)
    if not text.startswith("---\n") or "\n---\n" not in text:
        raise InvalidInput("The file must start with front matter between two lines of `---`.")
    head, _, body = text[4:].partition("\n---\n")
    try:
        values = yaml.safe_load(head)
    except (yaml.YAMLError, ValueError):
        raise InvalidInput("The front matter is not valid YAML.") from None
    if not isinstance(values, Mapping):
        raise InvalidInput("The front matter must name fields, such as `title: ...`.")
    article_id = check_article_id(_text(values, "id", name))
    if not isinstance(values.get("updated"), date):
        raise InvalidInput("updated: a date such as 2026-03-31.")
    title, area, language = (_text(values, key, name) for key in ("title", "area", "language"))
    return article_id, Draft(title, area, language, body.lstrip("\n")).checked()


def _text(values: Mapping[str, Any], key: str, name: str) -> str:
    value = values.get(key, Path(name).stem if key == "id" else "en" if key == "language" else None)
    if not isinstance(value, str):
        raise InvalidInput(f"{key}: a text is needed.")
    return value


async def import_folder(articles: Articles, folder: Path, *, force: bool = False) -> ImportReport:
    """Create, update and publish from `folder`/*.md. Unchanged files do nothing; an article that was edited
    since its import is left alone unless `force`; a file that cannot be taken does not stop the others.

    Raises:
        NotFound: when there is no such folder.
    """
    if not await asyncio.to_thread(folder.is_dir):
        raise NotFound("There is no such folder.", hint="Name a folder of .md files.")
    report = ImportReport()
    for path in await asyncio.to_thread(lambda: sorted(folder.glob("*.md"))):
        try:
            await _import_file(articles, path, report, force)
        except FirstlineError as error:
            report.failed[path.name] = error.message
    return report


async def _import_file(articles: Articles, path: Path, report: ImportReport, force: bool) -> None:
    raw = await asyncio.to_thread(path.read_bytes)
    article_id, draft = parse_article(raw, path.name)
    digest = hashlib.sha256(raw).hexdigest()
    try:
        current = await articles.get(article_id)
    except NotFound:
        await articles.create(article_id, draft, by=_BY, imported_hash=digest)
        await articles.publish(article_id, by=_BY)
        report.created.append(article_id)
        return
    imported = await articles.imported_hash(article_id)
    if imported == digest or current.draft == draft:
        report.unchanged.append(article_id)
    elif imported is None and not force:
        report.kept.append(article_id)
    else:
        await articles.update(article_id, draft, base_version=current.version, by=_BY, imported_hash=digest)
        await articles.publish(article_id, by=_BY)
        report.updated.append(article_id)
