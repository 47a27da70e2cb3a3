"""Takes secrets out of page addresses before they are kept.

What says where somebody was stays: scheme, host, words of the path, a plain anchor, and the values of a few
parameters that say nothing about a person (`page`, `lang`, `utm_source` ...). What may open something goes:
user and password before the host, tokens and numbers in the path, the values of all other parameters, and
fragments that carry values (`#access_token=...`).
"""

import ipaddress
import re
from itertools import pairwise
from urllib.parse import unquote

_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}+):)?(?://(?P<authority>[^/?#\\]*+))?"
    r"(?P<path>[^?#]*+)(?:\?(?P<query>[^#]*+))?(?:#(?P<fragment>.*+))?",
    re.DOTALL,
)
_LONGEST = 4096
_HIERARCHICAL = frozenset(
    {"http", "https", "ws", "wss", "ftp", "ftps", "sftp", "ssh", "git", "redis", "rediss"}
)
_HARMLESS_NAMES = """
page p tab lang language locale hl sort sort_by order_by direction dir view section step size per_page limit
offset theme category currency country format version v platform device plan utm_source utm_medium
utm_campaign utm_content utm_term
"""
_HARMLESS = frozenset(_HARMLESS_NAMES.split())
"""Parameters whose values are settings of a page; a value still has to be a plain word or a small number."""
_SECRET_NAME = re.compile(
    r"(?i)pass|pwd|secret|token|sig(?:nature)?$|auth|session|^sid$|(?:^|[_.-])(?:key|code|otp|pin|jwt|hash"
    r"|mac"
    r"|state|nonce|ticket|saml\w*|mail|e-?mail|phone|tel|name|user|login|ssn|dob|iban|card|address)(?:$"
    r"|[_.-])"
    r"|apikey|credential|invite|reset|magic|verif"
)
_OPENING_WORDS = """
reset reset-password password-reset resetpassword passwordreset password recover recovery verify verification
verify-email confirm confirmation activate activation invite invites invitation invitations join magic
magic-link magiclink token tokens auth login signin sign-in sso oauth callback unsubscribe share shared s
secret secrets key keys session sessions otp link links t k r
"""
_OPENS = frozenset(_OPENING_WORDS.split())
"""Path words after which a token usually stands."""
_HOOKS = frozenset({"webhook", "webhooks", "hooks", "services", "webhookb2"})
"""Path words behind which every part but plain words is a key."""
_WORD = re.compile(r"[A-Za-z]{1,24}(?:[-_.~+][A-Za-z0-9]{1,24})*+")
_ANY_WORD = re.compile(r"!?[\w-]{1,24}(?:[-_.~+:,()' ][\w]{1,24}){0,24}+")
_TOKEN_WORD = re.compile(r"(?:[a-z]{2,12}|[A-Z][a-z]{1,11})(?:[-_][a-z]{2,12})*+(?:\.[a-z]{2,5})?")
_ORDER = re.compile(r"[A-Za-z]{2,5}[-_]?\d{2,8}|[A-Za-z]{2,5}-\d{4}-\d{2,8}")
_VERSION = re.compile(r"v?\d{1,4}(?:\.\d{1,3}){0,3}+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,39}")
_PLAIN_VALUE = re.compile(r"[A-Za-z]{1,20}(?:[-_+. ][A-Za-z]{1,20}){0,6}+(?:[-_]?\d{1,4})?|\d{1,4}")
_PLACEHOLDER = re.compile(r"\[[a-z]{2,9}\]")
_ANCHOR = re.compile(r"[A-Za-z][A-Za-z-]{0,30}(?:[-_][A-Za-z0-9]{1,20}){0,8}+")
_CONTROL = re.compile(r"[\x00-\x20\x7f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


def mask_url(url: str) -> str:
    """Return the address of a page without what may open something or name somebody.

    `https://a:b@shop.example/reset/9fK2xq?token=x&page=2#access_token=y` becomes
    `https://[secret]@shop.example/reset/[token]?token=[secret]&page=2#[secret]`. Works for relative
    addresses, never raises, is linear in the length and changes nothing the second time.
    """
    return _mask(_CONTROL.sub("", url)[:_LONGEST], strict=True)


def mask_url_in_text(url: str) -> str:
    """Like `mask_url`, for an address within a message: numbers of records in its path and plain values of
    parameters whose names promise no secret stay, since whoever reads the message needs them."""
    return _mask(url, strict=False)


def looks_random(run: str) -> bool:
    """Tell a key or a hash from a word, a slug or a name: long, and letters mixed with digits or cases."""
    digits = sum(c.isdigit() for c in run)
    letters = sum(c.isalpha() for c in run)
    if len(run) >= 24 and letters == len(run) and (run.islower() or run.isupper()):
        return True
    turns = sum(_kind(a) != _kind(b) and not (a.isupper() and b.islower()) for a, b in pairwise(run))
    return len(run) >= 8 and bool(letters) and (turns * 4 >= len(run) or (digits >= 3 and len(run) >= 14))


def _kind(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2 if character.isalpha() else 3


def _mask(url: str, *, strict: bool) -> str:
    found = _PARTS.fullmatch(url)
    if found is None:
        return "[url]"
    scheme, authority = found["scheme"], found["authority"]
    pieces = []
    if scheme is not None and authority is None and not _is_host_and_port(scheme, found["path"]):
        return f"{scheme}:{_without_host(found['path'])}"
    if scheme is not None:
        pieces.append(f"{scheme}:")
    if authority is not None:
        if scheme is not None and scheme.lower() not in _HIERARCHICAL:
            return f"{scheme}://{_host(authority)}{'/[path]' if found['path'].strip('/') else found['path']}"
        pieces.append(f"//{_host(authority)}")
    pieces.append(_path(found["path"], strict=strict))
    if found["query"] is not None:
        pieces.append("?" + _query(found["query"], strict=strict))
    if found["fragment"] is not None:
        pieces.append("#" + _fragment(found["fragment"], strict=strict))
    return "".join(pieces)


def _is_host_and_port(scheme: str, path: str) -> bool:
    return re.match(r"\d{1,5}(?:/|\Z)", path) is not None and ("." in scheme or scheme == "localhost")


def _without_host(path: str) -> str:
    return path if path == "" or _PLACEHOLDER.fullmatch(path) else "[path]"


def _host(authority: str) -> str:
    user, at, host = authority.rpartition("@")
    name = host
    port = re.search(r":\d{1,5}\Z", host)
    if port:
        name = host[: port.start()]
    try:
        address = ipaddress.ip_address(name.strip("[]"))
        name = name if address.is_loopback or address.is_unspecified else "[ip]"
    except ValueError:
        pass
    return ("[secret]@" if at and user is not None else "") + name + (port[0] if port else "")


def _path(path: str, *, strict: bool) -> str:
    kept, opens, hooked = [], False, False
    for segment in re.split(r"([/\\;,])", path):
        if segment in ("", "/", "\\", ";", ","):
            kept.append(segment)
            continue
        name, equals, value = segment.partition("=")
        if equals:
            kept.append(
                f"{_path_part(name, strict=strict, opens=False)}={_value(name, value, strict=strict)}"
            )
        else:
            kept.append(_path_part(segment, strict=strict, opens=opens or hooked))
        hooked = hooked or segment.lower() in _HOOKS
        opens = segment.lower() in _OPENS
    return "".join(kept)


def _path_part(segment: str, *, strict: bool, opens: bool) -> str:
    plain = _decoded(segment)
    if _PLACEHOLDER.fullmatch(segment) or plain in (".", ".."):
        return segment
    if "@" in plain:
        return "[email]"
    if opens and not _TOKEN_WORD.fullmatch(plain):
        return "[token]"
    if _ORDER.fullmatch(plain) or _VERSION.fullmatch(plain):
        return segment
    if not strict and (_UUID.fullmatch(plain) or (plain.isdigit() and len(plain) <= 10)):
        return segment
    if (_WORD if strict else _ANY_WORD).fullmatch(plain) is None:
        return "[id]"
    if _UUID.fullmatch(plain) or any(_is_id(part, strict=strict) for part in re.split(r"[-_.~+]", plain)):
        return "[id]"
    return segment


def _is_id(part: str, *, strict: bool) -> bool:
    return looks_random(part) or (strict and sum(c.isdigit() for c in part) >= 5)


def _query(query: str, *, strict: bool) -> str:
    kept = []
    for pair in re.split(r"([&;])", query):
        if pair in ("", "&", ";"):
            kept.append(pair)
            continue
        name, equals, value = pair.partition("=")
        if not equals:
            plain = _PLAIN_VALUE.fullmatch(name) and not looks_random(name)
            kept.append(name if plain or _PLACEHOLDER.fullmatch(name) else "[secret]")
            continue
        shown = name if _NAME.fullmatch(_decoded(name)) and not looks_random(name) else "[key]"
        kept.append(f"{shown}={_value(name, value, strict=strict)}")
    return "".join(kept)


def _value(name: str, value: str, *, strict: bool) -> str:
    if value == "" or _PLACEHOLDER.fullmatch(value):
        return value
    name, plain = _decoded(name).lower(), _decoded(value)
    harmless = name in _HARMLESS or (not strict and not _SECRET_NAME.search(name))
    usual = _PLAIN_VALUE.fullmatch(plain) or (
        not strict and (_ORDER.fullmatch(plain) or _VERSION.fullmatch(plain))
    )
    if not strict and harmless and re.fullmatch(r"[\w\"'?%+ -]{1,80}", plain) and not _long_or_random(plain):
        return value
    return value if harmless and usual and not looks_random(plain) else "[secret]"


def _long_or_random(text: str) -> bool:
    parts = re.split(r"[^A-Za-z0-9]+", text)
    return any(looks_random(part) or sum(c.isdigit() for c in part) >= 5 for part in parts)


def _fragment(fragment: str, *, strict: bool) -> str:
    if fragment == "" or _PLACEHOLDER.fullmatch(fragment):
        return fragment
    if fragment.startswith(("/", "!")):
        path, mark, query = fragment.partition("?")
        return _path(path, strict=strict) + (mark + _query(query, strict=strict) if mark else "")
    if "=" in fragment:
        return "[secret]"
    plain = _decoded(fragment)
    random = any(
        looks_random(part) or sum(c.isdigit() for c in part) >= 5 for part in re.split(r"[-_]", plain)
    )
    return fragment if _ANCHOR.fullmatch(plain) and not random else "[secret]"


def _decoded(text: str) -> str:
    for _ in range(3):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text
