"""Takes personal data and secrets out of text before it is written anywhere but the transcript.

Each finding becomes a placeholder that says what stood there: `[email]`, `[card]`, `[iban]`, `[phone]`,
`[ip]`, `[secret]`, `[token]`. Names and addresses need a language model and are not found here.

Every pattern is linear in the length of the text: repetitions are possessive or bounded, and each starts
only where the run before it ended, so hostile input cannot make it slow. Checksums (Luhn, ISO 13616) decide
about card numbers and IBANs; numbers that merely look alike, such as order numbers, stay readable.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from security.masking_numbers import mask_cards, mask_ibans, mask_phones

_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]{1,256}+:[^\s/@]{1,256}+@")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]++(?:\.[\w-]*+)*+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s{1,3})(?!\[)([\w.~+/=-]{8,}+)")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|whsec)[-_](?:live|test|proj)?[-_]?|gh[pousr]_|github_pat_|glpat-"
    r"|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.)[\w.-]{12,}+"
)
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]++@[\w-]++(?:\.[\w-]++)++")
_KEYWORD = re.compile(
    r"(?i)(?<![a-z])(?P<word>pass(?:word|wort|phrase|code|wd)s?|pwd|pw|pin(?:[ -]?code)?|otp"
    r"|(?:api|access|secret|private|auth|license)[ _-]?(?:key|token)|client[ _-]?secret|secret|token"
    r"|(?:security|verification|one[ -]?time|login|sms|2fa|backup|recovery|cvv2?|cvc2?)[ _-]?codes?"
    r"|cvv2?|cvc2?)"
    r"(?P<link>[\"']?\s{0,3}(?:[:=]>?|->)\s{0,3}"
    r"|\s{1,3}(?:is|was|are|being|to)\s{1,3}(?:now\s{1,3}|just\s{1,3})?[:=]?\s{0,3}"
    r"|\s{1,3}(?=[^\s\"'`]{0,64}\d))"
    r"(?P<value>\"[^\"\n]{1,200}+\"|'[^'\n]{1,200}+'|`[^`\n]{1,200}+`|[^\s\"'`]{1,200}+)"
)
_USUAL_WORDS = """
a about access again all already also always an and any asked be because been before being broken but by can
cannot cant changed compromised correct could did different does doesnt dont email empty enter expired
expiring false fine for forgotten from get gone good has have help how i ignored in incorrect invalid isnt
it its just leaked like locked log lost mail make missing my never new no none not nothing now null of off
old on only open or our out please rejected required reset right same saved sent set should sign sms so
something still stolen that the there this to too true unknown use valid very was wasnt weak were what when
where which why with working works would wrong you your
"""
_NOT_A_SECRET = frozenset(_USUAL_WORDS.split())
_LONG = re.compile(r"(?<![A-Za-z0-9_+/=-])[A-Za-z0-9_+/=-]{20,}+")
_OWN_ID = re.compile(r"^[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}$")
_UUID = re.compile(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}+(?:\.\d{1,3}+){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{3,}+(?:\.\d{1,3}+){0,3}(?![\w:])")
_SECRET_KEY = re.compile(
    r"(?i)^(?:.*[_-])?(?:pass(?:word|phrase|code|wd)?|pwd|secret|token|api[_-]?key|private[_-]?key|authorization"
    r"|cookie|cvv2?|cvc2?|otp|pin)$"
)


def mask(text: str) -> str:
    """Return `text` with what must not be stored replaced by placeholders."""
    if "://" in text:
        text = _CREDENTIALS.sub("[secret]@", text)
    text = _JWT.sub("[token]", text)
    text = _BEARER.sub(r"\1\2[token]", text)
    text = _KEYWORD.sub(_mask_keyword, text)
    text = _PREFIXED.sub("[token]", text)
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    if _HAS_DIGIT.search(text) is None and ":" not in text:
        return text
    for rule in _WITH_DIGITS:
        text = rule(text)
    return text


def mask_json(value: Any) -> Any:
    """Return a copy of a JSON-like value with every string masked.

    Values under keys such as `password` or `api_key` become `[secret]` whatever they are, except null and
    booleans. Numbers stay, unless they are card numbers. Keys are masked too.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        result: dict[Any, Any] = {}
        for key, item in value.items():
            result[_free_key(result, mask(key) if isinstance(key, str) else key)] = (
                "[secret]" if _is_secret(key, item) else mask_json(item)
            )
        return result
    if isinstance(value, (list, tuple, set, frozenset)):
        return [mask_json(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value > 10**12:
        masked = mask_cards(str(value))
        return value if masked == str(value) else masked
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


def _mask_keyword(found: re.Match[str]) -> str:
    value = found["value"]
    word = value.strip("\"'`.,;!?()").replace("'", "").replace("’", "").lower()
    if word in _NOT_A_SECRET or not word:
        return found[0]
    closing = value[-1] if value[0] not in "\"'`" and value[-1] in ".,;!?)" else ""
    return f"{found['word']}{found['link']}[secret]{closing}"


def _mask_long(text: str) -> str:
    return _LONG.sub(lambda found: "[token]" if _looks_random(found[0]) else found[0], text)


def _looks_random(run: str) -> bool:
    """Tell a key or a hash from a slug, a path or an id: one long part mixes letters and digits."""
    if _OWN_ID.match(run) or _UUID.match(run):
        return False
    for part in re.split(r"[-_/+=]", run):
        digits = sum(c.isdigit() for c in part)
        letters = len(part) - digits
        if len(part) >= 16 and digits >= 2 and letters >= 2 and not _OWN_ID.match(f"id_{part}"):
            return True
    digits = sum(c.isdigit() for c in run)
    return digits >= 4 and any(c.isupper() for c in run) and any(c.islower() for c in run) and "/" not in run


def _mask_ips(text: str) -> str:
    if "." in text:
        text = _IPV4.sub(_mask_ip, text)
    return _IPV6.sub(_mask_ip, text) if text.count(":") >= 2 else text


def _mask_ip(found: re.Match[str]) -> str:
    candidate = found[0]
    tail = ":" if candidate.endswith(":") and not candidate.endswith("::") else ""
    try:
        ipaddress.ip_address(candidate.removesuffix(tail))
    except ValueError:
        return candidate
    return candidate if candidate.strip(":") == "" else f"[ip]{tail}"


_HAS_DIGIT = re.compile(r"\d")
_WITH_DIGITS: tuple[Callable[[str], str], ...] = (mask_ibans, mask_cards, _mask_long, _mask_ips, mask_phones)
