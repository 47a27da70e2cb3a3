"""Predictive help put together: the policy, who talks to a person, and the articles that are offered."""

import asyncio
from collections.abc import Mapping
from typing import Any

from actions.assembly import ActionsRoom
from actions.triggers.policy import TriggerPolicyFile
from actions.triggers.service import Triggers
from app.settings import Settings
from bot.conversation.service import Conversations
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import NotFound
from kb_index.articles.service import Articles
from kb_index.text.passages import split

_LONGEST_QUOTE = 420


def wire_triggers(
    settings: Settings,
    database: Database,
    clock: Clock,
    actions: ActionsRoom,
    conversations: Conversations,
    articles: Articles,
    intents: frozenset[str],
) -> Triggers:
    """Make predictive help; its offers of workflows lead to these intents."""

    async def with_person(host: str, user_ref: str) -> bool:
        return any(one.owner.kind != "bot" for one in await conversations.of_contact(host, user_ref, limit=5))

    async def show_article(article_id: str) -> Mapping[str, Any] | None:
        try:
            version = await articles.published(article_id)
        except NotFound:
            return None
        passages = await asyncio.to_thread(split, version.draft.body)
        text = passages[0].text if passages else ""
        return {
            "type": "article",
            "article_id": version.article_id,
            "version": version.version,
            "title": version.draft.title,
            "url": f"/help/{version.article_id}",
            "quote": text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE].rsplit(' ', 1)[0]} …",
            "area": version.draft.area,
        }

    policy = TriggerPolicyFile(settings.root / "data" / "policies" / "triggers.yml", intents)
    return Triggers(policy, database, actions.log, clock, with_person, show_article)
