"""Takes personal data and secrets out of text before it is written anywhere but the transcript.

Each finding becomes a placeholder that says what stood there, such as `[email]`, `[card]`, `[secret]` or
`[dob]`. `mask` and its kin find what has a form or is announced by a word; they are quick and fit for log
lines. Names of people and street addresses need a language model: `security.privacy.masking_personal`.

Text is read in a plain form (`security.privacy.masking_text`), so other alphabets' digits, full-width
letters, zero-width characters and unusual separators hide nothing. Every rule is linear in the length of the
text: repetitions are possessive or bounded, and what is looked at round a word is a window of fixed size.
Checksums decide about cards, IBANs and national ids; numbers that merely look alike, such as order numbers,
stay readable.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from security.privacy.masking_announced import ANNOUNCED, BY_NAME, find_bank_words
from security.privacy.masking_ids import find_emails, find_ids, find_ips, find_macs, find_wallets
from security.privacy.masking_numbers import (
    find_cards,
    find_ibans,
    find_phones,
    find_spelled,
    find_split_cards,
)
from security.privacy.masking_passwords import find_passwords, find_random, find_tokens
from security.privacy.masking_text import FILL, Canvas, Rule, Span
from security.privacy.masking_urls import mask_url_in_text

_URL = re.compile(rf"(?i)\b(?:[a-z][a-z0-9+.-]{{1,20}}://|www\.)[^\s<>\"'{FILL}]{{1,4096}}+")
_CLOSING = ".,;:!?)]}"
_SECRET_KEY = re.compile(
    r"(?i)^(?:.*[_-])?(?:pass(?:word|phrase|code|wd)?|pwd|secret|token|api[_-]?key|private[_-]?key"
    r"|authorization"
    r"|cookie|cvv2?|cvc2?|otp|pin|ssn)$"
)
_PASSES = 6
"""A finding may show another, e.g. a number before "is my account number": rules are repeated until none
is new.
"""


def _find_urls(text: str) -> Iterator[Span]:
    """Find the parts of addresses that `mask_url_in_text` would take out."""
    for found in _URL.finditer(text):
        url = found[0].rstrip(_CLOSING)
        yield from _url_parts(found.start(), url)


def _url_parts(offset: int, url: str) -> Iterator[Span]:
    masked = mask_url_in_text(url)
    position = done = 0
    for hidden in re.finditer(r"\[([a-z]{2,9})\]", masked):
        position += hidden.start() - done
        following = masked[hidden.end() :]
        stop = following[:1]
        upcoming = re.search(r"\[[a-z]{2,9}\]", following)
        literal = following[: upcoming.start()] if upcoming else following
        end = url.find(literal, position) if literal and upcoming else len(url) - len(literal)
        if end < position or (not stop and literal):
            return
        yield offset + position, offset + end, hidden[1]
        position, done = end, hidden.end()


_ALWAYS: tuple[Rule, ...] = (find_tokens, find_emails, find_passwords)
_WITH_DIGITS: tuple[Rule, ...] = (
    find_wallets,
    find_ibans,
    *BY_NAME,
    find_cards,
    find_split_cards,
    find_macs,
    find_ips,
    find_ids,
    *ANNOUNCED,
    find_random,
    find_phones,
    find_spelled,
)


def find(canvas: Canvas) -> None:
    """Let all rules look at a canvas until they find nothing new."""
    for _ in range(_PASSES):
        before = canvas.collapsed()
        if "://" in canvas.plain or "www." in canvas.plain:
            canvas.apply(_find_urls)
        for rule in _ALWAYS:
            canvas.apply(rule)
        canvas.apply(find_bank_words)
        if ":" in canvas.plain or _MAY_HOLD_NUMBER.search(canvas.plain):
            for rule in _WITH_DIGITS:
                canvas.apply(rule)
            canvas.apply(canvas.repeated)
        if canvas.collapsed() == before:
            return


_MAY_HOLD_NUMBER = re.compile(
    r"(?i)\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|double|triple)[ ,.-]"
)


def mask(text: str) -> str:
    """Return `text` with what must not be stored replaced by placeholders; all else stays as it was.

    Never raises; masking what is masked changes nothing.
    """
    canvas = Canvas(text)
    find(canvas)
    return canvas.masked()


def mask_json(value: Any) -> Any:
    """Return a copy of a JSON-like value with every string masked.

    Values under keys such as `password` or `api_key` become `[secret]` whatever they are, except null and
    booleans. Numbers stay, unless they are card numbers. Keys are masked too.
    """
    return masked_json(value, mask)


def masked_json(value: Any, mask_text: Any) -> Any:
    """Do `mask_json` with another function for each string."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        result: dict[Any, Any] = {}
        for key, item in value.items():
            result[_free_key(result, mask_text(key) if isinstance(key, str) else key)] = (
                "[secret]" if _is_secret(key, item) else masked_json(item, mask_text)
            )
        return result
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked_json(item, mask_text) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value > 10**12:
        digits = str(value)
        return "[card]" if any(True for _ in find_cards(digits)) else value
    return value


def mask_log(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that masks what is logged; put it after those that turn exceptions into text."""
    for key, value in entry.items():
        if isinstance(value, (str, Mapping, list, tuple)) and key != "timestamp":
            entry[key] = "[secret]" if _is_secret(key, value) else mask_json(value)
    return entry


def _free_key(taken: dict[Any, Any], key: Any) -> Any:
    candidate, number = key, 2
    while candidate in taken:
        candidate, number = f"{key} {number}", number + 1
    return candidate


def _is_secret(key: Any, value: Any) -> bool:
    if not isinstance(key, str) or isinstance(value, (bool, Mapping, list, tuple)) or value is None:
        return False
    return _SECRET_KEY.match(key) is not None
