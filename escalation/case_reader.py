"""Reads cases; looking changes nothing."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from escalation import storage
from escalation.domain import Case, JoinedConversation, QueuePlaces
from foundation.database import Database
from foundation.errors import NotFound
from foundation.ids import CaseId, ConversationId, is_id


class CaseReader:
    """All that can be asked about cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, case_id: str) -> Case:
        """Return a case with its packet.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            return await self._find(connection, case_id, packet=True)

    async def list(self, status: str = "open", *, mine: str | None = None, limit: int = 200) -> list[Case]:
        """Return cases without their packets; `mine` is a staff id, `status` may also be "open"."""
        statuses = ("queued", "assigned") if status == "open" else (status,)
        async with self._database.connect() as connection:
            return await storage.list_cases(connection, statuses, assignee_id=mine, limit=limit)

    async def counts(self) -> dict[str, int]:
        """Return how many cases are `queued` and `assigned`."""
        async with self._database.connect() as connection:
            return await storage.counts(connection)

    async def joined(self, case_id: CaseId, limit: int) -> Sequence[JoinedConversation]:
        """Return the further conversations of a case's user that joined it, latest first."""
        async with self._database.connect() as connection:
            return await storage.joined_to(connection, case_id, limit)

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        """Return (place in the queue from 1, how many wait), or None when the conversation does not wait."""
        async with self._database.connect() as connection:
            return await storage.position(connection, conversation_id)

    async def queue(self) -> QueuePlaces:
        """Return the place in the queue, from 1, of every conversation that waits."""
        async with self._database.connect() as connection:
            return await storage.queue(connection)

    async def open_case(self, conversation_id: ConversationId) -> Case | None:
        """Return the conversation's case that is not resolved, without its packet."""
        async with self._database.connect() as connection:
            return await storage.find_open(connection, conversation_id)

    async def has_open_case(self, host: str, ref: str) -> bool:
        """Tell whether this user has an open case in any conversation."""
        async with self._database.connect() as connection:
            return await storage.has_open_case(connection, host, ref)

    async def had_case(self, conversation_id: ConversationId) -> bool:
        """Tell whether the conversation has or had a case, or joined one."""
        async with self._database.connect() as connection:
            return await storage.had_case(connection, conversation_id)

    async def _find(self, connection: AsyncConnection, case_id: str, *, packet: bool = False) -> Case:
        case = None
        if is_id(case_id, "cas"):
            case = await storage.find_case(connection, CaseId(case_id), packet=packet)
        if case is None:
            raise NotFound("There is no such case.", hint="List them with GET /api/v1/cases.")
        return case
