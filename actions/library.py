"""Looks things up in the knowledge base for the assistant, within a time limit."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from actions.policy import AssistantPolicy
from actions.ports import HitView, KnowledgeBase
from bot.foundation.errors import FirstlineError, Unavailable

log = structlog.get_logger(__name__)

LONGEST_QUOTE = 420
"""Characters of a passage shown on a card."""
LONGEST_QUESTION = 500
_PASSAGES = 8


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
        return hits[0] if hits and hits[0].score >= self._policy.suggest_article else None

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
