"""Every kind of secret is found in the words people use for it, and under the tricks that hide it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.privacy.check_digits import is_aadhaar, is_ahv, is_dni, is_nir, is_personnummer, is_ric
from security.privacy.masking import find, mask
from security.privacy.masking_text import Canvas

SECRETS = {
    "ssn": ("123-45-6789", ["my ssn is {}", "SSN: {}", "social security number {}", "{} is my social", "{}"]),
    "bare ssn": ("123456789", ["my ssn is {}", "my whole social is {}", "{} <- thats my SSN"]),
    "passport": ("X12345678", ["my passport is {}", "passport no. {}", "passport, the new one: {}"]),
    "licence": ("D1234567", ["driver's license {}", "driving licence number is {}", "my licence ({})"]),
    "mac": ("00:1B:44:11:3A:B7", ["mac address {}", "the box says {}"]),
    "born": ("12 March 1985", ["I was born on {}", "dob: {}", "{} is my date of birth", "my birthday's {}"]),
    "born numeric": ("3.4.1990", ["D.O.B. {}", "date of birth - {}"]),
    "password": ("hunter2", ["I typed {} as my password", "pass={}", "my pw: {}", "{} is my password",
                             "i tried logging in with {} but wrong password", "my new password's {}"]),
    "phrase": ("correct horse battery staple", ["my pass phrase is {}", "password: {}"]),
    "code": ("612934", ["the code you sent me is {}", "2FA: {}", "otp {}", "{} is the code",
                        "SMS said {} is my code",                        "my pin's {}", "security code {}"]),
    "spaced code": ("6 1 2 9", ["the code you sent me is {}", "{} was the pin i set"]),
    "spelled code": ("six one two nine", ["the code you sent me is {}", "my pin is {}"]),
    "account": ("12345678", ["account number {}", "acct no. {}", "{} is my account number"]),
    "routing": ("021000021", ["routing number {}", "the ABA is {}"]),
    "sort code": ("12-34-56", ["sort code {}", "my sort code is {}"]),
    "bitcoin": ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", ["send it to {}"]),
    "ether": ("0x52908400098527886E0F7030069857D2E4169EE7", ["wallet {}"]),
    "spelled mail": ("jane at example dot com", ["write to {}"]),
    "bracket mail": ("jane [at] example.com", ["write to {}"]),
    "bracket ip": ("10[.]2[.]3[.]4", ["ip {}"]),
    "insurance": ("QQ 12 34 56 C", ["my NI number is {}"]),
    "dni": ("12345678Z", ["{}"]),
    "maestro": ("676198148113", ["my card {} was declined"]),
    "key": ("AKIAIOSFODNN7EXAMPLE", ["{}", "key {}"]),
    "reset link": ("9fK2xqPPa7", ["https://shop.example/reset?token={}", "see https://shop.example/verify/{}."]),
}  # fmt: skip
TOLD = [(told.format(value), value) for value, forms in SECRETS.values() for told in forms]

CARD, IBAN, SSN = "4111111111111111", "DE89370400440532013000", "123-45-6789"
HIDING = {
    "zero-width space": "\u200b".join,
    "zero-width joiner": "\u200d".join,
    "soft hyphen": "\u00ad".join,
    "word joiner": "\u2060".join,
    "byte order mark": "\ufeff".join,
    "direction mark": "\u200e".join,
    "combining": "\u0301".join,
    "variation selector": "\ufe0f".join,
    "NUL": "\x00".join,
    "full-width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "mathematical": lambda text: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in text),
    "Arabic-Indic": lambda text: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in text),
    "letter O": lambda text: text.replace("0", "O"),
}
GAPS = [
    " ",
    "-",
    ".",
    "/",
    "\t",
    "_",
    "\u00a0",
    "\u2009",
    "\u2013",
    "\u2212",
    "\u2044",
    "\u00b7",
    "\n",
    "  ",
    "|",
    "\\",
]


@pytest.mark.parametrize(("text", "value"), TOLD, ids=[text[:40] for text, _ in TOLD])
def test_told_secrets_are_gone(text: str, value: str) -> None:
    masked = mask(text)
    assert value not in masked
    assert re.search(r"\[[a-z]+\]", masked)


@pytest.mark.parametrize("value", [CARD, IBAN, SSN], ids=["card", "iban", "ssn"])
@pytest.mark.parametrize("trick", HIDING)
def test_hidden_characters_hide_nothing(trick: str, value: str) -> None:
    if trick in ("combining", "letter O") and value == IBAN:
        pytest.skip("changes the letters of the country")
    hidden = HIDING[trick](value)
    assert re.fullmatch(r"it is \[(card|iban|id)\] ok", mask(f"it is {hidden} ok"))


@pytest.mark.parametrize("gap", GAPS, ids=[f"U+{ord(g[0]):04X}x{len(g)}" for g in GAPS])
def test_separators_hide_no_card(gap: str) -> None:
    written = gap.join(CARD[i : i + 4] for i in range(0, 16, 4))
    assert mask(f"card {written} ok") == "card [card] ok"


@pytest.mark.parametrize("gap", [" ", "-", ".", "/", "\t", "\u2013", "\u00a0"])
def test_separators_hide_no_ssn(gap: str) -> None:
    assert mask(f"it is {SSN.replace('-', gap)} ok") == "it is [id] ok"


def test_single_digits_hide_no_card() -> None:
    assert mask("it is " + " ".join(CARD)) == "it is [card]"


@pytest.mark.parametrize(
    "text",
    [
        "version 10.2.3.4 of the app", "we updated to 10.2.3.4", "v1.2.3.4", "build 4.0.30319.42000",
        "firmware is 2.1.0.9", "10.2.3.4-beta1", "1.2.3.4 release",
        "order KT-1042 and invoice INV-3071", "purchase 00123842", "tracking number 1Z999AA10123456784",
        "it costs 1,234.56 EUR, was 1.299,00", "delivery on 12.11.2025 at 07:45",
        "born to run", "I am 34 years old",
        "error code 500123", "promo code SAVE20", "KT-1004 came up", "the verification code never came",
        "my PIN is not accepted", "I changed my password 3 times in 2024", "my passport expired in 2023",
        "swift transfer", "victoria's secret card", "my licence costs 20 dollars",
        "see the social media page",
        "cnv_01KB3TABCDEFGHJKMNPQRSTVWX", "user 550e8400-e29b-41d4-a716-446655440000",
        "https://help.example/articles/reset-your-password?page=2#steps",
    ],
)  # fmt: skip
def test_what_support_needs_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("check", "valid", "invalid"),
    [
        (is_aadhaar, "9999 4105 7058", "9999 4105 7059"),
        (is_dni, "12345678Z", "12345678A"),
        (is_dni, "X9549656X", "X9549656Y"),
        (is_nir, "172023201312126", "172023201312127"),
        (is_personnummer, "961111-5826", "961111-5827"),
        (is_ric, "450327199611111414", "450327199611111415"),
        (is_ahv, "756.2140.3579.85", "756.2140.3579.86"),
    ],
)
def test_check_digits(check, valid: str, invalid: str) -> None:
    assert check(valid)
    assert not check(invalid)


_PIECES = st.sampled_from(
    [text for text, _ in TOLD]
    + [CARD, IBAN, SSN, "a@b.co", "[secret]", "[card]", "pass", "code ", "is ", "my password ", " ",
       "\n", "\u200b", "0", "+49 171 1234567", "10.0.0.1", "https://a:b@c/x?y=z"]
)  # fmt: skip
_TEXTS = st.lists(_PIECES | st.text(max_size=12), max_size=6).map(" ".join) | st.lists(
    _PIECES, max_size=5
).map("".join)


@given(_TEXTS)
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@given(_TEXTS)
def test_what_is_not_found_stays_as_it_was(text: str) -> None:
    canvas = Canvas(text)
    find(canvas)
    kept, done = [], 0
    for start, end, label in canvas.found:
        assert 0 <= start < end <= len(text)
        kept += [text[done : max(start, done)], f"[{label}]" if start >= done else ""]
        done = max(done, end)
    assert mask(text) == "".join([*kept, text[done:]])
