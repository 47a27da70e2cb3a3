"""Articles keep every version, tell of conflicts, and accept no text that would break something."""

import asyncio
from typing import Any

import pytest

from foundation.errors import Conflict, FirstlineError, InvalidInput, NotFound
from kb_index.domain import MAX_BODY, Draft
from tests.kb_index.conftest import NOW, REFUND, Room


def draft(
    body: str = "A text.", title: str = "A title", area: str = "billing", language: str = "en"
) -> Draft:
    return Draft(title, area, language, body)


async def test_the_life_of_an_article(room: Room) -> None:
    articles = room.articles
    created = await articles.create("refunds", REFUND, by="Erin")
    assert (created.status, created.version, created.published_version) == ("draft", 1, None)
    published = await articles.publish("refunds", by="Erin")
    assert (published.status, published.published_version) == ("published", 1)
    changed = await articles.update("refunds", draft(), base_version=1, by="Ed")
    assert (changed.status, changed.version, changed.published_version) == ("changed", 2, 1)
    assert (await articles.published("refunds")).draft == REFUND, "readers see the published text still"
    assert (await articles.publish("refunds", by="Ed")).status == "published"
    assert (await articles.published("refunds")).draft == draft()
    assert (await articles.unpublish("refunds", by="Ed")).status == "draft"
    with pytest.raises(NotFound):
        await articles.published("refunds")
    stored = await articles.get("refunds")
    assert (stored.version, stored.updated_by, stored.updated_at) == (2, "Ed", NOW)


async def test_versions_are_kept_for_ever(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    for number in range(2, 6):
        await room.articles.update("refunds", draft(f"Text {number}."), base_version=number - 1, by="Ed")
    versions = await room.articles.versions("refunds")
    assert [(one.version, one.created_by) for one in versions] == [
        (5, "Ed"), (4, "Ed"), (3, "Ed"), (2, "Ed"), (1, "Erin")
    ]  # fmt: skip
    assert versions[-1].draft == REFUND


async def test_a_stale_save_is_refused_with_the_current_text(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    await room.articles.update("refunds", draft("Ed was here."), base_version=1, by="Ed")
    with pytest.raises(Conflict) as caught:
        await room.articles.update("refunds", draft("Erin too."), base_version=1, by="Erin")
    current = caught.value.extra["current"]
    assert (current["version"], current["body"], current["updated_by"]) == (2, "Ed was here.", "Ed")
    assert len(await room.articles.versions("refunds")) == 2


async def test_of_many_savers_at_once_one_wins_and_the_others_hear_of_it(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")

    async def save(number: int) -> str:
        try:
            await room.articles.update("refunds", draft(f"Text {number}."), base_version=1, by=f"ed-{number}")
        except Conflict as conflict:
            return str(conflict.extra["current"]["version"])
        return "saved"

    assert sorted(await asyncio.gather(*map(save, range(8)))) == ["2"] * 7 + ["saved"]
    assert len(await room.articles.versions("refunds")) == 2


async def test_saving_the_same_text_again_changes_nothing(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    again = await room.articles.update("refunds", REFUND, base_version=1, by="Ed")
    assert (again.version, again.updated_by) == (1, "Erin")


async def test_everybody_who_publishes_at_once_is_served(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    results = await asyncio.gather(*(room.articles.publish("refunds", by=f"ed-{n}") for n in range(6)))
    assert {one.status for one in results} == {"published"}
    assert await room.found("money back") == ["refunds"]


async def test_an_id_is_taken_once(room: Room) -> None:
    async def create(number: int) -> bool:
        try:
            await room.articles.create("refunds", REFUND, by=f"ed-{number}")
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*map(create, range(6)))) == [False] * 5 + [True]


async def test_what_is_not_there_is_not_found(room: Room) -> None:
    calls = (
        room.articles.get("none"),
        room.articles.versions("none"),
        room.articles.published("none"),
        room.articles.publish("none", by="Ed"),
        room.articles.unpublish("none", by="Ed"),
        room.articles.update("none", REFUND, base_version=1, by="Ed"),
    )
    for call in calls:
        with pytest.raises(NotFound):
            await call


async def test_the_list_filters_by_status_and_text(room: Room) -> None:
    for name in ("one", "two", "three"):
        await room.articles.create(name, draft(f"About {name}: 100%_sure.", title=name.title()), by="Erin")
    await room.articles.publish("one", by="Erin")
    await room.articles.publish("two", by="Erin")
    await room.articles.update("two", draft("New words."), base_version=1, by="Ed")

    async def ids(**filters: Any) -> list[str]:
        return [str(one.id) for one in await room.articles.index(**filters)]

    assert await ids(status="published") == ["one"]
    assert await ids(status="changed") == ["two"]
    assert await ids(status="draft") == ["three"]
    assert await ids(text="100%_") == ["one", "three"]
    assert await ids(text="NEW w") == ["two"]
    assert await ids(text="100x") == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (draft(title=""), "title"),
        (draft(title="  "), "title"),
        (draft(title="x" * 201), "title"),
        (draft(title="two\nlines"), "title"),
        (draft(title="two\rlines"), "title"),
        (draft(title="bell\x07"), "title"),
        (draft(title="\u2028"), "title"),
        (draft(body=""), "body"),
        (draft(body=" \n\t"), "body"),
        (draft(body="x" * (MAX_BODY + 1)), "body"),
        (draft(body="nul\x00"), "body"),
        (draft(body="escape\x1b[31m"), "body"),
        (draft(body="half \ud83d"), "body"),
        (draft(area="Billing"), "area"),
        (draft(area="a b"), "area"),
        (draft(area="x" * 41), "area"),
        (draft(area="billing\n"), ""),
        (draft(language="english"), "language"),
        (draft(language='en"><script>'), "language"),
    ],
)
async def test_texts_that_would_break_something_are_refused(room: Room, wrong: Draft, field: str) -> None:
    if not field:
        assert (await room.articles.create("trimmed", wrong, by="Erin")).draft.area == "billing"
        return
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        await room.articles.create("wrong", wrong, by="Erin")
    assert await room.articles.index() == []


@pytest.mark.parametrize(
    "wrong", ["", "A", "a b", "../etc", "a--b", "-a", "a-", "x" * 81, "a\n", "é", "a/b", "a\x00"]
)
async def test_ids_are_plain(room: Room, wrong: str) -> None:
    with pytest.raises(FirstlineError):
        await room.articles.create(wrong, REFUND, by="Erin")


async def test_line_ends_are_made_one_kind(room: Room) -> None:
    await room.articles.create("refunds", draft("One.\r\n\r\nTwo.\rThree."), by="Erin")
    assert (await room.articles.get("refunds")).draft.body == "One.\n\nTwo.\nThree."


@pytest.mark.parametrize("body", ["---", "![](/a.png)", "<!-- -->", "# Only a heading", "\u200b", "|a|\n|-|"])
async def test_an_article_of_hardly_any_text_can_be_published_and_found_by_title(
    room: Room, body: str
) -> None:
    await room.write("odd", draft(body, title="Opening hours"))
    [hit] = await room.search.search("opening hours")
    assert hit.article_id == "odd"
    assert hit.quote
