"""Finds card numbers, IBANs and phone numbers; used by `security.privacy.masking`.

Card numbers: 13 to 19 digits, Luhn check (ISO/IEC 7812-1). IBANs: the country's length and the remainder 1
modulo 97 (ISO 13616-1). Phone numbers have no checksum, so their shape must speak for them: a leading `+`,
`00` or `0`, brackets, or the usual grouping; a bare number counts when a word such as "phone" stands near.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from security.privacy.masking_text import FILL, Span

SEPARATORS = r" \r\n\-./\\_,:;|*~"
_DIGIT_RUN = re.compile(rf"(?<!\d)\d++(?:[{SEPARATORS}]{{1,3}}+\d++)*+")
_GROUP = re.compile(r"\d+")
_IBAN_START = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z] ?[A-Za-z][ ./_-]{0,2}\d[ ./_-]?\d(?=[ \n./_,:-]{0,2}[A-Za-z0-9])"
)
_IBAN_RUN = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}+(?![A-Za-z0-9])")
"""Some banks print other lengths; the remainder decides then."""
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH CR HR LI LV", 22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_CARD_SHAPES = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (4, 4, 4, 1), (8, 8), (6, 10)}
_BRAND = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|62\d{14,17}|(?:5[06-8]|6\d)\d{10,17}"
)
_PHONE_RUN = re.compile(r"(?<![A-Za-z0-9_.-])[+(]{0,2}+\d[\d ()./\\\n,|_+-]*+")
_TIME = r"T?\d{1,2}:\d{2}"
_DATE = re.compile(
    r"(?<!\d)(?<!\d[-/.])(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:19"
    r"|20)?\d{2})(?!\d)(?!\2\d)(?!\1\d)"
)
_PHONE_WORD = re.compile(
    r"(?i)\b(?:tele?phones?|phones?|mobile|mob|cell(?:phone|ular)?|tel|whatsapp|signal|viber|telegram"
    r"|call(?:ed|ing)?"
    r"|ring|text(?:ed)?|sms|reach(?:ed)?|dial(?:led)?|fax|landline|contact|callback|number['’]?s?|handy"
    r"|t[eé]l[eé]fono|desk|office|home|answer(?:ing|s|ed)?|line)\b[^\d\n]{0,32}\n{0,2}[^\d\n]{0,4}\Z"
)
_PHONE_AFTER = re.compile(
    r"(?i)\s{0,2}[-,(]?\s{0,2}(?:is|was|['’]s)?\s?(?:(?:my|the|his|her|our|a|in\s+case)\s)?(?:new\s|work\s"
    r"|home\s|old\s|direct\s){0,2}"
    r"(?:phone|mobile|cell|number\s+to\s+(?:call|reach)|telephone|fax|whatsapp|landline|office|desk)\b"
)
_NUMBER_OF = re.compile(
    r"(?i)\b(?:order|purchase|invoice|ticket|case|tracking|parcel|shipment|reference|ref|transaction"
    r"|serial|model|item|sku|booking"
    r"|confirmation|receipt|error|code|id|batch|part|product|claim|request|timestamp|isbn|ean|barcode|upc)\b"
    r"[^\d\n]{0,24}\Z"
)
_NANP = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")
_EXTENSION = re.compile(r"(?i)[ ,;]{0,3}(?:x|ext\.?|extension|#)[ .:]{0,2}\d{1,6}(?!\w)")


def passes_luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def passes_iban(iban: str) -> bool:
    """Tell whether an IBAN without spaces, in capitals, leaves 1 modulo 97 (ISO 13616-1)."""
    rearranged = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in rearranged)) % 97 == 1


def find_cards(text: str) -> Iterator[Span]:
    """Find card numbers, grouped or not, also where other numbers stand next to them."""
    for found in _DIGIT_RUN.finditer(text):
        if found.end() - found.start() < 13:
            continue
        groups = [(m.start() + found.start(), m.end() + found.start()) for m in _GROUP.finditer(found[0])]
        index = 0
        while index < len(groups):
            last = _card_from(text, groups, index)
            if last is None:
                index += 1
                continue
            yield groups[index][0], groups[last][1], "card"
            index = last + 1


_FOURS = re.compile(r"(?<!\d)\d{4}(?!\d)")


def find_split_cards(text: str) -> Iterator[Span]:
    """Find card numbers told four digits at a time with words between ("4539 then 1488 and then ...")."""
    groups = list(_FOURS.finditer(text))
    index = 0
    while index + 4 <= len(groups):
        four = groups[index : index + 4]
        digits = "".join(m[0] for m in four)
        near = all(b.start() - a.end() <= 32 for a, b in pairwise(four))
        between = text[four[0].start() : four[-1].end()]
        if near and FILL not in between and _BRAND.fullmatch(digits) and passes_luhn(digits):
            yield from ((*m.span(), "card") for m in four)
            index += 4
        else:
            index += 1


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits, best, sizes = "", None, []
    gaps: set[str] = set()
    for index in range(first, len(groups)):
        start, end = groups[index]
        if end - start > 19:
            break
        if index > first:
            gaps.add(text[groups[index - 1][1] : start].strip(" ") or " ")
        digits += text[start:end]
        sizes.append(end - start)
        if len(digits) > 19 or len(gaps) > 2:
            break
        if len(digits) >= 13 and digits[0] in "23456" and _is_card(digits, sizes, gaps):
            best = index
    return best


def _is_card(digits: str, sizes: list[int], gaps: set[str]) -> bool:
    if not passes_luhn(digits):
        return False
    regular = len(gaps) <= 1 and (
        len(sizes) == 1
        or tuple(sizes) in _CARD_SHAPES
        or (len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0])
    )
    if regular and (gaps <= {" ", "-", "."}):
        return True
    return _BRAND.fullmatch(digits) is not None and (regular or gaps <= {" ", "-", ".", "/", "\n"})


def find_ibans(text: str) -> Iterator[Span]:
    """Find IBANs of the countries that have them, grouped or not, in any case."""
    done = 0
    for found in _IBAN_START.finditer(text):
        if found.start() >= done:
            end = _iban_end(text, found.start())
            if end is not None:
                yield found.start(), end, "iban"
                done = end


def _iban_end(text: str, start: int) -> int | None:
    length = _IBAN_LENGTHS.get(text[start : start + 3].replace(" ", "")[:2].upper())
    if length is None:
        return None
    iban, position, gap = "", start, 0
    while len(iban) < length and position < len(text):
        character = text[position]
        if character.isascii() and character.isalnum():
            iban, gap = iban + character.upper(), 0
        elif character in " \n./_,:|\\*-" and gap < 2:
            gap += 1
        else:
            return None
        position += 1
    followed = position < len(text) and text[position].isalnum()
    if len(iban) == length and not followed and passes_iban(iban):
        return position
    run = _IBAN_RUN.match(text, start)
    return run.end() if run is not None and passes_iban(run[0].upper()) else None


_SPELLED_NUMBER = re.compile(
    r"(?i)\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
    r"(?:[ ,.-]{1,3}(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|\d)\b){6,24}"
)


def find_spelled(text: str) -> Iterator[Span]:
    """Find seven and more digits in words: nobody spells out anything else than a number to be reached by."""
    for found in _SPELLED_NUMBER.finditer(text):
        yield *found.span(), "phone"


def find_phones(text: str) -> Iterator[Span]:
    """Find what has the shape of a phone number; dates and order numbers stay."""
    for found in _PHONE_RUN.finditer(text):
        for start, end in _candidates(text, found.start(), found.end()):
            if _is_phone(text, start, end):
                extension = _EXTENSION.match(text, end)
                yield start, extension.end() if extension else end, "phone"


def _candidates(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a run of digits and separators at dates, commas, blank lines and before each further `+`."""
    cuts = [(start, start)]
    for date in _DATE.finditer(text, start, end):
        cuts.append(date.span())
    for cut in re.compile(r", |\n\n|[ ,/;|](?=\+)|(?<=[\d)]) ?[/|] ?(?=[(0]\d)| - (?=[(+0])").finditer(
        text, start, end
    ):
        cuts.append(cut.span())
    cuts.sort()
    cuts.append((end, end))
    for (_, first), (last, _) in pairwise(cuts):
        piece = text[first:last]
        body = piece.strip(" ./\\-),|_*~\n").rstrip(" (")
        if piece.startswith("(") is False and body.count("(") < body.count(")"):
            body = body.rstrip(")")
        if body:
            offset = first + piece.index(body)
            yield offset, offset + len(body)


