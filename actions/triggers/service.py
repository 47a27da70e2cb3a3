"""Takes in behaviour, and makes the offers that the policy calls for and the user's patience allows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from actions.triggers import storage
from actions.triggers.domain import BehaviourEvent, Fired, MadeOffer, Outcome, may_offer
from actions.triggers.evaluator import Evaluator
from actions.triggers.policy import TriggerPolicyFile
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import NotFound
from foundation.ids import new_id

log = structlog.get_logger(__name__)
TAKEN_FOR = timedelta(hours=1)
"""How long after an offer was taken its choice may be sent: through a connection that was away, too."""


class WithPerson(Protocol):
    """Knows whether a user talks to a person."""

    async def __call__(self, host: str, user_ref: str) -> bool:
        """Return whether a person has a conversation of theirs, or they wait for one."""
        ...


class ShowArticle(Protocol):
    """Gives the card of an article that readers may see."""

    async def __call__(self, article_id: str) -> Mapping[str, Any] | None:
        """Return the card, or None when there is no such article."""
        ...


@dataclass(frozen=True)
class TriggerCount:
    """What became of one trigger's offers."""

    trigger: str
    offers: int
    accepted: int
    dismissed: int
    ignored: int
    open: int


class Triggers:
    """Behaviour in, offers out. Windows are in memory, offers and their outcomes in PostgreSQL."""

    def __init__(
        self,
        policy: TriggerPolicyFile,
        database: Database,
        attempts: AttemptLog,
        clock: Clock,
        with_person: WithPerson,
        show_article: ShowArticle,
    ) -> None:
        self._file = policy
        self._database = database
        self._attempts = attempts
        self._clock = clock
        self._with_person = with_person
        self._show_article = show_article
        self._policy = policy.current()
        self._evaluator = Evaluator(self._policy.triggers)

    @property
    def problem(self) -> str | None:
        """What is wrong with the file, or None."""
        return self._file.problem

    async def receive(self, host: str, user_ref: str, events: Sequence[BehaviourEvent]) -> list[MadeOffer]:
        """Take a user's events; returns the offers to show now, at most one.

        A page that has just been opened is told again of what was offered on the one before.
        """
        policy = self._file.current()
        if policy.fingerprint != self._policy.fingerprint:
            self._policy, self._evaluator = policy, Evaluator(policy.triggers)
        if not policy.enabled:
            return []
        fired = [one for event in events for one in self._evaluator.feed(event)]
        for one in fired:
            offer = await self._offer(host, user_ref, one)
            if offer is not None:
                return [offer]
        if any(event.type == "page_view" for event in events):
            return await self._still_open(host, user_ref)
        return []

    def seconds_left(self, offer: MadeOffer) -> float:
        """How long an offer is still good for."""
        age = (self._clock.now() - offer.created_at).total_seconds()
        return max(0.0, self._policy.limits.ignored_after - age)

    async def _still_open(self, host: str, user_ref: str) -> list[MadeOffer]:
        since = self._clock.now() - timedelta(seconds=self._policy.limits.ignored_after)
        async with self._database.connect() as connection:
            offer = await storage.unanswered(connection, host, user_ref, since)
        return [] if offer is None or await self._with_person(host, user_ref) else [offer]

    def forget(self, user: str) -> None:
        """Forget what a user did: consent was withdrawn."""
        self._evaluator.forget(user)

    async def _offer(self, host: str, user_ref: str, fired: Fired) -> MadeOffer | None:
        if await self._with_person(host, user_ref):
            return None
        content = await self._content(fired)
        if content is None:
            return None
        now = self._clock.now()
        made = MadeOffer(
            id=new_id("ofr"),
            host=host,
            user_ref=user_ref,
            trigger=fired.trigger.id,
            offer=content,
            policy=self._policy.fingerprint,
            outcome=None,
            created_at=now,
            evidence={"events": fired.events},
        )
        async with self._database.begin() as tx:
            await storage.hold_user(tx, host, user_ref)
            before = await storage.earlier(tx, host, user_ref, made.trigger)
            if not may_offer(fired.trigger, self._policy.limits, before, now.timestamp()):
                return None
            await storage.insert(tx, made)
        await self._log(made)
        return made

    async def _content(self, fired: Fired) -> dict[str, Any] | None:
        """What is shown; None when the article that it is about is not there to be read."""
        offer = fired.trigger.offer
        content = {name: value for name, value in asdict(offer).items() if value}
        if offer.article is None:
            return content
        card = await self._show_article(offer.article)
        if card is None:
            log.warning("offered_article_missing", trigger=fired.trigger.id, article=offer.article)
            return None
        return {**content, "card": dict(card)}

    async def _log(self, made: MadeOffer) -> str:
        """One attempt an offer, however often this runs; it waits until the user has answered."""
        attempt = await self._attempts.record(
            NewAttempt(
                "", made.id, made.user_ref, made.host, "trigger", made.trigger, read=dict(made.evidence)
            )
        )
        async with self._database.begin() as tx:
            await storage.set_attempt(tx, made.id, attempt.id)
        return attempt.id

    async def whose(self, offer_id: str) -> tuple[str, str] | None:
        """Return host and reference of an offer's user; None when there is no such offer."""
        async with self._database.connect() as connection:
            return await storage.offer_user(connection, offer_id)

    async def decide(self, offer_id: str, outcome: Outcome) -> MadeOffer:
        """Note what its user made of an offer. Raises NotFound when there is no such offer."""
        async with self._database.begin() as tx:
            offer = await storage.decide(tx, offer_id, outcome, self._clock.now())
        if offer is None:
            raise NotFound("There is no such offer.", hint="It may have been made to somebody else.")
        await self._close(offer)
        return offer

    async def offered(self, host: str, user_ref: str, choice: str) -> bool:
        """Tell whether a choice such as `/unlock_account` is an offer that the user has just taken."""
        since = self._clock.now() - TAKEN_FOR
        async with self._database.connect() as connection:
            return await storage.was_accepted(connection, host, user_ref, choice.removeprefix("/"), since)

    async def ignore_old(self) -> int:
        """Mark as ignored what nobody answered; to be called from time to time."""
        now = self._clock.now()
        before = now - timedelta(seconds=self._policy.limits.ignored_after)
        async with self._database.begin() as tx:
            ignored = await storage.ignore_old(tx, before, now)
        for offer in ignored:
            await self._close(offer)
        return len(ignored)

    async def _close(self, offer: MadeOffer) -> None:
        if offer.outcome is None:
            return
        # A process that died between the offer and its attempt leaves the offer without one.
        attempt = offer.attempt_id or await self._log(offer)
        accepted = offer.outcome == "accepted"
        ending = Ending(offer.id, "assumed" if accepted else "abandoned", done={"answer": offer.outcome})
        await self._attempts.finish(attempt, ending)

    async def counts(self, since: datetime | None = None) -> list[TriggerCount]:
        """Return what became of each trigger's offers; triggers of the policy without any are there too."""
        async with self._database.connect() as connection:
            rows = await storage.counts(connection, since)
        names = dict.fromkeys([*(one.id for one in self._file.current().triggers), *(row[0] for row in rows)])
        return [_counted(name, rows) for name in names]


def _counted(name: str, rows: list[tuple[str, str | None, int]]) -> TriggerCount:
    own: dict[Any, int] = {outcome: number for trigger, outcome, number in rows if trigger == name}
    return TriggerCount(
        name, sum(own.values()), own.get("accepted", 0), own.get("dismissed", 0), own.get("ignored", 0),
        own.get(None, 0),
    )  # fmt: skip
