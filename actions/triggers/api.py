"""Behaviour and offers over HTTP."""

import time
from collections import OrderedDict
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from actions.permissions import AutomationAction, users_own
from actions.triggers.domain import BehaviourEvent, EventType, MadeOffer, Outcome
from actions.triggers.policy import Code, Page, Step
from actions.triggers.service import Triggers
from foundation.clock import Clock
from foundation.errors import Forbidden, RateLimited
from foundation.http import Call, Endpoint, Reply
from foundation.http.fields import id_field

MAX_EVENTS = 50
MAX_AGE = 3600.0
"""Seconds that an event may be old; older ones are taken for as old as that."""
_BATCHES = 30
"""Batches of one user in a minute."""
_REMEMBERED = 20_000


class EventIn(BaseModel):
    """Something that the user did or saw; `id` makes sending again harmless."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    type: EventType
    at: AwareDatetime
    step: Step | None = None
    code: Code | None = None
    page: Page | None = None


class BehaviourIn(BaseModel):
    """A batch. Without consent nothing is taken; `false` also forgets what was there."""

    model_config = ConfigDict(extra="forbid")
    consent: Annotated[bool, Field(strict=True)]
    events: Annotated[list[EventIn], Field(max_length=MAX_EVENTS)] = []
    sent_at: AwareDatetime | None = None
    """By the page's clock, which may be wrong; all times of the batch are put right by it."""


class OfferOut(BaseModel):
    """An offer to show."""

    id: str
    trigger: str
    kind: Literal["tooltip", "article", "workflow", "tutorial", "person"]
    text: str
    label: str
    intent: str | None = None
    article: str | None = None
    card: dict[str, Any] | None = None
    """The article's, as in a conversation."""
    step: str | None = None
    steps: list[str] = []
    seconds: float = 0.0
    """How long it is still good for."""


class BehaviourOut(BaseModel):
    """How many events were taken, and what to offer now."""

    accepted: int
    offers: list[OfferOut]


class AnswerIn(BaseModel):
    """What the user made of an offer."""

    model_config = ConfigDict(extra="forbid")
    outcome: Outcome


class CountOut(BaseModel):
    """What became of one trigger's offers."""

    model_config = ConfigDict(from_attributes=True)
    trigger: str
    offers: int
    accepted: int
    dismissed: int
    ignored: int
    open: int


class TriggersOut(BaseModel):
    """All triggers; `problem` says what is wrong with the file, if anything is."""

    triggers: list[CountOut]
    problem: str | None


class TriggersApi:
    """Endpoints."""

    def __init__(self, triggers: Triggers, clock: Clock) -> None:
        self._triggers = triggers
        self._clock = clock
        self._batches: OrderedDict[str, list[float]] = OrderedDict()

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        tags = ("predictive help",)
        return [
            Endpoint("POST", "/api/v1/behaviour", self.receive, AutomationAction.TELL_BEHAVIOUR,
                     "Tell what the user does",
                     body=BehaviourIn, response=BehaviourOut, status=202, tags=tags),
            Endpoint("POST", "/api/v1/offers/{id}/outcome", self.answer, AutomationAction.ANSWER_OFFER,
                     "Say what the user made of an offer", body=AnswerIn, response=OfferOut, tags=tags,
                     path_fields={"id": id_field("ofr", "the offer")}, max_body=1024),
            Endpoint("GET", "/api/v1/triggers", self.index, AutomationAction.COUNT_OFFERS,
                     "What became of offers",
                     response=TriggersOut, tags=tags),
        ]  # fmt: skip

    async def receive(self, call: Call) -> Reply:
        """Take a batch."""
        body: BehaviourIn = call.body
        host, ref = str(call.caller.host), str(call.caller.ref)
        user = f"{host}:{ref}"
        if not body.consent:
            self._triggers.forget(user)
            if body.events:
                raise Forbidden("Behaviour is taken with the user's consent only.", hint="Ask for it first.")
            return Reply(BehaviourOut(accepted=0, offers=[]), status=202)
        self._hold_back(user)
        events = _events(body, user, self._clock.now().timestamp())
        offers = await self._triggers.receive(host, ref, events)
        shown = [self._out(one) for one in offers]
        return Reply(BehaviourOut(accepted=len(events), offers=shown), status=202)

    async def answer(self, call: Call) -> OfferOut:
        """Note an answer."""
        body: AnswerIn = call.body
        offer = call.path["id"]
        call.authorize(users_own("offer", offer, await self._triggers.whose(offer)))
        return self._out(await self._triggers.decide(offer, body.outcome))

    async def index(self, _: Call) -> TriggersOut:
        """List triggers with counts."""
        rows = [CountOut.model_validate(one) for one in await self._triggers.counts()]
        return TriggersOut(triggers=rows, problem=self._triggers.problem)

    def _hold_back(self, user: str) -> None:
        """A page that runs wild is told to wait; the count is this process's own."""
        now = time.monotonic()
        recent = [at for at in self._batches.pop(user, []) if now - at < 60]
        if len(recent) >= _BATCHES:
            self._batches[user] = recent
            raise RateLimited("That is too much behaviour in a minute.", retry_after=60)
        self._batches[user] = [*recent, now]
        if len(self._batches) > _REMEMBERED:
            self._batches.popitem(last=False)

    def _out(self, made: MadeOffer) -> OfferOut:
        content: dict[str, Any] = {"label": "", **made.offer}
        left = self._triggers.seconds_left(made)
        return OfferOut(id=made.id, trigger=made.trigger, seconds=left, **content)


def _events(body: BehaviourIn, user: str, now: float) -> list[BehaviourEvent]:
    """The events of a batch in our time, none later than now and none older than `MAX_AGE`."""
    skew = now - body.sent_at.timestamp() if body.sent_at else 0.0
    moments = (min(now, max(now - MAX_AGE, one.at.timestamp() + skew)) for one in body.events)
    return [
        BehaviourEvent(one.id, one.type, user, at, one.step, one.code, one.page)
        for one, at in zip(body.events, moments, strict=True)
    ]
