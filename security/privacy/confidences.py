"""Masking of people's own words, as the rooms are given it: names and streets too."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from security.privacy.masking import mask_json
from security.privacy.masking_personal import mask_personal

_REMEMBERED = 2048
"""Texts that need not be read again: a conversation is looked at more than once."""
_FIELD = re.compile(r"[a-z][a-z0-9_.]{0,40}")


@lru_cache(maxsize=_REMEMBERED)
def _masked(text: str, names: tuple[str, ...]) -> str:
    return mask_personal(text, names)


def mask_confidences(value: Any, names: Sequence[str] = ()) -> Any:
    """Mask every string of a JSON value, people's names and streets too; `names` are known to be such.

    Names of fields stay. Blocks for milliseconds a text.
    """
    return _walk(
        mask_json(value) if not isinstance(value, str) else value, tuple(name for name in names if name)
    )


def _walk(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _masked(value, names) if any(character.isalpha() for character in value) else mask_json(value)
    if isinstance(value, Mapping):
        return {
            key if _FIELD.fullmatch(key) else _masked(key, names): _walk(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_walk(item, names) for item in value]
    return value
