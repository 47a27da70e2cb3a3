"""The words of turns, for those who know a turn by its id."""

from collections.abc import Mapping, Sequence

from bot.conversation import turn_storage
from foundation.database import Database


class TurnTexts:
    """Reads what users said in turns, not masked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, turn_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the message of each turn that there is, by its id."""
        async with self._database.connect() as connection:
            return await turn_storage.texts_of(connection, turn_ids)
