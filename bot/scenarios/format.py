"""The form of a scenario. Every key has a description, of which the docs are made."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from bot.scenarios.expectations import (
    Buttons,
    Card,
    Expect,
    Form,
    Outcomes,
    Pattern,
    Text,
    Texts,
    Words,
    Yes,
    one_or_many,
)

FAULT_KINDS = ("error", "hang", "hang_after", "lie")
MAX_STEPS = 60
_BARE = ("changed", "unchanged", "exists", "missing")


class Faults(Form):
    """How the host application misbehaves, for this user only."""

    on: dict[str, dict[str, Annotated[float, Field(ge=0, le=1)]]] = Field(
        description="by operation, or `state`, `operations`, `lookup`, or `*` for the rest: `error` (fails), "
        "`hang` (does nothing, answers late), `hang_after` (does it, answers late) or `lie` (claims success, "
        "does nothing); a word means always, `{lie: 0.5}` every other time"
    )
    hang_seconds: Annotated[float, Field(ge=0, le=120)] = Field(default=30.0, description="how late is late")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if value == "none":
            return {"on": {}}
        if not isinstance(value, Mapping) or not isinstance(value.get("on"), Mapping):
            return value
        on = {target: _rates(kind) for target, kind in value["on"].items()}
        hang = value.get("hang_seconds")
        return {**value, "on": on, **({"hang_seconds": float(hang)} if isinstance(hang, int) else {})}


def _rates(kind: Any) -> Any:
    if isinstance(kind, str):
        kind = {kind: 1.0}
    if not isinstance(kind, Mapping):
        return kind
    if unknown := [name for name in kind if name not in FAULT_KINDS]:
        raise ValueError(f'"{unknown[0]}" is no fault; there are {", ".join(FAULT_KINDS)}')
    return {name: float(rate) if isinstance(rate, int) else rate for name, rate in kind.items()}


class Must(Form):
    """What a field of the state must be. Several may be given; all must hold."""

    equals: Any = Field(default=None, description="has this value")
    is_not: Any = Field(default=None, alias="not", description="has another value than this")
    one_of: list[Any] = Field(default=[], description="has one of these values")
    changed: Yes | None = Field(default=None, description="`true`: differs from what it was at the start")
    unchanged: Yes | None = Field(default=None, description="`true`: is what it was at the start")
    exists: StrictBool | None = Field(
        default=None, description="`true`: is there and not null; `false`: is not there, or is null"
    )
    less_than: int | float | str | None = Field(
        default=None, description="is less; texts such as dates are compared as texts"
    )
    at_most: int | float | str | None = Field(default=None, description="is less or the same")
    more_than: int | float | str | None = Field(default=None, description="is more")
    at_least: int | float | str | None = Field(default=None, description="is more or the same")
    contains: Any = Field(default=None, description="a text holds this text, or a list this entry")
    not_contains: Any = Field(default=None, description="a text or a list does not hold this")
    matches: Pattern | None = Field(default=None, description="this regular expression is found in the text")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if value in _BARE and isinstance(value, str):
            raise ValueError(
                f"a plain value means equality; for the rule write {{{value}: true}}, "
                f"for the word {{equals: {value}}}"
            )
        return value if isinstance(value, Mapping) else {"equals": value}

    @model_validator(mode="after")
    def _something(self) -> "Must":
        if not self.model_fields_set:
            raise ValueError("say what it must be, such as {equals: active} or {changed: true}")
        return self


class Until(Form):
    """Waits for the host application to come to a state, such as a repair that runs by itself."""

    state: dict[str, Must] = Field(description="fields, as under `end`")
    within: Annotated[int, Field(ge=1, le=120)] = Field(default=20, description="seconds to wait at most")


class Page(Form):
    """The page the user is on when the conversation begins."""

    url: str = Field(default="", max_length=2000, description="its address")
    title: str = Field(default="", max_length=300, description="its title")


class Step(Form):
    """One thing that happens. Exactly one of the keys but `expect`."""

    say: Text | None = Field(default=None, description="the user writes this")
    choose: Text | None = Field(
        default=None, description="the user presses the button with this title (`*` stands for any text)"
    )
    ask_for_person: Yes | None = Field(
        default=None, description="`true`: the user presses the widget's hand-off"
    )
    confirm_second_factor: Yes | None = Field(
        default=None, description="`true`: the user confirms with the second factor in the host application"
    )
    host: dict[str, Any] | None = Field(
        default=None, description="the state in the host application changes, in the words of its parts"
    )
    faults: Faults | None = Field(
        default=None, description="the host application begins to misbehave for this user; `none`: it stops"
    )
    until: Until | None = Field(default=None, description="wait until the host application shows this")
    new_conversation: Yes | None = Field(
        default=None, description="`true`: the user begins another conversation; `end` then looks at that one"
    )
    expect: Expect | None = Field(
        default=None, description="what the turn brings; only with `say`, `choose` and `ask_for_person`"
    )

    @property
    def action(self) -> str:
        """The key that says what happens."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one_action(self) -> "Step":
        given = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            which = f"has {' and '.join(given)}" if given else "has none of them"
            raise ValueError(f"a step has exactly one of {', '.join(ACTIONS)}; this one {which}")
        if self.expect is not None and given[0] not in SPOKEN:
            raise ValueError(f"expect goes with {', '.join(SPOKEN)}; nothing is answered to {given[0]}")
        return self


