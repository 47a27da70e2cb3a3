"""What editors drop into the import: Markdown, HTML, JSON lines, or a ZIP of these, read within bounds."""

import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from foundation.errors import FirstlineError, InvalidInput, UnsupportedMedia
from foundation.strict_json import parse_json
from kb_index.articles.importing import MAX_FILE, ParsedArticle, decoded, from_fields, parse_article
from kb_index.articles.tidy_html import tidy

MAX_UPLOAD = 32 * 1024 * 1024
MAX_UNPACKED = 128 * 1024 * 1024
MAX_FILES = 5000
_TAKEN = "Only .md, .html, .jsonl and .zip are taken."
_SUFFIXES = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".jsonl": "jsonl"}


@dataclass(frozen=True)
class Read:
    """One article of an upload, or why a file is none."""

    path: str
    article: ParsedArticle | None
    problem: str | None = None


def check_kind(name: str) -> None:
    """Look whether a file can hold articles, by its name's ending.

    Raises:
        UnsupportedMedia: when it cannot.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending != ".zip" and ending not in _SUFFIXES:
        raise UnsupportedMedia(_TAKEN, hint="Give the file the ending that says what it is.")


def read_upload(name: str, raw: bytes) -> Iterator[Read]:
    """Read a file by its name's ending; what cannot be read is named, and the rest goes on.

    It blocks: milliseconds a file. A ZIP is never unpacked to disk; names in it are only shown.
    """
    if name.lower().endswith(".zip"):
        yield from _read_zip(raw)
    else:
        yield from _read_file(name, raw)


def _read_zip(raw: bytes) -> Iterator[Read]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            if len(entries) > MAX_FILES:
                yield Read("", None, f"The ZIP holds more than {MAX_FILES} files.")
                return
            left = MAX_UNPACKED
            for entry in entries:
                path = _shown(entry.filename)
                if PurePosixPath(path).name in ("README.md", ".DS_Store") or path.startswith("__MACOSX/"):
                    continue
                content = _unpack(archive, entry)
                if isinstance(content, str):
                    yield Read(path, None, content)
                    continue
                left -= len(content)
                if left < 0:
                    yield Read(path, None, "The ZIP unpacks to too much; the rest of it was left.")
                    return
                yield from _read_file(path, content)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
        yield Read("", None, "The file is no ZIP that can be read.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | str:
    """An entry's content, or what is wrong; what the ZIP says of its size is not believed."""
    if entry.flag_bits & 1:
        return "It is encrypted."
    limit = MAX_UNPACKED if entry.filename.lower().endswith(".jsonl") else MAX_FILE
    try:
        with archive.open(entry) as file:
            content = file.read(limit + 1)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        return "It is damaged."
    return content if len(content) <= limit else f"The file is larger than {limit // 1000} kB."


def _read_file(path: str, raw: bytes) -> Iterator[Read]:
    kind = _SUFFIXES.get(PurePosixPath(path).suffix.lower())
    if kind == "jsonl":
        yield from _read_json_lines(path, raw)
        return
    shown = _shown(path)
    try:
        if kind is None:
            raise InvalidInput(_TAKEN)
        if len(raw) > MAX_FILE:
            raise InvalidInput(f"The file is larger than {MAX_FILE // 1000} kB.")
        article = parse_article(raw, path) if kind == "md" else parse_html(raw, path)
        yield Read(shown, article)
    except FirstlineError as error:
        yield Read(shown, None, error.message)


def _read_json_lines(path: str, raw: bytes) -> Iterator[Read]:
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{_shown(path)}, line {number}"
        try:
            if len(line) > MAX_FILE:
                raise InvalidInput(f"The line is longer than {MAX_FILE // 1000} kB.")
            values = parse_json(line)
            if not isinstance(values, dict):
                raise InvalidInput("An object is needed.")
            body = values.get("body", values.get("text"))
            if not isinstance(body, str):
                raise InvalidInput("body: a text is needed.")
            fields = {"area": "general", **values}
            title = fields.get("title")
            if "id" not in fields:
                fields["id"] = slug(title) if isinstance(title, str) else None
            yield Read(where, from_fields(fields, body, path, line, is_markdown=False))
        except FirstlineError as error:
            yield Read(where, None, error.message)


def parse_html(raw: bytes, name: str) -> ParsedArticle:
    """Read a page: its title and main content, as Markdown; scripts, frames and forms stay behind.

    Raises:
        InvalidInput: saying what is wrong.
    """
    text = decoded(raw)
    page = BeautifulSoup(tidy(text), "html.parser")
    heading = page.find("h1") or page.find("title")
    title = " ".join(heading.get_text(" ").split()) if heading else ""
    content = page.find("main") or page.find("article") or page.body or page
    for extra in content.find_all(["h1", "title", "head"]):
        extra.decompose()
    body = _Converter(heading_style="ATX", bullets="-").convert_soup(content).strip() + "\n"
    values: dict[str, Any] = {
        "id": slug(PurePosixPath(name).stem) or slug(title),
        "title": title,
        "area": _meta(page, "area") or "general",
        "language": (str(page.html.get("lang", "")) if page.html else "")[:5] or "en",
        "summary": _meta(page, "description")[:400],
    }
    return from_fields(values, re.sub(r"\n{3,}", "\n\n", body), name, raw, is_markdown=False)


class _Converter(MarkdownConverter):
    """Counts the items of a numbered list as they come; markdownify counts anew for each those before it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._counts: Counter[int] = Counter()

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Render an item of a list; those of numbered lists by their number."""
        if el.parent is None or el.parent.name != "ol":
            return str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]
        self._counts[id(el.parent)] += 1
        start = str(el.parent.get("start", "1"))
        number = (int(start) if start.isdecimal() else 1) + self._counts[id(el.parent)] - 1
        mark = f"{number}. "
        first, *others = text.strip().split("\n")
        indented = [" " * len(mark) + line if line.strip() else "" for line in others]
        return "\n".join((mark + first, *indented)) + "\n" if first else "\n"


def _meta(page: BeautifulSoup, name: str) -> str:
    found = page.find("meta", attrs={"name": name})
    return " ".join(str(found.get("content", "")).split()) if found else ""


def slug(text: str) -> str:
    """An article's id from a title or a file's name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-")


def _shown(path: str) -> str:
    """A file's name as it is told: printable and short."""
    return "".join(one if one.isprintable() else "?" for one in path)[:200]
