"""What a turn must bring, and what all forms of a scenario file have in common."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from foundation.outcomes import ConversationOutcome


def one_or_many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from None
    return text


Text = Annotated[str, BeforeValidator(number_as_text), Field(min_length=1, max_length=4000)]
Texts = Annotated[list[Text], BeforeValidator(one_or_many), Field(max_length=50)]
Pattern = Annotated[Text, AfterValidator(_is_pattern)]
Patterns = Annotated[list[Pattern], BeforeValidator(one_or_many), Field(max_length=50)]
Yes = Literal[True]
Outcomes = Annotated[list[ConversationOutcome], BeforeValidator(one_or_many), Field(min_length=1)]


class Form(BaseModel):
    """Base: unknown keys are refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class Words(Form):
    """What the words of one turn must hold. Case, spaces and kinds of quotes make no difference."""

    contains: Texts = Field(default=[], description="each of these is in the reply")
    any_of: Texts = Field(default=[], description="at least one of these is in the reply")
    not_contains: Texts = Field(default=[], description="none of these is in the reply")
    matches: Patterns = Field(
        default=[], description="each of these regular expressions is found in the reply"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"contains": value} if isinstance(value, str | list | int) else value


class Buttons(Form):
    """Which buttons the turn offers, by title; `*` stands for any text."""

    include: Texts = Field(default=[], description="each of these is offered")
    exclude: Texts = Field(default=[], description="none of these is offered")
    none: StrictBool = Field(default=False, description="`true`: no button at all")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"include": value} if isinstance(value, str | list) else value


class Card(Form):
    """A card that is shown with the reply; only what is given is compared, and `*` stands for any text."""

    type: Text | None = Field(
        default=None, description="`resolution` (the proof), `article`, `orders`, `step_up`"
    )
    workflow: Text | None = Field(default=None, description="the workflow that a proof is of")
    outcome: ConversationOutcome | None = Field(
        default=None, description="the outcome that a proof shows, such as `verified`"
    )
    title: Text | None = Field(default=None, description="the card's title")
    contains: Texts = Field(default=[], description="texts found anywhere in the card")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


class Expect(Form):
    """What a turn must bring."""

    reply: Words | None = Field(
        default=None, description="the assistant's words; a text or list is `contains`"
    )
    buttons: Buttons | None = Field(default=None, description="the buttons; a text or list is `include`")
    cards: Annotated[list[Card], BeforeValidator(one_or_many)] = Field(
        default=[], description="cards that must be shown; a text is a `type`"
    )
    no_card: Texts = Field(default=[], description="types of cards that must not be shown; `*`: none at all")
    handed_off: StrictBool | None = Field(
        default=None, description="whether the conversation belongs to people after this turn"
    )
    silent: StrictBool | None = Field(
        default=None, description="`true`: the assistant says nothing, since a person has the conversation"
    )