SPOKEN = ("say", "choose", "ask_for_person")
ACTIONS = tuple(name for name in Step.model_fields if name != "expect")


class Ran(Form):
    """An operation that support ran: its name, and how it ended where that matters."""

    operation: Text = Field(description="its name")
    status: Literal["done", "accepted", "refused", "failed"] | None = Field(
        default=None, description="how the host application answered"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"operation": value}
        if isinstance(value, Mapping) and len(value) == 1 and "operation" not in value:
            name, status = next(iter(value.items()))
            return {"operation": name, "status": status}
        return value


RanList = Annotated[list[Ran], BeforeValidator(one_or_many)]


class Operations(Form):
    """What support ran on the host application, by the application's own record."""

    exactly: RanList | None = Field(
        default=None, description="these and no others, in this order; `[]`: nothing was run"
    )
    include: RanList = Field(default=[], description="each of these was run")
    at_most: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={}, description="by operation, how often it may have run"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"exactly": value} if isinstance(value, str | list) else value


class Attempted(Form):
    """An attempt in the log."""

    name: Text | None = Field(default=None, description="the workflow, or the reason of a hand-off")
    kind: Literal["workflow", "answer", "fallback", "handoff", "trigger", "healing"] | None = Field(
        default=None, description="what kind of attempt it was"
    )
    outcome: Outcomes = Field(description="its outcome, or several of which one must hold")


class End(Form):
    """What must be so after the last step."""

    state: dict[str, Must] = Field(
        default={}, description="fields of the host application's state by path; a plain value means equality"
    )
    operations: Operations | None = Field(
        default=None, description="the operations that support ran; a list is `exactly`"
    )
    attempts: list[Attempted] = Field(default=[], description="attempts that the log must hold, each once")
    outcome: Outcomes | None = Field(
        default=None, description="what the conversation comes to, or several of which one must hold"
    )
    handed_off: StrictBool | None = Field(
        default=None, description="whether the conversation belongs to people at the end"
    )


class Never(Form):
    """What must not happen, in any turn."""

    operations: Texts = Field(
        default=[], description="operations that must not be asked for, with any result"
    )
    texts: Texts = Field(default=[], description="texts that the assistant must not say")
    changes: Texts = Field(
        default=[], description="parts and fields of the state that must stay as they were"
    )
    handed_off: Yes | None = Field(
        default=None, description="`true`: the user must not be handed to a person"
    )


class User(Form):
    """The user, made for this scenario and removed afterwards."""

    like: Text = Field(default="hana", description="the sample user to start from")
    name: Text | None = Field(default=None, max_length=80, description="another name")
    state: dict[str, Any] = Field(
        default={}, description="what differs from the sample: fields by part; a list replaces the whole list"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"like": value} if isinstance(value, str) else value


class Scenario(Form):
    """A conversation and what it must come to."""

    scenario: Text = Field(max_length=150, description="its name, different from all others")
    about: str = Field(default="", description="why it exists, for people")
    tags: Texts = Field(default=[], description="words to choose scenarios by")
    user: User = Field(default=User(), description="who talks; a text is `like`")
    page: Page = Field(default=Page(), description="where the user is when the conversation begins")
    steps: Annotated[list[Step], Field(min_length=1, max_length=MAX_STEPS)] = Field(
        description="what happens"
    )
    end: End = Field(default=End(), description="what must be so at the end")
    never: Never = Field(default=Never(), description="what must not happen")

    @model_validator(mode="after")
    def _something_is_checked(self) -> "Scenario":
        checked = any(step.expect or step.until for step in self.steps)
        if not checked and not self.end.model_fields_set and not self.never.model_fields_set:
            raise ValueError("nothing is checked: give expect in a step, end, or never")
        return self


FORMS: tuple[type[Form], ...] = (
    Scenario, User, Page, Step, Expect, Words, Buttons, Card, Faults, Until, End, Must, Operations, Ran,
    Attempted, Never,
)  # fmt: skip
