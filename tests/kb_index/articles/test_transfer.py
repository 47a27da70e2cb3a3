"""Files of articles: what is taken, what is refused and why, and the same bytes back."""

import io
import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient
from bs4 import BeautifulSoup
from PIL import Image

from foundation.errors import InvalidInput
from kb_index.articles import images
from kb_index.articles.exporting import to_markdown, to_zip
from kb_index.articles.importing import import_folder, parse_article
from kb_index.articles.rendering import to_html
from kb_index.articles.uploads import MAX_FILES, parse_html, read_upload
from kb_index.domain import Article, Draft
from tests.kb_index.conftest import NOW, REFUND, Room

SEED = Path(__file__).parents[3] / "data" / "kb"
EDITOR = {"X-Caller": "editor", "X-CSRF-Token": "t"}
FILE = (
    b"---\r\ntitle: 'Refunds'\r\nid: refunds\r\n# a note of ours\r\narea: billing\r\nplans: [gold, \"2\"]\r\n"
    b"phrasings:\r\n- money back?\r\nreview_by: 2027-01-31\r\naudience: users\r\nupdated: 2026-03-31\r\n"
    b"---\r\n\r\nWithin *14* days.\r\n"
)


def zipped(files: Mapping[str, bytes]) -> bytes:
    return to_zip(files.items())


async def test_a_folder_comes_back_byte_for_byte(room: Room, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in sorted(SEED.glob("*.md"))[:12]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "refunds-2.md").write_bytes(FILE.replace(b"id: refunds", b"id: refunds-2"))
    assert not (await import_folder(room.articles, folder)).failed
    files = await room.articles.files()
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_what_an_editor_changed_is_written_anew_and_is_then_stable(room: Room) -> None:
    [one] = read_upload("refunds.md", FILE)
    assert one.article is not None
    draft = one.article.draft
    assert (draft.plans, draft.phrasings, draft.audience) == (("gold", "2"), ("money back?",), "users")
    article = Article("refunds", 2, None, draft, NOW, "Erin")  # type: ignore[arg-type]
    text = to_markdown(article).encode()
    again = parse_article(text, "refunds.md")
    assert again.draft == draft
    assert to_markdown(Article("refunds", 2, None, again.draft, NOW, "Erin")).encode() == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "title", ["yes", "a: b", "# x", "- y", "'q'", '"', "2026-01-01", "Ünïcode 🎉", "x" * 200, "null"]
)
def test_any_title_survives_the_front_matter(title: str) -> None:
    draft = Draft(title, "billing", "en", "---\n\nBody\n", summary=title, phrasings=(title,)).checked()
    text = to_markdown(Article("a", 1, None, draft, NOW, "Erin"))  # type: ignore[arg-type]
    assert parse_article(text.encode(), "a.md").draft == draft


def test_a_page_of_html_becomes_markdown_without_what_runs() -> None:
    page = (
        b'<html lang="en"><head><title>T</title><meta name="description" content="How money returns">'
        b"<script>alert(1)</script></head><body><nav>Menu</nav><main><h1>Refunds &amp; returns</h1>"
        b'<p onclick="x()">You get <b>all</b> of it. <a href="/help/x">More</a></p>'
        b'<iframe src="//evil"></iframe>'
        b"<ul><li>Fast</li></ul><script>alert(2)</script></main></body></html>"
    )
    article = parse_html(page, "pages/Refunds 2.html")
    assert (article.id, article.draft.title, article.draft.area) == (
        "refunds-2",
        "Refunds & returns",
        "general",
    )
    assert article.draft.summary == "How money returns"
    assert "**all**" in article.draft.body
    assert "- Fast" in article.draft.body
    for bad in ("alert", "onclick", "iframe", "Menu", "evil"):
        assert bad not in article.draft.body


