"""What parts of a path and headers may hold: checked and described from the same value."""

import re
from dataclasses import dataclass
from typing import Any

INT32 = 2_147_483_647
"""The largest number that an `integer` column of PostgreSQL holds."""


@dataclass(frozen=True)
class PathField:
    """A part of a path: a pattern that it must match as a whole; for a number, the largest there may be."""

    pattern: str
    description: str
    largest: int | None = None
    max_length: int = 200

    def admits(self, text: str) -> bool:
        """Tell whether `text` may stand there."""
        if len(text) > self.max_length or re.fullmatch(self.pattern, text) is None:
            return False
        return self.largest is None or int(text) <= self.largest

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        if self.largest is not None:
            return {"type": "integer", "minimum": 1, "maximum": self.largest}
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.max_length}


def id_field(prefix: str, of: str) -> PathField:
    """The id of something, as `new_id(prefix)` makes it."""
    return PathField(f"{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}", f"The id of {of}")


NUMBER = PathField("[1-9][0-9]{0,9}", "A number, from 1", INT32)


@dataclass(frozen=True)
class HeaderField:
    """A request header that an endpoint reads; one that is there must match `pattern` as a whole.

    Whether a `required` one is there is the handler's to say: without a signature, say, nobody is known.
    """

    name: str
    description: str
    required: bool = False
    pattern: str | None = None

    def admits(self, text: str) -> bool:
        """Tell whether the header may say `text`."""
        return self.pattern is None or re.fullmatch(self.pattern, text) is not None

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": "string"} | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


IDEMPOTENCY_KEY = HeaderField(
    "Idempotency-Key",
    "1 to 128 visible ASCII characters, such as a UUID; the same when sent again",
    pattern="[!-~]{1,128}",
)
