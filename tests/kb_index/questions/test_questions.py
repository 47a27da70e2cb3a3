"""The gate, trying a question, and what was asked in vain."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from foundation.clock import FixedClock
from foundation.errors import Conflict, InvalidInput, NotFound
from kb_index.articles.rendering import to_html
from kb_index.articles.service import Articles
from kb_index.domain import Draft
from kb_index.evaluation.what_if import WhatIf
from kb_index.questions.clustering import counted, group, label, most_central, nearest
from kb_index.questions.ports import DayOfUse, UnansweredQuestion
from kb_index.questions.publish_gate import PublishGate
from kb_index.questions.unanswered import Unanswered
from kb_index.text.terms import Normaliser
from tests.kb_index.conftest import NOW, PAUSE, RESET, CountingEncoder, Room, fill


def gate(room: Room) -> PublishGate:
    return PublishGate(room.database, room.articles, WhatIf(room.search), FixedClock(NOW))


async def test_questions_are_kept_once_and_only_of_articles_there_are(room: Room) -> None:
    await fill(room)
    own = gate(room)
    made = await own.add("refunds", "  money\tback? ", source="editor", by="Erin")
    assert (made.question, made.source) == ("money back?", "editor")
    assert await own.add("refunds", "money back?", source="editor", by="Finn") == made
    assert (
        await own.take_in(
            [("money back?", "refunds"), ("gone?", "nobody"), ("stop", "pause")], source="seed", by="x"
        )
        == 1
    )
    assert {one.article_id for one in await own.all()} == {"refunds", "pause"}
    for article, question, error in (("nobody", "x", NotFound), ("refunds", " ?!", InvalidInput)):
        with pytest.raises(error):
            await own.add(article, question, source="editor", by="Erin")
    await own.remove("refunds", made.id)
    assert await own.of_article("refunds") == []
    with pytest.raises(NotFound):
        await own.remove("refunds", made.id)


async def test_an_edit_that_takes_an_answer_away_is_seen_before_it_is_published(room: Room) -> None:
    await fill(room)
    own = gate(room)
    await own.take_in(
        [("how do I get my money back", "refunds"), ("forgot my password", "reset-password")],
        source="seed",
        by="x",
    )
    same = await own.compare("refunds")
    assert (same.before, same.worse, same.better) == (same.after, (), ())
    assert (same.before.hit1, same.before.n) == (1.0, 2)
    emptied = Draft("Opening hours of our kitchen", "orders", "en", "We open at nine.")
    await room.articles.update("refunds", emptied, base_version=1, by="Erin")
    report = await own.compare("refunds")
    assert report.before.hit1 == 1.0
    assert report.after.hit1 == 0.5
    assert report.after.ndcg10 < report.before.ndcg10
    [worse] = report.worse
    assert (worse.question, worse.rank_before) == ("how do I get my money back", 1)
    assert (await room.found("how do I get my money back"))[0] == "refunds", "nothing is published by looking"


async def test_what_is_imagined_ranks_as_what_is_published(room: Room) -> None:
    """The figures before publishing are those that the search has after it."""
    await fill(room)
    draft = replace(PAUSE, phrasings=("I travel for a month",), title="Holiday stop")
    for question in ("I travel for a month", "holiday", "stop deliveries", "password"):
        tried = await gate(room).attempt("pause", question, draft)
        await room.articles.update("pause", draft, base_version=1, by="Erin")
        await room.articles.publish("pause", by="Erin")
        found = await room.search.find(question, limit=3)
        assert (
            tried["after"].rank_of("pause") == [str(hit.article_id) for hit in found.hits].index("pause") + 1
        )
        assert tried["after"].probability == pytest.approx(found.probability, abs=0.02)
        assert tried["after"].ranked[0].fused == pytest.approx(found.hits[0].score, abs=0.02)


async def test_an_unpublished_article_is_found_only_with_its_text(room: Room) -> None:
    await fill(room)
    draft = Draft("Gift cards", "billing", "en", "A gift card is valid for three years.")
    await room.articles.create("gift-cards", draft, by="Erin")
    tried = await gate(room).attempt("gift-cards", "how long is a gift card valid", draft)
    assert tried["before"].rank_of("gift-cards") is None
    assert tried["after"].rank_of("gift-cards") == 1
    assert tried["after"].probability > tried["before"].probability
    with pytest.raises(InvalidInput, match="title"):
        await gate(room).attempt("gift-cards", "x", replace(draft, title=""))


@dataclass
class Log:
    asked: list[UnansweredQuestion] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    answers: int = 0

    async def in_vain(self, since: datetime) -> Sequence[UnansweredQuestion]:
        return [one for one in self.asked if one.asked_at >= since]

    async def answered(self, since: datetime, article_ids: Sequence[str]) -> int:
        return self.answers

    async def use_of(self, article_id: str) -> Sequence[DayOfUse]:
        return []

    async def helped(self, since: datetime) -> Sequence[tuple[str, str]]:
        return []

    async def agents_words(self, conversation_ids: Sequence[str]) -> Sequence[str]:
        return self.said


def asked(number: int, text: str, *, minutes: float = 0.0, days: int = 1) -> UnansweredQuestion:
    return UnansweredQuestion(
        f"att_{number}", f"cnv_{number}", text, NOW - timedelta(days=days), minutes > 0, minutes
    )


GIFTS = ["can I buy a gift card", "do you sell gift cards", "gift card for my mother", "giftcards?"]
ALLERGY = ["is there soy in the beans", "does it contain soy", "soy allergy, which coffee is safe"]


def vain(room: Room, log: Log, now: datetime = NOW) -> Unanswered:
    return Unanswered(room.database, room.articles, room.search, log, FixedClock(now))


async def test_questions_in_vain_are_gathered_and_the_costly_come_first(room: Room) -> None:
    log = Log([asked(n, text) for n, text in enumerate(GIFTS)])
    log.asked += [asked(10 + n, text, minutes=12.5) for n, text in enumerate(ALLERGY)] + [asked(20, "🎉 ?!")]
    first, second = await vain(room, log).clusters()
    assert (first.count, first.handoffs, first.cost_minutes) == (3, 3, 37.5)
    assert set(first.examples) == set(ALLERGY)
    assert "soy" in first.label
    assert (second.count, second.handoffs, set(second.examples)) == (4, 0, set(GIFTS))
    assert "gift" in second.label
    assert sum(second.trend) == 4


async def test_clusters_keep_their_ids_and_grow(room: Room) -> None:
    log = Log([asked(n, text) for n, text in enumerate(GIFTS[:3])])
    own = vain(room, log)
    [before] = await own.clusters()
    log.asked.append(asked(9, "I want to give a gift card"))
    [after] = await own.clusters()
    assert (after.id, after.count) == (before.id, 4)
    assert await own.clusters() == [after], "each question is gathered once"
    log.asked[0] = replace(log.asked[0], handed_off=True, minutes=7.0)
    assert (await own.clusters())[0].cost_minutes == 7.0, "a case that ended since counts"


async def test_after_a_change_of_encoder_questions_go_on_to_join_their_cluster(room: Room) -> None:
    log = Log([asked(n, text) for n, text in enumerate(GIFTS[:3])])
    own = vain(room, log)
    [before] = await own.clusters()
    await room.search.use_encoder(CountingEncoder(room.encoder.encoder, "other"))
    log.asked.append(asked(9, "I want to give a gift card"))
    [after] = await own.clusters()
    assert (after.id, after.count, after.label) == (before.id, 4, before.label)


async def test_one_click_makes_a_draft_from_what_agents_answered(room: Room) -> None:
    log = Log(
        [asked(n, text) for n, text in enumerate(GIFTS)],
        said=[
            "Hi!",
            "You can buy a gift card of 20 or 50 euros at the checkout.",
            "<script>alert(1)</script> is a text of five words",
        ],
    )
    own = vain(room, log)
    [cluster] = await own.clusters()
    article = await own.draft(cluster.id, by="Erin")
    assert article.status == "draft"
    assert "gift card of 20 or 50 euros" in article.draft.body
    assert "<script>" not in article.draft.body
    assert set(article.draft.phrasings) < set(GIFTS)
    with pytest.raises(Conflict):
        await own.draft(cluster.id, by="Erin")
    [again] = await own.clusters()
    assert (again.article_id, again.before, again.after) == (article.id, None, None)
    # What was asked in vain while nobody could read the draft does not count against the article.
    log.asked += [asked(30 + n, "gift card please", days=-1) for n in range(5)]
    later = Articles(room.database, room.search.indexes, FixedClock(NOW + timedelta(days=2)))
    await later.publish(article.id, by="Erin")
    log.answers = 3
    log.asked.append(asked(40, "gift card please", days=-3))
    [since] = await vain(room, log, NOW + timedelta(days=4)).clusters()
    assert (since.before, since.after) == (0.0, 0.75)


async def test_a_draft_survives_whatever_was_asked(room: Room) -> None:
    texts = ["a" + "*" * 998, "<script>alert(1)</script> " * 30, "[x](javascript:alert(1)) " * 30]
    own = vain(room, Log([asked(n, text) for n, text in enumerate(texts)], said=["`~~~ # > | _x_ *y* " * 20]))
    for cluster in await own.clusters():
        article = await own.draft(cluster.id, by="Erin")
        page = to_html(article.draft.body)
        assert "<script" not in page
        assert "href" not in page


async def test_what_is_dismissed_is_gone_until_it_is_asked_again(room: Room) -> None:
    log = Log([asked(n, text) for n, text in enumerate(GIFTS)])
    own = vain(room, log)
    [cluster] = await own.clusters()
    await own.dismiss(cluster.id)
    assert await own.clusters() == []
    log.asked.append(asked(30, "gift card?"))
    [again] = await own.clusters()
    assert (again.count, again.id != cluster.id) == (1, True)
    for wrong in (own.dismiss("none"), own.draft("none", by="Erin")):
        with pytest.raises(NotFound):
            await wrong


async def test_nothing_asked_is_no_cluster(room: Room) -> None:
    assert await vain(room, Log()).clusters() == []


def test_five_thousand_questions_are_parted_by_what_they_are_like() -> None:
    dice = np.random.default_rng(3)
    centres = dice.standard_normal((20, 384)).astype(np.float32)
    vectors = np.repeat(centres, 100, axis=0) + 0.3 * dice.standard_normal((2000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = group(vectors)
    assert sorted(map(len, parts)) == [100] * 20
    assert all(len({at // 100 for at in part}) == 1 for part in parts)
    assert nearest(vectors[::100], vectors[350]) == 3
    assert nearest(vectors[:0], vectors[0]) is None
    assert len(most_central(vectors[:100], 5)) == 5


def test_a_label_tells_a_cluster_from_others() -> None:
    own = counted(["buy a gift card", "gift card price"], Normaliser())
    everywhere = own + counted(["card was declined", "my card"], Normaliser())
    named = label(own, 2, everywhere, 4, "buy a gift card")
    assert named.startswith("buy a gift card (gift")


class TestOverHttp:
    async def test_editors_ask_before_they_publish(self, client: Any, room: Room) -> None:
        await fill(room)
        headers = {"X-Caller": "editor", "X-CSRF-Token": "t"}
        path = "/api/v1/articles/refunds"
        async with client.post(
            f"{path}/questions", json={"question": "money back?"}, headers=headers
        ) as answer:
            assert answer.status == 201, await answer.text()
            known = await answer.json()
        async with client.get(f"{path}/gate", headers=headers) as answer:
            report = await answer.json()
        assert report["before"] == report["after"] == {"hit1": 1.0, "ndcg10": 1.0, "n": 1}
        body = {"question": "money back?", "title": RESET.title, "area": "x", "body": RESET.body}
        async with client.post(f"{path}/try", json=body, headers=headers) as answer:
            tried = await answer.json()
        assert tried["before"]["rank"] == 1
        assert tried["after"]["probability"] < tried["before"]["probability"]
        assert tried["before"]["hits"][0]["title"] == RESET.title, (
            "the text in the form has the article's place"
        )
        async with client.get(f"{path}/statistics", headers=headers) as answer:
            assert await answer.json() == {
                "shown": 0,
                "helped": 0,
                "not_helped": 0,
                "handed_off": 0,
                "by_day": [],
            }
        async with client.get("/api/v1/questions/in-vain", headers=headers) as answer:
            assert await answer.json() == {"clusters": []}
        async with client.delete(f"{path}/questions/{known['id']}", headers=headers) as answer:
            assert answer.status == 204
        for method, wrong in (
            ("GET", "/articles/none/gate"),
            ("POST", "/questions/in-vain/none/draft"),
            ("DELETE", "/articles/refunds/questions/none"),
        ):
            async with client.request(method, f"/api/v1{wrong}", headers=headers) as answer:
                assert answer.status == 404
        agent = {**headers, "X-Caller": "agent"}
        async with client.post(f"{path}/questions", json={"question": "x"}, headers=agent) as answer:
            assert answer.status == 403
