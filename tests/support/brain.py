"""A brain for the wired product: `Overrides(brain=StandInBrain())`."""

import asyncio
from dataclasses import dataclass, field

from bot.conversation.domain import Answer, Reading, Turn
from bot.conversation.errors import BrainUnavailable


@dataclass
class StandInBrain:
    """Answers one turn after the other, like a Rasa with one worker, in `seconds` each."""

    says: str = "Hello!"
    seconds: float = 0.0
    works: bool = True
    model: str | None = "stand-in"
    asked: list[Turn] = field(default_factory=list)
    _worker: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, turn: Turn) -> Answer:
        """Say the same to everything."""
        async with self._worker:
            await asyncio.sleep(self.seconds)
        self.asked.append(turn)
        if not self.works:
            raise BrainUnavailable("internal_error")
        return Answer([{"text": self.says}], Reading(model=self.model))

    async def ready(self) -> bool:
        """It would take a turn; what comes of that is another matter, as with a Rasa whose actions fail."""
        return True
