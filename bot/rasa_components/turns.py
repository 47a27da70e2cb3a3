"""Where Rasa's trackers are kept: one Redis key a conversation, written whole, rewound by turn.

Rasa's own Redis store merges what it saves into what is stored, so nothing can ever be taken back, and reads
and parses the stored tracker twice a message. Here a turn that comes again finds the tracker as it was before
that turn, and what is saved replaces what was stored. While nothing is saved the earlier state stands.

A tracker is the dialogue's working memory and no second transcript: what anybody wrote is not stored, and it
is gone some hours after the last message.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Iterable, Optional

import redis.asyncio
import redis.exceptions
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.conversation import Dialogue
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from bot.rasa_components.history import before_turn, shortened, without_words
from bot.rasa_components.patience import patiently

rewind_before: ContextVar[Optional[str]] = ContextVar("rewind_before", default=None)
"""The turn that is being processed; a tracker that knows it already is cut before it when it is read."""

DEFAULT_KEPT = 12 * 3600
TIMEOUT = 3.0
AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)


@lru_cache(maxsize=64)
def _kind(name: str) -> Any:
    # Rasa walks through all subclasses of Event for each event that it reads: a fifth of a turn's CPU time.
    return Event.resolve_by_type(name)


class TurnTrackerStore(TrackerStore):  # type: ignore[misc]
    """Trackers in Redis or Valkey. Settings come from `endpoints.yml`; `kept` is the life of a tracker in
    seconds after its last message."""

    def __init__(
        self,
        domain: Any,
        host: str = "localhost",
        port: Any = 6379,
        db: Any = 0,
        username: Optional[str] = None,
        password: Optional[str] = None,
        use_ssl: Any = False,
        key_prefix: str = "firstline:tracker:",
        kept: Any = DEFAULT_KEPT,
        event_broker: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._prefix = key_prefix
        self._kept = int(kept)
        self._redis = redis.asyncio.Redis(
            host=host or "localhost",
            port=int(port),
            db=int(db),
            username=username or None,
            password=password or None,
            ssl=str(use_ssl).lower() in ("1", "true", "yes"),
            decode_responses=True,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            health_check_interval=30,
        )

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Replace what is stored."""
        await self.stream_events(tracker)
        dialogue = tracker.as_dialogue().as_dict()
        key = self._key(tracker.sender_id)
        text = json.dumps({**dialogue, "events": without_words(dialogue.get("events") or [])})
        await patiently(lambda: self._redis.set(key, text, ex=self._kept), AWAY)

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The tracker, cut before the turn that is being processed where it holds that turn already."""
        stored = await patiently(lambda: self._redis.get(self._key(sender_id)), AWAY)
        if stored is None:
            return None
        known = shortened(before_turn(json.loads(stored).get("events") or [], rewind_before.get()))
        kinds = [(_kind(str(item.get("event"))), item) for item in known]
        events = [kind._from_parameters(item) for kind, item in kinds if kind is not None]
        tracker = self.init_tracker(sender_id)
        tracker.recreate_from_dialogue(Dialogue(sender_id, events))
        return tracker

    async def retrieve_full_tracker(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The same: sessions of Rasa's are off, so there is one tracker."""
        return await self.retrieve(sender_id)

    async def keys(self) -> Iterable[str]:
        """Ids of all stored conversations."""
        found = [key async for key in self._redis.scan_iter(match=f"{self._prefix}*")]
        return [key[len(self._prefix) :] for key in found]

    def _key(self, sender_id: str) -> str:
        return f"{self._prefix}{sender_id}"
