"""The application's error codes: what is said of each, what it means inside, and what mends it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.framework.formatting import LONGEST, passed_on
from foundation import strict_yaml
from foundation.errors import InvalidInput

_CODE = re.compile(r"([A-Z]{2,8})-(\d{3,6})")
_WORKFLOW = re.compile(r"[a-z][a-z0-9_]{2,63}")
_ARTICLE = re.compile(r"[a-z0-9][a-z0-9-]{2,79}")
_KEYS = frozenset({"text", "meaning", "workflow", "article"})


@dataclass(frozen=True)
class ErrorEntry:
    """One code. `text` is for users, `meaning` for staff; `workflow` and `article` are ids, or None."""

    code: str
    text: str
    meaning: str
    workflow: str | None = None
    article: str | None = None


class ErrorCatalogue:
    """All known codes."""

    def __init__(self, entries: Iterable[ErrorEntry]) -> None:
        self._entries = {entry.code: entry for entry in entries}
        prefixes = sorted({code.partition("-")[0] for code in self._entries})
        digits = sorted({len(code.partition("-")[2]) for code in self._entries})
        # With or without dash, in any case; as many digits as codes have, for order numbers look alike.
        numbers = "|".join(rf"\d{{{length}}}" for length in digits)
        shape = rf"(?<![a-z0-9])({'|'.join(prefixes)})[\s_-]{{0,2}}({numbers})(?![a-z0-9])"
        self._shape = re.compile(shape, re.IGNORECASE) if prefixes else None

    @classmethod
    def load(cls, path: Path) -> "ErrorCatalogue":
        """Read the file.

        Raises:
            InvalidInput: saying which code's entry is wrong and how, or in which line it is no YAML.
        """
        raw = strict_yaml.load(path.read_bytes(), path.name).value
        if not isinstance(raw, Mapping) or set(raw) != {"errors"} or not isinstance(raw["errors"], Mapping):
            raise InvalidInput(f"{path.name} must hold a mapping named `errors` and nothing else.")
        return cls([_entry(code, value) for code, value in raw["errors"].items()])

    def __iter__(self) -> Iterator[ErrorEntry]:
        return iter(self._entries.values())

    def get(self, code: str | None) -> ErrorEntry | None:
        """Return the entry of a code written as in the file, or None."""
        return self._entries.get(code or "")

    def codes_for(self, workflow: str) -> list[str]:
        """Return the codes that lead to a workflow."""
        return [entry.code for entry in self if entry.workflow == workflow]

    def find_in(self, text: str) -> ErrorEntry | None:
        """Return the entry of the first known code in a message, however it is typed, or None."""
        return next((entry for code in self._codes_in(text) if (entry := self.get(code)) is not None), None)

    def unknown_in(self, text: str) -> bool:
        """Tell whether a message holds something of a code's form and none that is known."""
        return any(True for _ in self._codes_in(text)) and self.find_in(text) is None

    def _codes_in(self, text: str) -> Iterator[str]:
        for found in self._shape.finditer(text) if self._shape is not None else ():
            yield f"{found[1].upper()}-{found[2]}"


def _entry(code: Any, value: Any) -> ErrorEntry:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise InvalidInput(f"{code!s:.40} is no code: write it like KT-1004.")
    if not isinstance(value, Mapping) or set(value) - _KEYS:
        raise InvalidInput(f"{code} may have {', '.join(sorted(_KEYS))} and nothing else.")
    for name in ("text", "meaning"):
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise InvalidInput(f"{code} needs a `{name}`.")
    text = value["text"].strip()
    if passed_on(text) != text:
        raise InvalidInput(
            f"The text of {code} is not fit for users: a sentence of at most {LONGEST} characters, with a "
            "full stop and without codes, addresses or names out of the program."
        )
    workflow = _id(code, value, "workflow", _WORKFLOW)
    article = _id(code, value, "article", _ARTICLE)
    if workflow is None and article is None:
        raise InvalidInput(f"{code} needs a `workflow` or an `article`: there is nothing to offer.")
    return ErrorEntry(code, text, value["meaning"].strip(), workflow, article)


def _id(code: str, value: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not form.fullmatch(found):
        raise InvalidInput(f"The `{name}` of {code} is not the id of one.")
    return found
