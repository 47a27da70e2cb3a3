"""Articles as files of Markdown with front matter, as `importing` takes them in."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import yaml

from kb_index.domain import Article

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.'’()/&-]*\Z")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_SAME_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a ZIP can hold: the same articles make the same file."""


def to_file(article: Article, imported: bytes | None) -> bytes:
    """Return the file of an article's newest text: as it came, if nobody has changed it since."""
    return imported if imported is not None else to_markdown(article).encode()


def to_markdown(article: Article) -> str:
    """Write front matter and body; what is at its default is left out."""
    draft = article.draft
    fields: list[tuple[str, Any]] = [
        ("id", str(article.id)), ("title", draft.title), ("area", draft.area), ("language", draft.language),
        ("summary", draft.summary), ("audience", "" if draft.audience == "everyone" else draft.audience),
        ("plans", draft.plans), ("product_versions", draft.product_versions), ("phrasings", draft.phrasings),
        ("review_by", draft.review_by), ("updated", article.updated_at.date()),
    ]  # fmt: skip
    lines = [line for name, value in fields if value for line in _lines(name, value)]
    return "\n".join(["---", *lines, "---", "", draft.body.lstrip("\n")])


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        yield f"{name}:"
        yield from (f"  - {_scalar(one)}" for one in value)
    else:
        yield f"{name}: {value.isoformat() if isinstance(value, date) else _scalar(value)}"


def _scalar(value: str) -> str:
    """A text as YAML reads it back: bare where that is safe, else in double quotes."""
    if _PLAIN.match(value) and value.lower() not in _WORDS and not value.endswith(" "):
        return value
    return yaml.safe_dump(value, default_style='"', width=10**9, allow_unicode=True).strip()


def to_zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack files by name; the same ones give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _SAME_DAY), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