def test_json_lines_are_articles_and_bad_ones_are_named() -> None:
    rows = [
        {"id": "a", "title": "A", "text": "Text."},
        {"title": "Été à Nice", "body": "Text.", "area": "orders"},
        {"id": "c", "title": "C"}, ["x"], {"id": "../etc", "title": "D", "text": "x"},
    ]  # fmt: skip
    raw = "\n".join(map(json.dumps, rows)).encode() + b"\nnot json\n\n"
    found = list(read_upload("x.jsonl", raw))
    assert [one.article.id for one in found if one.article] == ["a", "ete-a-nice"]
    problems = {one.path: one.problem for one in found if one.problem}
    assert list(problems) == [f"x.jsonl, line {n}" for n in (3, 4, 5, 6)]


def test_a_zip_is_read_within_bounds() -> None:
    good = b"---\nid: a\ntitle: A\narea: x\n---\nText\n"
    files = {"docs/a.md": good, "docs/README.md": b"no", "x.exe": b"MZ", "__MACOSX/b.md": b""}
    found = list(read_upload("kb.ZIP", zipped(files)))
    assert [(one.path, one.article is not None) for one in found] == [("docs/a.md", True), ("x.exe", False)]


def test_bombs_and_broken_archives_are_refused_cheaply() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.md", b"0" * 50_000_000)
    found = list(read_upload("bomb.zip", bomb.getvalue()))
    assert len(found) == 5
    assert all(one.problem and "larger" in one.problem for one in found)
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(MAX_FILES + 1):
            archive.writestr(f"{number}.md", b"")
    assert [one.article for one in read_upload("many.zip", many.getvalue())] == [None]
    whole = zipped({"a.md": b"x" * 1000})
    for broken in (b"", b"PK\x03\x04", whole[:40], whole[:-30], b"\x00" * 100):
        assert [one.article for one in read_upload("x.zip", broken)] == [None]
    outside = zipped({"../../etc/passwd.md": FILE})
    [one] = read_upload("x.zip", outside)
    assert one.article is not None
    assert one.article.id == "refunds", "a path is only a name"


PIECES = (
    "---\n", "id: ", "title: ", "area: x\n", "&a [*a,*a]", "!!python/object/apply:os.system [x]", "\x00",
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![](data:text/html,x)", "{{7*7}}", "${x}",
    "\u202e", "a" * 5000, "- " * 500, "> " * 300, "[" * 400, "*" * 400, "| a |\n|---|\n", "```\n", "\r",
    "<img src=x onerror=alert(1)>", "&#x6a;avascript:", "\n\n", "🎉", "id: a\ntitle: T\narea: x\n---\n",
    "phrasings: {a: b}\n", "review_by: never\n",
    "<a href='javascript:alert(1)'>x</a>", "<svg onload=alert(1)>",
)  # fmt: skip


def test_a_thousand_hostile_files_are_taken_or_refused_in_a_sentence() -> None:
    dice = random.Random(11)
    taken = refused = 0
    for number in range(1000):
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 12)))
        if number % 2:
            text = "---\nid: a\ntitle: T\narea: x\n---\n" + text
        raw = text.encode() if number % 5 else dice.randbytes(200)
        [read] = read_upload("a.html" if number % 7 == 0 else "a.md", raw)
        if read.article is None:
            assert read.problem
            assert len(read.problem) < 200
            assert "<script" not in read.problem
            refused += 1
            continue
        taken += 1
        page = BeautifulSoup(to_html(read.article.draft.body), "html.parser")
        assert not page(["script", "svg", "iframe", "style", "form"])
        for tag in page(True):
            assert not [name for name in tag.attrs if name.startswith("on")]
            where = str(tag.get("href") or tag.get("src") or "")
            assert not where.lower().startswith(("javascript", "data"))
    assert taken > 200
    assert refused > 200


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 120).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode", "made"),
    [
        ("PNG", "RGBA", "image/png"),
        ("JPEG", "RGB", "image/jpeg"),
        ("WEBP", "RGB", "image/png"),
        ("GIF", "P", "image/png"),
    ],
)
def test_a_picture_is_drawn_anew(kind: str, mode: str, made: str) -> None:
    kept = images.redraw(picture(kind, (4000, 2000), mode) + b"<script>alert(1)</script>")
    assert (kept.media_type, kept.width, kept.height) == (made, 1600, 800)
    assert b"script" not in kept.content
    assert images.redraw(picture(kind, (4000, 2000), mode)).id == kept.id


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"GIF89a",
        picture("PNG")[:60],
        picture("BMP"),
        picture("PNG", (9000, 9000), "1"),
        picture("PNG", (6001, 4000), "1"),
        picture("WEBP", (3700, 3700)),
    ],
)
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        images.redraw(raw)


