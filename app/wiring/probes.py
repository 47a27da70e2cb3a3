"""What `/health` asks of each part."""

from collections.abc import Mapping
from typing import Any

import redis.asyncio as redis

from app.operations_api import Probe
from bot.conversation.ports import Brain
from foundation.database import Database
from kb_index.search.service import ArticleSearch
from security.audit.keys import AuditKeys
from security.audit.log import AuditProbe


def probes(
    database: Database, cache: "redis.Redis", brain: Brain, search: ArticleSearch, keys: AuditKeys
) -> Mapping[str, Probe]:
    """Return what tells, for each part by its name, whether it works now."""

    async def stores() -> bool:
        await database.ping()
        return True

    async def answers() -> bool:
        answer: Any = cache.ping()
        return bool(await answer)

    return {
        "database": stores,
        "cache": answers,
        "rasa": brain.ready,
        "index": search.indexes.ready,
        "encoder": search.encoder_works,
        "audit": AuditProbe(database, keys),
    }
