"""The values of the limits on users, checked strictly: limits.yml in the home or in data/policies."""

from pathlib import Path
from typing import Annotated, Any

from limits import RateLimitItem, parse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from foundation import strict_yaml
from foundation.errors import InvalidInput

Rate = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{0,6} per ([1-9][0-9]{0,3} )?(second|minute|hour|day)s?$", strict=True)
]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Number = Annotated[float, Field(gt=0, le=100_000)]


class LimitsInvalid(InvalidInput):
    """The file cannot be used; the message names every problem with its place."""

    code = "limits_invalid"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rated(_Part):
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=5)]

    @property
    def items(self) -> tuple[RateLimitItem, ...]:
        """The rates as the library counts them."""
        return tuple(parse(rate) for rate in self.rates)


class ConversationLimits(_Rated):
    """New conversations; `open_at_once` counts those in use or waiting for a person."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=5)] = (
        "15 per minute",
        "60 per hour",
    )
    open_at_once: Count = 30


class MessageLimits(_Rated):
    """Messages."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=5)] = (
        "20 per 10 seconds",
        "60 per minute",
        "1200 per hour",
    )


class PersonLimits(_Rated):
    """Calls for a person by somebody who has an open case already."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=5)] = ("6 per minute", "30 per hour")
    open_cases: Count = 3


class FeedbackLimits(_Rated):
    """Feedback."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=5)] = ("30 per minute",)


class CallLimits(_Part):
    """Calls of every kind; `at_once` and `waiting` are of those that use the database."""

    per_second: Number = 40.0
    burst: Count = 200
    at_once: Count = 4
    waiting: Count = 60
    polls_at_once: Count = 10


class SocketLimits(_Part):
    """Open sockets and streams of one app."""

    at_once: Count = 10
    in_all: Count = 2000
    unknown: Count = 200
    frames_per_second: Number = 10.0
    frames_burst: Count = 30


class TypingLimits(_Part):
    """Signs that somebody types."""

    per_second: Number = 2.0
    burst: Count = 4
    repeat_after: Annotated[float, Field(ge=0, le=60)] = 2.5


class LimitPolicy(_Part):
    """All limits on one user; what a file does not name has the product's value."""

    conversations: ConversationLimits = ConversationLimits()
    messages: MessageLimits = MessageLimits()
    persons: PersonLimits = PersonLimits()
    feedback: FeedbackLimits = FeedbackLimits()
    calls: CallLimits = CallLimits()
    sockets: SocketLimits = SocketLimits()
    typing: TypingLimits = TypingLimits()

    @field_validator("*", mode="before")
    @classmethod
    def _said(cls, value: Any) -> Any:
        return {} if value is None else value

    @classmethod
    def parse(cls, raw: bytes, name: str = "limits.yml") -> "LimitPolicy":
        """Read the content of a file called `name`.

        Raises:
            LimitsInvalid: naming every problem with its place.
        """
        try:
            content = strict_yaml.load(raw, name).value
        except InvalidInput as error:
            raise LimitsInvalid(error.message) from None
        try:
            return cls.model_validate({} if content is None else content)
        except ValidationError as error:
            raise LimitsInvalid(
                f"{name} cannot be used. {' '.join(_problems(error))}",
                hint="data/policies/limits.yml shows every value there is.",
            ) from None

    @classmethod
    def load(cls, *files: Path) -> "LimitPolicy":
        """Read the first of `files` that exists; the product's values when none does.

        Raises:
            LimitsInvalid: when it cannot be read or used.
        """
        for file in files:
            try:
                return cls.parse(file.read_bytes(), str(file))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LimitsInvalid(f"{file} cannot be read ({type(error).__name__}).") from None
        return cls()


def _problems(error: ValidationError) -> list[str]:
    """A sentence for each problem; what was written there is not repeated."""
    found = []
    for item in error.errors(include_input=False, include_url=False, include_context=False)[:10]:
        place = ".".join(str(part) for part in item["loc"])[:80] or "the file"
        words = {
            "extra_forbidden": "there is no such limit",
            "string_pattern_mismatch": "a rate is such as `20 per 10 seconds`",
            "model_type": "must be a mapping",
        }.get(item["type"], str(item["msg"]))
        found.append(f"{place}: {words}.")
    return found
