"""Looks things up in the knowledge base for the assistant, within a time limit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from actions.policy import AssistantPolicy
from actions.ports import HitView, KnowledgeBase
from foundation.errors import FirstlineError, Unavailable

log = structlog.get_logger(__name__)

LONGEST_QUOTE = 420
"""Characters of a passage shown on a card."""
LONGEST_QUESTION = 500
_PASSAGES = 8


@dataclass(frozen=True)
class Candidate:
    """A hit, and how much speaks for it: its score, and the probability that it answers, both with what the
    intent adds."""

    hit: HitView
    strength: float
    probability: float


class Library:
    """Searches, one hit per article."""

    def __init__(self, knowledge: KnowledgeBase, policy: AssistantPolicy) -> None:
        self._knowledge = knowledge
        self._policy = policy

    async def search(self, question: str) -> list[HitView]:
        """Return the best passage of each article, best article first.

        Raises:
            Unavailable: when the knowledge base does not answer in time.
        """
        if not question.strip():
            return []
        try:
            async with asyncio.timeout(self._policy.search_timeout):
                hits = await self._knowledge.search(question[:LONGEST_QUESTION], limit=_PASSAGES)
        except TimeoutError:
            raise Unavailable("The knowledge base does not answer in time.") from None
        return _best_of_each(hits)

    async def best(self, question: str) -> HitView | None:
        """Return the best article that is worth showing, or None, also when the search fails."""
        try:
            hits = await self.search(question)
        except FirstlineError as error:
            log.warning("knowledge_base_unavailable", reason=error.code)
            return None
        return hits[0] if hits and hits[0].probability >= self._policy.answer_known_intent else None

    async def ranked(
        self, question: str, *, usual: str | None, usual_question: str, confidence: float
    ) -> list[Candidate]:
        """Return articles for `question`, strongest first, the one that usually answers the intent favoured.

        `usual` is that article's id, `usual_question` finds it when the user's words do not. Raises as
        `search`.
        """
        hits = await self.search(question)
        candidates = [Candidate(hit, hit.score, hit.probability) for hit in hits]
        if usual is not None and usual_question and usual not in {hit.article_id for hit in hits}:
            found = [hit for hit in await self.search(usual_question) if hit.article_id == usual]
            # It is at most as near as the last one that the user's own words found.
            last = min(candidates, key=lambda one: one.strength, default=None)
            candidates += [
                Candidate(hit, last.strength, last.probability)
                if last
                else Candidate(hit, hit.score, hit.probability)
                for hit in found
            ]
        favoured = [
            self._favoured(one, confidence) if one.hit.article_id == usual else one for one in candidates
        ]
        return sorted(favoured, key=lambda candidate: -candidate.strength)

    def _favoured(self, one: Candidate, confidence: float) -> Candidate:
        """The article that usually answers the intent, which was read with this confidence."""
        weighed = one.probability * self._policy.intent_odds**confidence
        probability = weighed / (weighed + 1 - one.probability)
        return Candidate(one.hit, one.strength + self._policy.intent_prior * confidence, probability)

    @staticmethod
    def card(hit: HitView) -> dict[str, Any]:
        """Return the card that shows a hit."""
        return {
            "type": "article",
            "article_id": hit.article_id,
            "version": hit.version,
            "title": hit.title,
            "url": hit.url,
            "quote": _shortened(hit.quote),
            "area": hit.area,
        }


def _best_of_each(hits: Sequence[HitView]) -> list[HitView]:
    best: dict[str, HitView] = {}
    for hit in hits:
        if hit.article_id not in best or hit.score > best[hit.article_id].score:
            best[hit.article_id] = hit
    return sorted(best.values(), key=lambda hit: -hit.score)


def _shortened(quote: str) -> str:
    text = quote.strip()
    if len(text) <= LONGEST_QUOTE:
        return text
    cut = text[:LONGEST_QUOTE]
    end = max(cut.rfind(". "), cut.rfind("\n"))
    return cut[: end + 1].strip() if end > LONGEST_QUOTE // 2 else f"{cut.rsplit(' ', 1)[0]} …"
