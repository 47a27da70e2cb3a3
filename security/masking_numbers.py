"""Finds card numbers, IBANs and phone numbers; used by `security.masking`.

Card numbers: 13 to 19 digits, Luhn check (ISO/IEC 7812-1). IBANs: the country's length and the remainder 1
modulo 97 (ISO 13616-1). Phone numbers have no checksum, so their shape must speak for them: a leading `+`,
`00` or `0`, brackets, or the usual grouping; a bare number counts when a word such as "phone" stands before.
"""

import re

_DIGIT_RUN = re.compile(r"(?<!\d)\d++(?:[ \u00a0.-]{1,2}+\d++)*+")
_GROUP = re.compile(r"\d+")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
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
_PHONE_RUN = re.compile(r"(?<![\w.-])[+(]{0,2}+\d[\d ()./\u00a0-]*+")
_DATE = re.compile(r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?:\d{2})?)(?!\d)")
_PHONE_WORD = re.compile(
    r"(?i)\b(?:phone|mobile|cell|tel|telephone|whatsapp|call|ring|text|sms|reach|dial|fax)\b[^\d\n]{0,24}$"
)
_NANP = re.compile(r"^1?[2-9]\d{2}[2-9]\d{6}$")


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


def mask_cards(text: str) -> str:
    """Replace card numbers, grouped or not, also where other numbers stand next to them."""
    return _DIGIT_RUN.sub(lambda found: _mask_cards_in(found[0]), text)


def _mask_cards_in(run: str) -> str:
    groups = list(_GROUP.finditer(run))
    pieces: list[str] = []
    done = index = 0
    while index < len(groups):
        last = _card_from(groups, index)
        if last is None:
            index += 1
            continue
        pieces += [run[done : groups[index].start()], "[card]"]
        done = groups[last].end()
        index = last + 1
    return "".join([*pieces, run[done:]])


def _card_from(groups: list[re.Match[str]], first: int) -> int | None:
    digits, best = "", None
    for index in range(first, len(groups)):
        digits += groups[index][0]
        if len(digits) > 19:
            break
        if len(digits) >= 13 and digits[0] in "23456" and passes_luhn(digits):
            best = index
    return best


def mask_ibans(text: str) -> str:
    """Replace IBANs of the countries that have them, grouped or not, in any case."""
    pieces: list[str] = []
    done = 0
    for found in _IBAN_START.finditer(text):
        if found.start() < done:
            continue
        end = _iban_end(text, found.start())
        if end is not None:
            pieces += [text[done : found.start()], "[iban]"]
            done = end
    return "".join([*pieces, text[done:]])


def _iban_end(text: str, start: int) -> int | None:
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
    if length is None:
        return None
    iban, position = "", start
    while len(iban) < length and position < len(text):
        character = text[position]
        if character.isascii() and character.isalnum():
            iban += character.upper()
        elif character not in " -" or text[position - 1] in " -":
            return None
        position += 1
    followed = position < len(text) and text[position].isalnum()
    return position if len(iban) == length and not followed and passes_iban(iban) else None


def mask_phones(text: str) -> str:
    """Replace what has the shape of a phone number; dates and order numbers stay."""
    pieces: list[str] = []
    done = 0
    for found in _PHONE_RUN.finditer(text):
        offset = found.start()
        for start, end in _without_dates(found[0]):
            start, end = start + offset, end + offset
            if _is_phone(text, start, end):
                pieces += [text[done:start], "[phone]"]
                done = end
    return "".join([*pieces, text[done:]])


def _without_dates(run: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for date in _DATE.finditer(run):
        spans.append((start, date.start()))
        start = date.end()
    spans.append((start, len(run)))
    trimmed = []
    for first, last in spans:
        piece = run[first:last]
        body = piece.strip(" ./-)\u00a0")
        if body:
            first += len(piece) - len(piece.lstrip(" ./-)\u00a0"))
            trimmed.append((first, first + len(body)))
    return trimmed


def _is_phone(text: str, start: int, end: int) -> bool:
    candidate = text[start:end]
    if end < len(text) and (text[end].isalnum() or text[end] in "_:"):
        return False
    groups = _GROUP.findall(candidate)
    digits = "".join(groups)
    if not 7 <= len(digits) <= 15:
        return False
    if candidate[0] == "+" or candidate.startswith(("00", "(+")):
        return True
    if _PHONE_WORD.search(text, max(0, start - 40), start):
        return True
    if len(groups) == 1:
        return len(digits) >= 9 and (digits[0] == "0" or bool(_NANP.match(digits)))
    sizes = [len(group) for group in groups]
    return (
        ("(" in candidate and len(digits) >= 9)
        or (digits[0] == "0" and len(digits) >= 9)
        or sizes in ([3, 4], [3, 3, 4], [1, 3, 3, 4], [3, 3, 3], [3, 2, 2, 2])
    )
