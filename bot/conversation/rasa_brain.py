"""Rasa as the brain, over our own channel on loopback."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.conversation.domain import Answer, Reading, Turn
from bot.conversation.errors import BrainUnavailable

log = structlog.get_logger(__name__)
_RETRY_PAUSE = 0.25


class _Intent(BaseModel):
    name: str | None = None
    confidence: float | None = None


class _Nlu(BaseModel):
    intent: _Intent = Field(default_factory=_Intent)
    ranking: list[_Intent] = Field(default_factory=list)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")
    status: str
    reason: str | None = None
    messages: list[dict[str, Any]] = Field(default_factory=list)
    nlu: _Nlu = Field(default_factory=_Nlu)
    model: str | None = None


class _Health(BaseModel):
    model: str | None = None


class RasaBrain:
    """Asks Rasa; `url` is asked each time, since Rasa's port can change when it is started again.

    Rasa keeps one tracker per conversation *and epoch*: after a person has had the conversation the bot
    starts with a clear head instead of a half-filled form.
    """

    def __init__(self, session: aiohttp.ClientSession, url: Callable[[], str], token: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self.model: str | None = None
        """The model that is live, as far as Rasa has told."""

    async def answer(self, turn: Turn) -> Answer:
        """Answer a turn, trying again while Rasa refuses connections; the caller sets the deadline.

        Raises:
            BrainUnavailable: when Rasa answers that it has no answer.
        """
        body: dict[str, str] = {"conversation": tracker_id(turn), "turn": turn.id}
        if turn.choice is not None:
            body["payload"] = turn.choice
        else:
            body["text"] = turn.text
        reply = await self._post(body)
        if reply.status != "ok":
            raise BrainUnavailable(reply.reason or "failed")
        self.model = reply.model
        reading = Reading(
            reply.nlu.intent.name,
            reply.nlu.intent.confidence,
            [item.model_dump() for item in reply.nlu.ranking[:5]],
            reply.model,
        )
        return Answer(reply.messages, reading)

    async def _post(self, body: dict[str, str]) -> _Reply:
        while True:
            try:
                async with self._session.post(
                    f"{self._url()}/webhooks/firstline/turn",
                    json=body,
                    headers=self._headers,
                    timeout=aiohttp.ClientTimeout(total=60, connect=2),
                ) as response:
                    if response.status != 200:
                        raise BrainUnavailable(f"http_{response.status}")
                    return _Reply.model_validate_json(await response.read())
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError) as error:
                # Sending a turn again is safe: the channel rewinds to before it.
                log.debug("rasa_connection_lost", reason=type(error).__name__)
                await asyncio.sleep(_RETRY_PAUSE)
            except ValidationError:
                raise BrainUnavailable("malformed") from None

    async def ready(self) -> bool:
        """Tell whether Rasa answers and has a model."""
        try:
            async with self._session.get(
                f"{self._url()}/webhooks/firstline/", timeout=aiohttp.ClientTimeout(total=2)
            ) as response:
                if response.status != 200:
                    return False
                self.model = _Health.model_validate_json(await response.read()).model
                return True
        except (aiohttp.ClientError, OSError, TimeoutError, ValidationError):
            return False


def tracker_id(turn: Turn) -> str:
    """Rasa's sender id for a turn: the conversation and the epoch."""
    return f"{turn.conversation_id}:{turn.epoch}"


def conversation_of(tracker: str) -> str:
    """The conversation that a Rasa sender id stands for."""
    return tracker.partition(":")[0]
