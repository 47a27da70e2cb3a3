"""The triggers: data/policies/triggers.yml, checked strictly, and read again when it changes."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from actions.triggers.domain import Condition, EventType, Offer, OfferKind, OfferLimits, Policy, Trigger
from foundation import strict_yaml
from foundation.errors import InvalidInput

log = structlog.get_logger(__name__)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
Step = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,62}$")]
Page = Annotated[str, Field(pattern=r"^/[^\s?#]{0,199}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z]{2,8}-[0-9]{3,6}$")]
Words = Annotated[str, Field(min_length=8, max_length=200)]


class TriggersInvalid(InvalidInput):
    """The file cannot be used; the message names every problem with its place."""

    code = "triggers_invalid"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ConditionIn(_Strict):
    """What an event must be."""

    event: EventType
    step: Step | None = None
    code: Code | None = None
    page: Page | None = None


class OfferIn(_Strict):
    """What is offered."""

    kind: OfferKind
    text: Words
    label: Annotated[str, Field(min_length=2, max_length=40)] = "Help me with it"
    intent: Name | None = None
    article: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,79}$")] | None = None
    step: Step | None = None
    steps: Annotated[list[Words], Field(max_length=8)] = []

    @model_validator(mode="after")
    def _complete(self) -> "OfferIn":
        needs = {"workflow": "intent", "article": "article", "tooltip": "step", "tutorial": "steps"}
        name = needs.get(self.kind)
        if name is not None and not getattr(self, name):
            raise ValueError(f"an offer of kind {self.kind} needs `{name}`")
        return self


class TriggerIn(_Strict):
    """One rule: `when` (one condition), `sequence` (several in order) or `loop` (pages in a circle)."""

    id: Name
    when: ConditionIn | None = None
    sequence: Annotated[list[ConditionIn], Field(min_length=2, max_length=6)] | None = None
    loop: Annotated[list[Page], Field(min_length=2, max_length=5)] | None = None
    count: Annotated[int, Field(ge=1, le=30)] = 1
    within: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    cool_down: Annotated[float, Field(ge=0, le=2_592_000)] = 3600.0
    offer: OfferIn

    @model_validator(mode="after")
    def _one_pattern(self) -> "TriggerIn":
        if sum(value is not None for value in (self.when, self.sequence, self.loop)) != 1:
            raise ValueError("give exactly one of when, sequence and loop")
        return self


class LimitsIn(_Strict):
    """How much may be offered to one user."""

    per_hour: Annotated[int, Field(ge=0, le=20)] = 2
    dismissals: Annotated[int, Field(ge=1, le=10)] = 2
    rest: Annotated[float, Field(ge=0, le=2_592_000)] = 86_400.0
    ignored_after: Annotated[float, Field(ge=5, le=3600)] = 120.0


class FileIn(_Strict):
    """The file."""

    enabled: bool = True
    limits: LimitsIn = LimitsIn()
    triggers: Annotated[list[TriggerIn], Field(max_length=200)]


def parse_policy(raw: bytes, intents: Collection[str] | None = None) -> Policy:
    """Read the policy; with `intents`, offers of workflows must lead to one of them.

    Raises:
        TriggersInvalid: naming every problem.
    """
    try:
        content = strict_yaml.load(raw, "triggers.yml").value
    except InvalidInput as error:
        raise TriggersInvalid(error.message) from None
    try:
        file = FileIn.model_validate(_whole_numbers(content))
    except ValidationError as error:
        raise TriggersInvalid("The triggers cannot be used. " + " ".join(_problems(error))) from None
    ids = [trigger.id for trigger in file.triggers]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise TriggersInvalid(f"The triggers cannot be used. Two have the id {twice[0]}.")
    asked = [(one.id, one.offer.intent) for one in file.triggers if one.offer.intent]
    if intents is not None and (lost := [one for one in asked if one[1] not in intents]):
        words = " ".join(f"{name}: no intent is called {intent}." for name, intent in lost)
        raise TriggersInvalid(f"The triggers cannot be used. {words}")
    return Policy(
        file.enabled,
        OfferLimits(**file.limits.model_dump()),
        tuple(_trigger(trigger) for trigger in file.triggers),
        hashlib.sha256(raw).hexdigest()[:12],
    )


def _whole_numbers(content: Any) -> Any:
    """Strict numbers refuse 300 for 300.0; YAML writes seconds without a point."""
    if isinstance(content, dict):
        return {
            name: float(value)
            if name in ("within", "cool_down", "rest", "ignored_after") and type(value) is int
            else _whole_numbers(value)
            for name, value in content.items()
        }
    return [_whole_numbers(value) for value in content] if isinstance(content, list) else content


def _problems(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(str(step) for step in e['loc']) or 'file'}: {e['msg']}." for e in found[:20]]


def _trigger(given: TriggerIn) -> Trigger:
    if given.when is not None:
        conditions = [Condition(**given.when.model_dump())]
    elif given.sequence is not None:
        conditions = [Condition(**one.model_dump()) for one in given.sequence]
    else:
        conditions = [Condition("page_view", page=page) for page in given.loop or ()]
    offer = given.offer.model_dump()
    offer["steps"] = tuple(offer["steps"])
    return Trigger(given.id, tuple(conditions), given.count, given.within, given.cool_down, Offer(**offer))


class TriggerPolicyFile:
    """The policy, read again when its file has changed; a broken file leaves the last good one."""

    def __init__(self, path: Path, intents: Collection[str] | None = None) -> None:
        self._path = path
        self._intents = intents
        self._stamp: tuple[int, int] | None = None
        self._policy = Policy(False, OfferLimits(), (), "none")
        self.problem: str | None = None

    def current(self) -> Policy:
        """Return the policy as it is now; switched off when there never was a good one."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._stamp = stamp
                self._policy = parse_policy(self._path.read_bytes(), self._intents)
                self.problem = None
        except OSError:
            self._stamp = None
            self.problem = "The file of the triggers cannot be read."
        except TriggersInvalid as error:
            self.problem = error.message
            log.warning("triggers_invalid", problem=error.message)
        return self._policy
