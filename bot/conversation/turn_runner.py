"""Runs turns: one at a time in a conversation, a bounded number in all, fairly by user.

A turn is leased from PostgreSQL, so when a runner dies, or a task of it, another takes the turn up.
What has waited too long is not waited for any more: its user is told and gets a person.
"""

import asyncio
import contextlib

import structlog

from bot.conversation import turn_storage
from bot.conversation.answering import CONCLUDE_SECONDS, Answering
from bot.conversation.fair_queue import FairQueue
from bot.conversation.leases import HEARTBEAT, Leases
from bot.conversation.patience import Patience
from bot.conversation.ports import Brain, Handoffs, TurnObserver
from bot.conversation.service import Conversations
from bot.conversation.watchdog import Watchdog
from foundation.clock import Clock
from foundation.database import Database, Lane, on_lane
from foundation.ids import ContactId, ConversationId

log = structlog.get_logger(__name__)

TURN_DEADLINE = 15.0
"""Seconds the brain has for a turn; then the user gets a person."""
PATIENCE = 15.0
"""Seconds a turn may wait, its time with the brain included; then the user gets a person."""
SLOTS = 16
"""Turns at work at the same time. Rasa works on one at a time, but waits for applications in many."""
SLOTS_EACH = 4
"""Turns of one user at work at the same time."""
QUEUE = 1000
"""Conversations held in memory that wait for a slot; the others wait in the database."""
QUEUE_EACH = 20
"""The same for one user."""
_AGAIN = 0.5
"""Seconds until the database is tried again."""
_NOT_SOONER = 0.05
"""Seconds between two looks for what waits in the database, even when there is room at once."""
_LET_GO = 2.0


class TurnRunner:
    """Works off the pending turns of all conversations, in this process."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        brain: Brain,
        handoffs: Handoffs,
        clock: Clock,
        *,
        observer: TurnObserver | None = None,
        deadline: float = TURN_DEADLINE,
        patience: float = PATIENCE,
    ) -> None:
        self._database = database
        self._brain = brain
        self._clock = clock
        self._deadline = deadline
        self._leases = Leases(database, clock)
        self._answering = Answering(self._leases.runner, conversations, brain, handoffs, clock, observer)
        self._patience = Patience(clock, patience)
        self._watchdog = Watchdog(database, self._leases, self._answering, self._patience, clock)
        self._queue = FairQueue(most=QUEUE, most_each=QUEUE_EACH, working_each=SLOTS_EACH)
        self._active: dict[ConversationId, asyncio.Task[None]] = {}
        self._again: set[ConversationId] = set()
        self._look_now = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        """Begin to keep leases, to take up what is left in the database and to watch over what waits."""
        loops = (self._keep_leases, self._give_back, self._take_up_left, self._watchdog.run)
        # None of these may wait behind the turns that they look after.
        with on_lane(Lane.RESERVED):
            self._background = [asyncio.create_task(loop()) for loop in loops]

    async def stop(self) -> None:
        """Stop; turns under way are left to the next runner."""
        self._stopping = True
        tasks = [*self._background, *self._active.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._leases.given_up.is_set():
            # Otherwise the next runner waits for the leases to end.
            with contextlib.suppress(Exception), on_lane(Lane.RESERVED):
                async with asyncio.timeout(_LET_GO):
                    await self._leases.release()

    def schedule(self, conversation_id: ConversationId, contact_id: ContactId) -> None:
        """See to it that the pending turns of a contact's conversation are run."""
        if conversation_id in self._active:
            self._again.add(conversation_id)
        elif not self._stopping:
            self._queue.offer(conversation_id, contact_id)
            self._fill_slots()

    def _fill_slots(self) -> None:
        while len(self._active) < SLOTS and (following := self._queue.take()) is not None:
            conversation_id, contact_id = following
            with on_lane(Lane.TURNS):
                task = asyncio.create_task(self._work(conversation_id, contact_id))
            self._active[conversation_id] = task
        if self._queue.hungry:
            self._look_now.set()

    async def _work(self, conversation_id: ConversationId, contact_id: ContactId) -> None:
        """Run one turn of a conversation; for the next one it stands at the end of its user's line again."""
        more = False
        try:
            async with self._leases.claimed(conversation_id) as turn:
                if turn is not None:
                    seconds = min(self._deadline, self._patience.left(turn))
                    async with asyncio.timeout(seconds + CONCLUDE_SECONDS):
                        await self._answering.run(turn, seconds)
                    more = True
        except Exception as error:
            self._interrupted(conversation_id, error)
        finally:
            del self._active[conversation_id]
            self._queue.done(contact_id)
            more = conversation_id in self._again or more
            self._again.discard(conversation_id)
            if not self._stopping:
                if more:
                    self._queue.offer(conversation_id, contact_id)
                self._fill_slots()

    def _interrupted(self, conversation_id: ConversationId, error: Exception) -> None:
        self._patience.failed(error)
        log.warning("turn_interrupted", conversation=conversation_id, reason=type(error).__name__)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            if self._leases.held:
                await self._patience.tried(self._leases.keep)

    async def _give_back(self) -> None:
        while True:
            await self._leases.given_up.wait()
            released = await self._patience.tried(self._leases.release)
            if released:
                self._look_now.set()
            await asyncio.sleep(_AGAIN if released is None else _NOT_SOONER)

    async def _take_up_left(self) -> None:
        await self._wait_for_brain()
        while True:
            self._look_now.clear()
            seen = await self._patience.tried(self._look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT if seen is not None else _AGAIN):
                    await self._look_now.wait()
            await asyncio.sleep(_NOT_SOONER)

    async def _look(self) -> int:
        self._queue.hungry = False
        async with self._database.connect() as connection:
            left = await turn_storage.waiting_conversations(
                connection, self._clock.now(), each=QUEUE_EACH, limit=QUEUE
            )
        for conversation_id, contact_id in left:
            if conversation_id not in self._active:
                self.schedule(conversation_id, contact_id)
        return len(left)

    async def _wait_for_brain(self) -> None:
        # After a restart the brain may still be loading; turns left behind deserve its answer, not a person.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not await self._brain.ready():  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.5)