def test_the_size_is_looked_at_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 70 kB took 460 MB before it was refused or drawn."""
    raw = picture("PNG", (6001, 4000), "1")

    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(InvalidInput):
        images.redraw(raw)


def test_a_picture_is_turned_as_its_camera_says() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4000, 2000), 120).save(out, "JPEG", exif=exif)
    kept = images.redraw(out.getvalue())
    assert (kept.width, kept.height) == (800, 1600)


async def test_pictures_over_http(client: TestClient[Any, Any]) -> None:
    async with client.post("/api/v1/articles/images", data=picture("PNG"), headers=EDITOR) as answer:
        assert answer.status == 201, await answer.text()
        url = (await answer.json())["url"]
    async with client.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    for path in ("/help/images/none.png", "/help/images/..%2f..%2fetc"):
        async with client.get(path) as answer:
            assert answer.status == 404
    async with client.post("/api/v1/articles/images", data=b"x", headers=EDITOR) as answer:
        assert answer.status in (400, 422)
    async with client.post(
        "/api/v1/articles/images", data=b"x", headers={**EDITOR, "X-Caller": "agent"}
    ) as answer:
        assert answer.status == 403


async def test_import_and_export_over_http(client: TestClient[Any, Any], room: Room) -> None:
    await room.articles.create("mine", REFUND, by="Erin")
    form = FormData()
    form.add_field("note", "x")
    form.add_field("file", zipped({"refunds.md": FILE, "bad.md": b"---"}), filename="kb.zip")
    async with client.post("/api/v1/articles/import", data=form, headers=EDITOR) as answer:
        assert answer.status == 200, await answer.text()
        files = (await answer.json())["files"]
    assert {one["path"]: one["outcome"] for one in files} == {"refunds.md": "created", "bad.md": "failed"}
    async with client.get("/api/v1/articles/export", headers=EDITOR) as answer:
        content = await answer.read()
        assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == ["mine.md", "refunds.md"]
        assert archive.read("refunds.md") == FILE
    async with client.post("/api/v1/articles/import?name=kb.zip", data=content, headers=EDITOR) as answer:
        again = (await answer.json())["files"]
    assert {one["outcome"] for one in again} == {"unchanged"}


FORM = {"Content-Type": "multipart/form-data; boundary=zz"}
FILE_PART = b"--zz\r\nContent-Disposition: form-data; name=file; filename=a.zip\r\n"


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"", {}),
        (b"x", FORM),
        (b"x", {"Content-Type": "multipart/form-data"}),
        (FILE_PART + b"\r\n", FORM),
        (b"--zz--\r\n", FORM),
        (b"--zz\r\nContent-Disposition: form-data; name=note\r\n\r\nx\r\n--zz--\r\n", FORM),
    ],
)
async def test_a_form_that_is_none_is_the_callers_fault(
    client: TestClient[Any, Any], data: bytes, headers: dict[str, str]
) -> None:
    async with client.post("/api/v1/articles/import", data=data, headers={**EDITOR, **headers}) as answer:
        assert 400 <= answer.status < 500, await answer.text()


async def test_a_part_in_a_strange_encoding_is_only_a_bad_file(client: TestClient[Any, Any]) -> None:
    part = FILE_PART + b"Content-Transfer-Encoding: evil\r\n\r\nx\r\n--zz--"
    async with client.post("/api/v1/articles/import", data=part, headers={**EDITOR, **FORM}) as answer:
        [one] = (await answer.json())["files"]
    assert one["outcome"] == "failed"
