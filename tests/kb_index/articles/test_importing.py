"""A folder of Markdown: taken in whole, once, not over editors' work, with a word on each bad file."""

import asyncio
import os
import signal
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foundation.errors import NotFound
from kb_index.articles.importing import import_folder, seed
from kb_index.domain import Draft
from tests.kb_index.conftest import House, Room

HEAD = "---\nid: {id}\ntitle: {title}\narea: billing\nlanguage: en\nupdated: 2026-03-31\n---\n"


def put(folder: Path, name: str, body: str = "Some text about tea.", title: str = "A title") -> Path:
    path = folder / f"{name}.md"
    path.write_text(HEAD.format(id=name, title=title) + "\n" + body + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kb"
    made.mkdir()
    put(made, "one", "Money comes back within a week.", "Refunds")
    put(made, "two", "Deliveries leave on Mondays.", "Deliveries")
    (made / "README.md").write_text("Not an article.")
    (made / "notes.txt").write_text("Nor this.")
    return made


async def test_an_import_publishes_with_the_date_of_the_file(room: Room, folder: Path) -> None:
    report = await import_folder(room.articles, folder)
    assert (report.created, report.failed) == (["one", "two"], {})
    assert (await room.found("when do I get my money"))[0] == "one"
    article = await room.articles.get("one")
    assert (article.status, article.updated_by) == ("published", "import")
    assert article.updated_at == datetime(2026, 3, 31, tzinfo=UTC)
    assert article.draft == Draft("Refunds", "billing", "en", "Money comes back within a week.\n")


async def test_a_second_import_does_nothing(room: Room, folder: Path) -> None:
    await import_folder(room.articles, folder)
    encoded, revision = room.encoder.encoded, room.indexes.vectors.revision
    report = await import_folder(room.articles, folder)
    assert (report.unchanged, report.created, report.updated) == (["one", "two"], [], [])
    assert (room.encoder.encoded, room.indexes.vectors.revision) == (encoded, revision)
    assert len(await room.articles.versions("one")) == 1


async def test_a_changed_file_becomes_a_new_published_version(room: Room, folder: Path) -> None:
    await import_folder(room.articles, folder)
    put(folder, "one", "Ask the zeppelin.", "Refunds")
    report = await import_folder(room.articles, folder)
    assert (report.updated, report.unchanged) == (["one"], ["two"])
    assert "zeppelin" in (await room.search.search("zeppelin"))[0].quote
    assert (await room.articles.get("one")).version == 2


async def test_what_an_editor_changed_is_kept_unless_forced(room: Room, folder: Path) -> None:
    await import_folder(room.articles, folder)
    edited = Draft("Refunds", "billing", "en", "Ed knows better.")
    await room.articles.update("one", edited, base_version=1, by="Ed")
    put(folder, "one", "The file knows better.", "Refunds")
    assert (await import_folder(room.articles, folder)).kept == ["one"]
    assert (await room.articles.get("one")).draft == edited
    assert (await import_folder(room.articles, folder, force=True)).updated == ["one"]
    article = await room.articles.get("one")
    assert (article.draft.body, article.version, article.status) == (
        "The file knows better.\n",
        3,
        "published",
    )
    assert (await room.articles.versions("one"))[1].draft == edited, (
        "and the editor's text is a version still"
    )


async def test_an_article_written_in_the_editor_is_not_overwritten(room: Room, folder: Path) -> None:
    mine = Draft("Mine", "billing", "en", "Mine.")
    await room.articles.create("one", mine, by="Ed")
    assert (await import_folder(room.articles, folder)).kept == ["one"]
    assert (await room.articles.get("one")).draft == mine


async def test_what_was_taken_back_stays_back(room: Room, folder: Path) -> None:
    await import_folder(room.articles, folder)
    await room.articles.unpublish("one", by="Ed")
    assert (await import_folder(room.articles, folder)).unchanged == ["one", "two"]
    put(folder, "one", "New text.", "Refunds")
    assert (await import_folder(room.articles, folder)).updated == ["one"]
    article = await room.articles.get("one")
    assert (article.status, article.version) == ("draft", 2)


BAD = {
    "no-front-matter": (b"Just text.", "front matter"),
    "never-closed": (b"---\nid: x\n", "front matter"),
    "not-yaml": (b"---\nid: [\n---\nText.", "not valid YAML"),
    "python-tag": (b"---\n!!python/object/apply:os.system ['true']\n---\nText.", "not valid YAML"),
    "a-list": (b"---\n- a\n---\nText.", "must name fields"),
    "no-title": (b"---\nid: no-title\narea: billing\nupdated: 2026-01-01\n---\nText.", "title"),
    "title-a-number": (b"---\ntitle: 5\narea: billing\nupdated: 2026-01-01\n---\nText.", "title"),
    "bad-date": (b"---\ntitle: T\narea: billing\nupdated: soon\n---\nText.", "updated"),
    "bad-area": (b"---\ntitle: T\narea: Big Bills\nupdated: 2026-01-01\n---\nText.", "area"),
    "bad-language": (
        b"---\ntitle: T\narea: billing\nlanguage: no\nupdated: 2026-01-01\n---\nText.",
        "language",
    ),
    "bad-id": (b"---\nid: ../x\ntitle: T\narea: billing\nupdated: 2026-01-01\n---\nText.", "id"),
    "no-body": (b"---\ntitle: T\narea: billing\nupdated: 2026-01-01\n---\n\n", "body"),
    "not-utf-8": (b"---\ntitle: \xff\n---\nText.", "UTF-8"),
    "nul": (b"---\ntitle: T\narea: billing\nupdated: 2026-01-01\n---\nA\x00B", "U+0000"),
    "too-large": (b"---\ntitle: T\narea: billing\nupdated: 2026-01-01\n---\n" + b"a" * 1_000_000, "larger"),
    "deep": (b"---\ntitle: " + b"[" * 5000 + b"\n---\nText.", "YAML"),
}


async def test_each_bad_file_is_named_and_stops_no_other(room: Room, folder: Path) -> None:
    for name, (raw, _) in BAD.items():
        (folder / f"{name}.md").write_bytes(raw)
    (folder / "zz-twin.md").write_text((folder / "one.md").read_text())
    (folder / "zz-folder.md").mkdir()
    report = await import_folder(room.articles, folder)
    assert report.created == ["one", "two"]
    assert set(report.failed) == {f"{name}.md" for name in BAD} | {"zz-twin.md", "zz-folder.md"}
    for name, (_, word) in BAD.items():
        assert word in report.failed[f"{name}.md"], name
    assert "one.md" in report.failed["zz-twin.md"]


async def test_no_folder_is_an_error_to_import_and_none_to_seed(room: Room, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await import_folder(room.articles, tmp_path / "none")
    assert (await seed(room.articles, tmp_path / "none")).created == []


async def test_windows_files_are_read(room: Room, folder: Path) -> None:
    raw = (folder / "one.md").read_bytes().replace(b"\n", b"\r\n")
    (folder / "one.md").write_bytes(b"\xef\xbb\xbf" + raw)
    assert (await import_folder(room.articles, folder)).failed == {}
    assert (await room.articles.get("one")).draft.body == "Money comes back within a week.\n"


@pytest.mark.slow
async def test_an_import_killed_midway_is_finished_by_the_next(
    house: House, folder: Path, postgres_url: str
) -> None:
    for number in range(60):
        put(folder, f"extra-{number:02}", f"Text number {number}. " * 30)
    async with house.database.connect() as connection:
        schema = (await connection.exec_driver_sql("select current_schema()")).scalar_one()
    script = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from foundation.clock import SystemClock
        from foundation.database import Database
        from foundation.wakeups import Wakeups
        from kb_index.encoder.onnx_encoder import OnnxEncoder
        from kb_index.articles.importing import import_folder
        from kb_index.index.faiss_index import FaissFiles
        from kb_index.index.synchroniser import SynchronisedIndexes
        from kb_index.index.passage_builder import PassageBuilder
        from kb_index.text.terms import Normaliser
        from kb_index.articles.service import Articles

        async def main():
            database = Database.open({postgres_url!r}, schema={schema!r})
            encoder = OnnxEncoder({str(house.encoder.folder)!r})
            snapshot = Path({str(house.home / "a" / "x.faiss")!r})
            maker = PassageBuilder(encoder, Normaliser())
            indexes = SynchronisedIndexes(database, maker, Wakeups(None), FaissFiles(snapshot))
            await indexes.start()
            print("started", flush=True)
            await import_folder(Articles(database, indexes, SystemClock()), Path({str(folder)!r}))
            print("finished", flush=True)

        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"started"
    room = await house.open("b")
    while len(await room.articles.index()) < 10:
        await asyncio.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    half = await room.articles.index()
    assert 10 <= len(half) < 62
    assert {one.status for one in half} == {"published"}, "an article is whole or not there"
    report = await import_folder(room.articles, folder)
    assert len(report.created) == 62 - len(half)
    assert report.failed == {}
    fresh = await house.open("c")
    assert len(fresh.indexes.vectors.contents()) == 62
    await room.indexes.refresh()
    assert room.indexes.vectors.contents() == fresh.indexes.vectors.contents()
