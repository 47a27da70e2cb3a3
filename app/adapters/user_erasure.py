"""Erases what is known of one user, in one transaction; the audit chain still verifies, and says so.

Each room erases its own; here they are only called, in an order in which a refusal comes before any change.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from actions.attempts.erasure import erase_attempts
from bot.conversation.erasure import ConversationErasure
from foundation.clock import Clock
from foundation.database import Database
from foundation.erasure import ErasedUser, Erasing
from foundation.errors import NotFound
from foundation.ids import new_id
from security.audit.chain import Change
from security.audit.log import AuditLog

USER_ERASED = "user_erased"
"""Kind of the entry that says how much was erased, and nothing of whose it was."""


@dataclass(frozen=True)
class Erased:
    """How much was erased. `entries_kept` are of a version that had the words inside the chain, masked."""

    conversations: int
    events: int
    turns: int
    cases: int
    attempts: int
    entries: int
    entries_kept: int
    questions: int
    offers: int
    healing: int


class Forgetting:
    """Lets every room erase a user."""

    def __init__(
        self,
        database: Database,
        conversations: ConversationErasure,
        others: Sequence[Erasing],
        journal: AuditLog,
        clock: Clock,
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._rooms: Sequence[Erasing] = (*others, conversations)
        self._journal = journal
        self._clock = clock

    async def erase(self, host: str, ref: str) -> Erased:
        """Erase the words, name, address and reference of a user of `host`.

        How many conversations and attempts there were, when, of what kind and with what outcome stays,
        under a reference that leads to nobody.

        Raises:
            NotFound: when nothing is known of such a user.
            Conflict: while a person or the assistant still works for them.
            NotEntered: when the audit log cannot be written; then nothing is erased.
        """
        now, nobody = self._clock.now(), new_id("erased").lower()
        async with self._database.begin() as tx:
            own = await self._conversations.find(tx, host, ref)
            user = ErasedUser(host, ref, nobody, own, now)
            for room in self._rooms:
                await room.check(tx, user)
            counts: Counter[str] = Counter()
            for room in self._rooms:
                counts.update(await room.erase(tx, user))
            attempted = await erase_attempts(tx, user)
            if not attempted and not counts.total():
                raise NotFound(
                    "Nothing is known of such a user.", hint="Check the host's and the user's name."
                )
            # First what says so: with it comes in what still waited to be entered, which is erased as well.
            await self._journal.enter(tx, attempted, required=True)
            gone, kept = await self._journal.erase_texts(tx, [change.subject for change in attempted])
            del counts["contacts"]
            done = Erased(**counts, attempts=len(attempted), entries=gone, entries_kept=kept)
            await self._journal.enter(tx, [Change(USER_ERASED, "", asdict(done))], required=True)
        return done
