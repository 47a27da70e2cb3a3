"""Finds identifiers that need no word beside them: national ids by form and check digit, machines' and
wallets' addresses, machine-readable lines of passports.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterator
from itertools import groupby

from security.privacy.check_digits import is_aadhaar, is_ahv, is_dni, is_nir, is_personnummer, is_ric
from security.privacy.masking_text import FILL, Span

_E = r"(?<![A-Za-z0-9])"
_Z = r"(?![A-Za-z0-9])"


def _anything(_value: str) -> bool:
    return True


_BY_FORM: tuple[tuple[re.Pattern[str], Callable[[str], bool], str], ...] = tuple(
    (re.compile(f"{_E}(?:{form}){_Z}(?![-.]\\d)"), check, label)
    for form, check, label in (
        (r"\d{3}([ \n\r\-./\\_,:|~*–]{1,3})\d{2}\1\d{4}", _anything, "id"),
        (
            r"\d\s\d\s\d(?:\s[-/.]\s|\s{2,3}|[-/.])\d\s\d(?:\s[-/.]\s|\s{2,3}|[-/.])\d\s\d\s\d\s\d",
            _anything,
            "id",
        ),
        (
            r"(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?(?i:[A-D])",
            _anything,
            "id",
        ),
        (
            r"(?i:[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])",
            _anything,
            "id",
        ),
        (r"(?i:\d{8}[ -]?[A-Z])", is_dni, "id"),
        (r"(?i:[XYZ][ -]?\d{7}[ -]?[A-Z])", is_dni, "id"),
        (r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", is_aadhaar, "id"),
        (r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", _anything, "id"),
        (r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", _anything, "id"),
        (r"[12] ?\d{2} ?[0-9]{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", is_nir, "id"),
        (r"(?:19|20)?\d{6}[-+]\d{4}", is_personnummer, "id"),
        (r"[0-3]\d[01]\d{3}[-+A]\d{3}[0-9A-FHJ-NPR-Y]", _anything, "id"),
        (r"[1-9]\d{16}[0-9Xx]", is_ric, "id"),
        (r"\d{6}-[1-8]\d{6}", _anything, "id"),
        (r"[STFGM]\d{7}[A-Z]", _anything, "id"),
        (r"(?i:[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d)", _anything, "id"),
        (r"756\.\d{4}\.\d{4}\.\d{2}", is_ahv, "id"),
        (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", _anything, "id"),
        (r"[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}", _anything, "id"),
        (r"[0-9]{2}-[0-9]{7}", _anything, "id"),
        (r"[A-Z][A-Z9]{4}[ -]?\d{6}[ -]?[A-Z][A-Z9]\d[A-Z]{2}", _anything, "licence"),
        (r"[A-Z]{2}[ -]?\d{2}[ -]?(?:19|20)\d{2} ?\d{7}", _anything, "licence"),
        (r"[A-Z]\d{3}[- ]\d{4}[- ]\d{4}|[A-Z]\d{3}[- ]\d{3}[- ]\d{2}[- ]\d{3}[- ]?\d?", _anything, "licence"),
        (
            r"\d{2}-\d{2}-\d{2}[ ,/;]{1,3}(?:(?i:acc(?:oun)?t?|a/c)(?:\s?(?i:no\.?|number"
            r"|#))?\s?[:.]?\s?)?\d{8}",
            _anything,
            "account",
        ),
    )
)
_MRZ = re.compile(r"(?<![A-Z0-9<])[A-Z0-9<]{28,44}+(?![A-Z0-9<])")
_MAC = re.compile(
    rf"(?i){_E}(?:[0-9a-f]{{2}}([:-])(?:[0-9a-f]{{2}}\1){{4}}[0-9a-f]{{2}}(?:\1[0-9a-f]{{2}}){{0,2}}"
    rf"|(?=[0-9.]{{0,13}}[a-f])[0-9a-f]{{4}}\.[0-9a-f]{{4}}\.[0-9a-f]{{4}})(?!\.[0-9a-f]{{4}})(?![A-Za-z0-9"
    rf":])"
)
_MAC_WORD = re.compile(
    r"(?i)\b(?:mac|bssid|hardware|ethernet|wi-?fi"
    r"|bluetooth)\b[^\n]{0,32}?(?<![a-z0-9])(?P<value>[0-9a-f]{2}(?:[ :./_"
    r"|-]{0,2}[0-9a-f]{2}){5})(?![a-z0-9])"
)
_ETHEREUM = re.compile(rf"{_E}0x[0-9a-fA-F]{{40}}(?:[0-9a-fA-F]{{24}})?{_Z}")
_BECH32 = re.compile(rf"(?i){_E}(?:bc1|tb1|ltc1|addr1|cosmos1|bitcoincash:q)[a-z0-9]{{20,104}}+")
_BASE58 = re.compile(rf"{_E}[1-9A-HJ-NP-Za-km-z]{{25,95}}+{_Z}")
_WALLET_WORD = re.compile(
    r"(?i)\b(?:btc|bitcoin|eth(?:ereum)?|ltc|litecoin|doge(?:coin)?|xrp|ripple|sol(?:ana)?|trx|tron|usdt"
    r"|monero|xmr|crypto|wallet)\b"
)
_BASE58_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def find_ids(text: str) -> Iterator[Span]:
    """Find national ids, licences and lines of passports by their form."""
    spans = []
    for pattern, check, label in _BY_FORM:
        spans += [(*m.span(), label) for m in pattern.finditer(text) if check(m[0]) and not _is_own(m[0])]
    if "<<" in text:
        spans += [(*m.span(), "passport") for m in _MRZ.finditer(text) if "<<" in m[0]]
    yield from _without_overlaps(spans)


def _is_own(value: str) -> bool:
    return re.fullmatch(r"[A-Z]{2,5}-\d{2,8}", value) is not None


def _without_overlaps(spans: list[Span]) -> Iterator[Span]:
    done = 0
    for _, same in groupby(sorted(spans), key=lambda span: span[0]):
        start, end, label = max(same, key=lambda span: span[1])
        if start >= done:
            yield start, end, label
            done = end


def find_wallets(text: str) -> Iterator[Span]:
    """Find addresses of wallets: by prefix, by checksum (base58check), or by a word such as "bitcoin"."""
    spans = [(*m.span(), "wallet") for m in _ETHEREUM.finditer(text)]
    spans += [(*m.span(), "wallet") for m in _BECH32.finditer(text) if any(c.isdigit() for c in m[0][4:])]
    named = _WALLET_WORD.search(text) is not None
    spans += [(*m.span(), "wallet") for m in _BASE58.finditer(text) if _is_wallet(m[0], named=named)]
    yield from _without_overlaps(spans)


def _is_wallet(value: str, *, named: bool) -> bool:
    if not (
        any(c.isdigit() for c in value)
        and any(c.isupper() for c in value)
        and any(c.islower() for c in value)
    ):
        return False
    return named or (value[0] in "13LMDTr" and len(value) <= 36 and _passes_base58(value))


def _passes_base58(value: str) -> bool:
    number = 0
    for character in value:
        number = number * 58 + _BASE58_DIGITS.index(character)
    raw = number.to_bytes(25, "big") if number < 1 << 200 else b""
    return raw[-4:] == hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] if raw else False


def find_macs(text: str) -> Iterator[Span]:
    """Find hardware addresses of network cards."""
    spans = [(*m.span(), "mac") for m in _MAC.finditer(text)]
    for found in _MAC_WORD.finditer(text):
        if any(c.isdigit() for c in found["value"]):
            spans.append((*found.span("value"), "mac"))
    yield from _without_overlaps(spans)


_DOT = r"(?:\.|\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?|\s\.\s|\s?\bdot\b\s?)"
_IPV4 = re.compile(rf"(?i)(?<![\w.])\d{{1,3}}+(?:{_DOT}\d{{1,3}}+){{3}}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{3,}+(?:\.\d{1,3}+){0,3}(?:%\w{1,16})?(?![\w:])")
_VERSION = re.compile(
    r"(?i)(?P<version>\b(?:versions?|ver|v|vers|builds?|releases?d?|firmware|fw|drivers?|updat\w{1,4}"
    r"|upgrad\w{1,5}|downgrad\w{1,5}|patch(?:ed)?"
    r"|revision|rev|sdk|hotfix|changelog|runtime|framework|agent|chrome|firefox|edge|safari|java|node"
    r"|python|windows|ios|android|macos|linux|kernel)\b)"
    r"|(?P<address>\b(?:ip|ips|ipv4|address|addresses|host|server|ping|gateway|dns|subnet|router|network"
    r"|vpn|proxy|connect(?:ed|ing)?|login|logged|sign(?:ed)?)\b)"
)


def find_ips(text: str) -> Iterator[Span]:
    """Find IP addresses; version numbers of four parts ("build 4.0.3.1") are none."""
    spans = []
    for found in _IPV4.finditer(text):
        parts = re.findall(r"\d+", found[0])
        if all(int(part) <= 255 for part in parts) and not _is_version(text, *found.span()):
            spans.append((*found.span(), "ip"))
    if text.count(":") >= 2:
        spans += [span for m in _IPV6.finditer(text) if (span := _ipv6(m)) is not None]
    yield from _without_overlaps(spans)


def _is_version(text: str, start: int, end: int) -> bool:
    if re.match(r"-(?:alpha|beta|rc|dev|pre|snapshot|\d)|\+", text[end : end + 9], re.IGNORECASE):
        return True
    if re.match(r"(?i)\s(?:versions?|release|build|firmware|update|patch)\b", text[end : end + 12]):
        return True
    named = list(_VERSION.finditer(text, max(0, start - 44), start))
    return bool(named) and named[-1]["version"] is not None


def _ipv6(found: re.Match[str]) -> Span | None:
    candidate = found[0]
    tail = ":" if candidate.endswith(":") and not candidate.endswith("::") else ""
    address = candidate.removesuffix(tail)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    if address.strip(":") == "" or FILL in address:
        return None
    return found.start(), found.start() + len(address), "ip"


_TLD = (
    r"(?:com|org|net|edu|gov|info|biz|io|co|me|de|uk|fr|es|it|nl|eu|us|ca|au|in|ch|at|se|no|dk|fi|pl|br|mx"
    r"|jp|ie|be|app|dev|example|test)"
)
_EMAIL = re.compile(
    r"(?<![\w.+%'-])(?:\"[^\"\n@]{1,64}\"|[\w.+%'!#$&*=^~{|}-]++)(?:@|%40|&#64;"
    r"|&commat;)(?:[\w-]++(?:\.[\w-]++)*+|\[[\d.]{7,15}\])"
)
_AT = r"(?:\s?[\[({<]\s?(?:at|@|ät)\s?[\])}>]\s?|\s{1,2}@\s{0,2}|@\s{1,2}|\sat\s)"
_SPELLED_EMAIL = re.compile(
    rf"(?i)(?<![\w.+%-])(?P<user>[\w+%-]{{1,64}}+(?:{_DOT}[\w+%-]{{1,64}}+){{0,3}}?){_AT}(?P<host>[\w-]{{1,"
    rf"64}}+(?:{_DOT}[\w-]{{1,32}}+){{0,3}}?){_DOT}{_TLD}(?![\w-])"
)


def find_emails(text: str) -> Iterator[Span]:
    """Find e-mail addresses, also spelled ("jane at example dot com", "jane [at] example.com")."""
    spans: list[Span] = []
    for found in _EMAIL.finditer(text):
        if _is_email(found[0]):
            spans.append((found.start(), found.end(), "email"))
    if re.search(r"(?i)\bat\b|@", text):
        for found in _SPELLED_EMAIL.finditer(text):
            spelled = " at " not in found[0].lower() or "dot" in found[0].lower()
            if spelled or (
                re.search(r"(?i)\bat\s\w+\.\w+", found[0]) and re.search(r"[\d._-]", found["user"])
            ):
                spans.append((*found.span(), "email"))
    yield from _without_overlaps(spans)


def _is_email(value: str) -> bool:
    user, _, host = re.sub(r"%40|&#64;|&commat;", "@", value).rpartition("@")
    if re.fullmatch(r"(?i)p@[s$]{1,2}w[o0]rd", value):
        return False
    if "." in host.strip(".") or host.startswith("["):
        return True
    return any(c.isalpha() for c in user) and any(c.isalpha() for c in host) and len(host) >= 3