def _is_phone(text: str, start: int, end: int) -> bool:
    candidate = text[start:end]
    if end < len(text) and (text[end] == "_" or (text[end].isalnum() and not _EXTENSION.match(text, end))):
        return False
    if end + 1 < len(text) and text[end] == ":" and text[end + 1].isdigit():
        return False
    groups = _GROUP.findall(candidate)
    digits = "".join(groups)
    if not 7 <= len(digits) <= 17 or (len(digits) > 15 and not candidate.startswith(("00", "+", "(+"))):
        return False
    if candidate[0] == "+" or candidate.startswith("(+"):
        return len(digits) >= 8 or len(groups) > 1
    before = text[max(0, start - 48) : start]
    called = _PHONE_WORD.search(before) is not None or _PHONE_AFTER.match(text, end) is not None
    if called and not _is_price(candidate):
        return True
    if _NUMBER_OF.search(before) or "\n" in candidate:
        return False
    abroad = re.match(r"00[1-9]", digits) is not None and len(digits) >= 11
    return abroad or _has_phone_shape(candidate, groups, digits)


def _is_price(candidate: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*[.,]\d{2}", candidate) is not None


def _has_phone_shape(candidate: str, groups: list[str], digits: str) -> bool:
    if len(groups) == 1:
        return (len(digits) in (9, 10, 11, 12) and re.match(r"0[1-9]", digits) is not None) or bool(
            _NANP.fullmatch(digits)
        )
    sizes = [len(group) for group in groups]
    if "," in candidate or "_" in candidate:
        return len(digits) in (10, 11) and sizes in ([3, 3, 4], [1, 3, 3, 4])
    return (
        ("(" in candidate and len(digits) >= 7)
        or (digits[0] == "0" and len(digits) >= 9 and max(sizes) >= 2)
        or (
            set(sizes) == {1}
            and len(digits) in (10, 11)
            and bool(_NANP.fullmatch(digits) or digits[0] == "0")
        )
        or sizes
        in ([3, 4], [3, 3, 4], [1, 3, 3, 4], [3, 3, 3], [3, 2, 2, 2], [5, 5], [4, 3, 3], [3, 7], [2, 4, 4])
        or sizes in ([2, 5, 4], [2, 4, 5], [3, 4, 4], [2, 3, 3, 2], [1, 2, 2, 2, 2], [2, 2, 2, 2, 2], [4, 6])
    )
