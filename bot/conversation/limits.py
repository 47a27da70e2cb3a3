"""How much one user may do, so that nobody takes the assistant, the agents or the database from others.

A user is a host and its own name for them. Rates are shared by all apps (`foundation.rates`); what is
held or dropped at the moment is this app's own (`foundation.crowding`). Values: data/policies/limits.yml.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from limits import RateLimitItem

from bot.conversation.limit_policy import LimitPolicy
from foundation.crowding import Bucket, Full, Lanes, Places
from foundation.errors import RateLimited
from foundation.http import Caller
from foundation.rates import Rates

log = structlog.get_logger(__name__)
_REMEMBERED = 20_000
_STAFF_SOCKETS = 100
_SOON = 5
"""Seconds after which to try again where nothing says when a place becomes free."""
HangUp = Callable[[], Awaitable[None]]


class UserLimits:
    """Decides for a caller; each check raises `RateLimited`, which says how long to wait."""

    def __init__(
        self,
        policy: LimitPolicy | None = None,
        rates: Rates | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `rates` the counts are this process's own."""
        self.policy = policy or LimitPolicy()
        self._rates = rates or Rates(None)
        self._now = now
        sockets, calls = self.policy.sockets, self.policy.calls
        self._calls: OrderedDict[str, Bucket] = OrderedDict()
        self._lanes = Lanes(calls.at_once, calls.waiting)
        self._person_lanes = Lanes(1, None)
        self._polls = Places(calls.polls_at_once)
        self._sockets = Places(sockets.at_once, sockets.in_all)
        self._staff_sockets = Places(_STAFF_SOCKETS)
        self._unknown: OrderedDict[int, HangUp] = OrderedDict()
        self._typists: OrderedDict[str, Bucket] = OrderedDict()
        self._signs: OrderedDict[tuple[str, str], tuple[bool, float]] = OrderedDict()

    # How often.

    async def conversation(self, caller: Caller) -> None:
        """Count a new conversation."""
        await self._check(
            caller,
            "conversation",
            self.policy.conversations.items,
            "You have begun many conversations in a short time.",
            "Go on in one of them, or begin another one later.",
        )

    async def message(self, caller: Caller) -> None:
        """Count a message."""
        await self._check(
            caller,
            "message",
            self.policy.messages.items,
            "You are sending messages faster than they can be read.",
            "Send this one again after the time in Retry-After, with the same key; nothing of it is lost.",
        )

    async def feedback(self, caller: Caller) -> None:
        """Count a feedback."""
        await self._check(
            caller,
            "feedback",
            self.policy.feedback.items,
            "That is much feedback in a short time.",
            "Send it again after the time in Retry-After.",
        )

    async def person(self, caller: Caller) -> RateLimited | None:
        """Count a call for a person; gives the refusal back, since who has no case yet is never refused."""
        try:
            await self._check(
                caller,
                "person",
                self.policy.persons.items,
                "A person has your request already.",
                "You keep your place in the queue; write in that conversation if there is more to say.",
            )
        except RateLimited as refusal:
            return refusal
        return None

    async def _check(
        self, caller: Caller, what: str, items: tuple[RateLimitItem, ...], words: str, hint: str
    ) -> None:
        seconds = await self._rates.take(items, what, _key(caller))
        if seconds is not None:
            log.info("user_limited", limit=what, user=_key(caller), seconds=seconds)
            raise RateLimited(words, retry_after=seconds, hint=hint)

    # How much at the same moment.

    @asynccontextmanager
    async def lane(self, caller: Caller) -> AsyncIterator[None]:
        """Hold one of the user's few ways to the database; a call more waits, and too many are refused."""
        key, calls = _key(caller), self.policy.calls
        if (seconds := self._bucket(self._calls, key, calls.per_second, calls.burst).take()) > 0:
            raise RateLimited(
                "You are calling very often.",
                retry_after=math.ceil(seconds),
                hint="Wait for news with `wait=`, or open the WebSocket.",
            )
        try:
            async with self._lanes.through(key):
                yield
        except Full:
            raise RateLimited(
                "Too many of your calls wait already.", retry_after=1, hint="Make fewer at the same time."
            ) from None

    @asynccontextmanager
    async def person_lane(self, caller: Caller) -> AsyncIterator[None]:
        """One call of a user for a person at a time: the second finds the case that the first has opened."""
        async with self._person_lanes.through(_key(caller)):
            yield

    @contextmanager
    def poll(self, caller: Caller) -> Iterator[None]:
        """Hold a place for waiting for news."""
        yield from _place(self._polls, caller, "Too many of your calls wait for news already.")

    @contextmanager
    def socket(self, caller: Caller) -> Iterator[None]:
        """Hold a place for an open socket or stream; staff are not kept out by users."""
        places = self._staff_sockets if caller.kind == "staff" else self._sockets
        yield from _place(places, caller, "Too many connections are open.")

    @contextmanager
    def unknown_socket(self, hang_up: HangUp) -> Iterator[list[HangUp]]:
        """Hold a place for a socket that has not said whose it is; gives those to hang up on to make room."""
        token = id(hang_up)
        self._unknown[token] = hang_up
        evicted = []
        while len(self._unknown) > self.policy.sockets.unknown:
            evicted.append(self._unknown.popitem(last=False)[1])
        try:
            yield evicted
        finally:
            self._unknown.pop(token, None)

    def frames(self) -> Bucket:
        """The tokens of one socket's frames."""
        sockets = self.policy.sockets
        return Bucket(sockets.frames_per_second, sockets.frames_burst, now=self._now)

    def passes_typing(self, caller: Caller, conversation_id: str, active: bool) -> bool:
        """Tell whether a sign of typing is to be passed on; if not, it is dropped without a word."""
        key, now, typing = _key(caller), self._now(), self.policy.typing
        last = self._signs.get((key, conversation_id))
        if last is not None and last[0] == active and now - last[1] < typing.repeat_after:
            return False
        if self._bucket(self._typists, key, typing.per_second, typing.burst).take() > 0:
            return False
        self._signs[key, conversation_id] = (active, now)
        self._signs.move_to_end((key, conversation_id))
        if len(self._signs) > _REMEMBERED:
            self._signs.popitem(last=False)
        return True

    def _bucket(
        self, kept: "OrderedDict[str, Bucket]", key: str, per_second: float, at_once: float
    ) -> Bucket:
        """A user's bucket; the one that was longest unused is forgotten, full as it must be."""
        bucket = kept.get(key)
        if bucket is None:
            bucket = kept[key] = Bucket(per_second, at_once, now=self._now)
            if len(kept) > _REMEMBERED:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return bucket


def _place(places: Places, caller: Caller, words: str) -> Iterator[None]:
    held = places.hold(_key(caller))
    try:
        held.__enter__()
    except Full:
        raise RateLimited(words, retry_after=_SOON, hint="Close one, or try again in a moment.") from None
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _key(caller: Caller) -> str:
    """A caller's name in keys and logs: not who it is, and always of the same length."""
    return hashlib.sha256(f"{caller.kind}\0{caller.id}".encode()).hexdigest()[:20]
