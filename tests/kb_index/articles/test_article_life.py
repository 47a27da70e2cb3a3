"""From draft to archive: reviewed, scheduled, restored, and in nobody's way when two write at once."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from foundation.clock import FixedClock
from foundation.errors import Conflict, InvalidInput, NotFound
from kb_index.articles.maintenance import Maintenance
from kb_index.articles.service import Articles
from kb_index.domain import Draft
from kb_index.ports import Filter
from tests.kb_index.conftest import NOW, PAUSE, REFUND, RESET, House, Room, fill


async def statuses(room: Room) -> dict[str, str]:
    everything = await room.articles.index() + await room.articles.index(status="archived")
    return {str(one.id): one.status for one in everything}


async def test_a_review_ends_with_publishing_or_with_another_text(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    assert (await room.articles.ask_for_review("refunds")).status == "review"
    assert [one.id for one in await room.articles.index(status="review")] == ["refunds"]
    changed = replace(REFUND, title="Money back")
    assert (await room.articles.update("refunds", changed, base_version=1, by="Finn")).status == "draft"
    await room.articles.ask_for_review("refunds")
    assert (await room.articles.publish("refunds", by="Gail")).status == "published"
    with pytest.raises(Conflict):
        await room.articles.ask_for_review("refunds")


async def test_what_is_archived_is_found_by_nobody_and_can_be_taken_up_again(room: Room) -> None:
    await fill(room)
    assert (await room.articles.archive("refunds", by="Erin")).status == "archived"
    assert await statuses(room) == {
        "refunds": "archived",
        "pause": "published",
        "reset-password": "published",
    }
    assert "refunds" not in await room.found("when do I get my money back")
    with pytest.raises(NotFound):
        await room.articles.published("refunds")
    with pytest.raises(Conflict):
        await room.articles.ask_for_review("refunds")
    assert (await room.articles.publish("refunds", by="Erin")).status == "published"
    assert (await room.found("when do I get my money back"))[0] == "refunds"


async def test_a_text_is_published_when_its_time_has_come_once(house: House) -> None:
    room = await house.open()
    other = await house.open("b")
    at = NOW + timedelta(hours=1)
    await room.articles.create("refunds", REFUND, by="Erin")
    assert (await room.articles.schedule("refunds", at)).publish_at == at
    assert await room.articles.publish_due() == []
    later = [Articles(one.database, one.indexes, FixedClock(at)) for one in (room, other)]
    await asyncio.gather(*(articles.publish_due() for articles in later))
    article = await room.articles.get("refunds")
    assert (article.status, article.publish_at, article.published_version) == ("published", None, 1)
    assert await later[0].publish_due() == []
    for one in (room, other):
        await one.indexes.refresh()
        assert (await one.found("money back"))[0] == "refunds"


async def test_a_schedule_can_be_taken_back_and_is_in_the_future(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    await room.articles.schedule("refunds", NOW + timedelta(hours=1))
    assert (await room.articles.schedule("refunds", None)).publish_at is None
    for wrong in (NOW, NOW - timedelta(days=1), NOW + timedelta(days=800)):
        with pytest.raises(InvalidInput, match="at:"):
            await room.articles.schedule("refunds", wrong)
    await room.articles.publish("refunds", by="Erin")
    with pytest.raises(Conflict):
        await room.articles.schedule("refunds", NOW + timedelta(hours=1))


async def test_an_older_text_comes_back_as_the_newest_version(room: Room) -> None:
    await room.articles.create("refunds", REFUND, by="Erin")
    await room.articles.update("refunds", PAUSE, base_version=1, by="Finn")
    restored = await room.articles.restore("refunds", 1, base_version=2, by="Gail")
    assert (restored.version, restored.draft, restored.updated_by) == (3, REFUND, "Gail")
    assert [one.draft for one in await room.articles.versions("refunds")] == [REFUND, PAUSE, REFUND]
    with pytest.raises(Conflict):
        await room.articles.restore("refunds", 2, base_version=2, by="Finn")
    with pytest.raises(NotFound):
        await room.articles.restore("refunds", 9, base_version=3, by="Finn")


async def test_who_may_read_it_decides_who_finds_it(room: Room) -> None:
    await room.write("refunds", replace(REFUND, audience="staff"))
    await room.write("reset-password", replace(RESET, audience="users", plans=("gold",)))
    everybody = await room.search.find("how do I get my money back", where=Filter())
    assert everybody.hits[0].article_id == "refunds"
    assert await room.found("how do I get my money back") == ["reset-password"], (
        "the assistant speaks to users"
    )
    visitors = Filter(audiences=frozenset({"everyone"}))
    assert (await room.search.find("forgot my password", where=visitors)).hits == ()
    assert (await room.search.find("forgot my password", where=Filter(plan="silver"))).hits[
        0
    ].article_id == "refunds"
    assert (await room.search.find("forgot my password", where=Filter(plan="gold"))).hits[
        0
    ].article_id == "reset-password"


async def test_other_ways_to_ask_lead_to_the_article(room: Room) -> None:
    await fill(room)
    await room.write(
        "bean-of-the-month", Draft("Our selection", "plans", "en", "A new roast comes every month.")
    )
    asked = "what is this month's coffee surprise"
    before = (await room.search.find(asked)).probability
    text = Draft(
        "Our selection",
        "plans",
        "en",
        "A new roast comes every month.",
        phrasings=("monthly coffee surprise",),
    )
    await room.articles.update("bean-of-the-month", text, base_version=1, by="Erin")
    await room.articles.publish("bean-of-the-month", by="Erin")
    after = await room.search.find(asked)
    assert after.hits[0].article_id == "bean-of-the-month"
    assert after.hits[0].quote.startswith("A new roast"), "what is quoted is the text"
    assert after.probability > before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"audience": "robots"}, "audience"),
        ({"plans": ("a" * 41,)}, "plans"),
        ({"plans": tuple(f"p{n}" for n in range(21))}, "plans"),
        ({"product_versions": ("<b>",)}, "product_versions"),
        ({"phrasings": ("x\ny",)}, "phrasings"),
        ({"phrasings": tuple(f"p{n}" for n in range(51))}, "phrasings"),
        ({"phrasings": ("a\x00b",)}, "phrasings"),
        ({"summary": "x" * 401}, "summary"),
    ],
)
def test_fields_are_checked_by_name(change: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        replace(REFUND, **change).checked()  # type: ignore[arg-type]


class Shown:
    def __init__(self, **times: int) -> None:
        self.times = times

    async def shown(self, since: timedelta) -> dict[str, int]:
        return {name.replace("_", "-"): number for name, number in self.times.items()}


async def test_stale_is_what_is_past_its_day_and_what_is_old_and_used(room: Room) -> None:
    await fill(room)
    await room.write("late", replace(PAUSE, title="Late", review_by=date(2020, 1, 1)))
    year = FixedClock(NOW + timedelta(days=365))
    care = Maintenance(room.database, room.articles, Shown(refunds=2, reset_password=40), year)
    found = await care.stale()
    assert [one.version.article_id for one in found] == ["late", "reset-password", "refunds", "pause"]
    assert (found[1].age_days, found[1].shown) == (365, 40)
    soon = Maintenance(room.database, room.articles, Shown(), FixedClock(NOW + timedelta(days=30)))
    assert [one.version.article_id for one in await soon.stale()] == ["late"]


async def test_links_are_checked_against_what_readers_see(room: Room) -> None:
    await fill(room)
    body = (
        "See [the link](/help/reset-password#ask-for-a-link) and [us](/help/nobody).\n\n## Own place\n\n"
        "[Here](#own-place), [there](#nowhere), [no heading](/help/refunds#zzz),\n"
        "[out](https://example.org/x), [bad](ftp://x/y), [slashes](//evil.example), "
        "![pic](/help/images/none.png)\n\n"
        "[page](/somewhere) [home](/help)\n"
    )
    await room.articles.create("links", Draft("Links", "account", "en", body), by="Erin")
    care = Maintenance(room.database, room.articles, Shown(), FixedClock(NOW))
    found = await care.links("links")
    broken = {one.url: one.line for one in found if one.problem}
    assert broken == {
        "/help/nobody": 1, "#nowhere": 5, "/help/refunds#zzz": 5, "ftp://x/y": 6, "//evil.example": 6,
        "/help/images/none.png": 6, "/somewhere": 8,
    }  # fmt: skip
    assert [one.url for one in found if one.is_external and not one.problem] == ["https://example.org/x"]
    with pytest.raises(NotFound):
        await care.links("none")
