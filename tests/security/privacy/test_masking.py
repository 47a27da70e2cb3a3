"""Masking finds what must not be stored, leaves what support needs, and is fast on hostile input."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.privacy.masking import mask, mask_json, mask_log
from security.privacy.masking_numbers import passes_iban, passes_luhn

FOUND = [
    ("write to ada@kettle.example.", "write to [email]."),
    ("ADA.B+shop@sub.kettle.co.uk", "[email]"),
    ("card 4111 1111 1111 1111 please", "card [card] please"),
    ("order 12 4111-1111-1111-1111", "order 12 [card]"),
    ("amex 378282246310005", "amex [card]"),
    ("iban DE89 3704 0044 0532 0130 00 thanks", "iban [iban] thanks"),
    ("gb82west12345698765432", "[iban]"),
    ("it is +44 20 7946 0958 now", "it is [phone] now"),
    ("(555) 123-4567", "[phone]"),
    ("555-123-4567", "[phone]"),
    ("020 7946 0958", "[phone]"),
    ("my phone is 70012345", "my phone is [phone]"),
    ("from 10.0.0.1 and 2001:db8::1", "from [ip] and [ip]"),
    ("my password is hunter2!", "my password is [secret]!"),
    ("password: Tr0ub4dor&3, thanks", "password: [secret], thanks"),
    ("the password is 'correct horse'", "the password is [secret]"),
    ("pw hunter2", "pw [secret]"),
    ("change my password to Sommer", "change my password to [secret]"),
    ("api key: abcdef", "api key: [secret]"),
    ("use sk_live_abcdefghijklmnop123", "use [token]"),
    ("?token=abc123def", "?token=[secret]"),
    ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [token]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def", "[token]"),
    ("https://ada:pw@host/x", "https://[secret]@host/x"),
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "[token]"),
    ("verification code 123456", "verification code [secret]"),
]
KEPT = [
    "order KT-10023456 from 2025-11-23 07:45",
    "2025-11-23T07:45:12.123456+00:00",
    "at 07:45:12",
    "invoice INV-2025-0042 of 1234567",
    "timestamp 1732347912345",
    "number 4111 1111 1111 1112",
    "reference DE89 3704 0044 0532 0130 02",
    "my password is not working",
    "password is wrong",
    "please reset my password now",
    "password reset link",
    "error KT-1001 on 12.11.2025",
    "cnv_01KB3TABCDEFGHJKMNPQRSTVWX",
    "550e8400-e29b-41d4-a716-446655440000",
    "/help/how-to-reset-your-password-in-2024",
    "std::vector and 999.1.1.1",
]


@pytest.mark.parametrize(("text", "masked"), FOUND)
def test_finds_what_must_not_be_stored(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_leaves_what_support_needs(text: str) -> None:
    assert mask(text) == text


def _card(body: str) -> str:
    return next(body + d for d in "0123456789" if passes_luhn(body + d))


@given(
    st.text(alphabet="23456", min_size=1, max_size=1),
    st.text(alphabet="0123456789", min_size=13, max_size=17),
    st.sampled_from(["", " ", "-"]),
    st.text(alphabet="abc xyz,.", max_size=20),
)
def test_any_card_number_is_found_in_any_text(first: str, rest: str, gap: str, around: str) -> None:
    card = _card(first + rest)
    written = gap.join(card[i : i + 4] for i in range(0, len(card), 4))
    assert written not in mask(f"{around} {written} {around}")


@given(st.text(alphabet="0123456789", min_size=18, max_size=18), st.booleans())
def test_any_iban_is_found(account: str, grouped: bool) -> None:
    check = next(n for n in range(2, 99) if passes_iban(f"DE{n:02d}{account}"))
    iban = f"DE{check:02d}{account}"
    written = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if grouped else iban
    assert mask(f"pay to {written}, please") == "pay to [iban], please"


@given(st.emails())
def test_no_usual_address_survives(address: str) -> None:
    local, _, domain = address.partition("@")
    if all(c.isalnum() or c in "._+-%'" for c in local):
        assert address not in mask(f"I am {address} there") or "." not in domain


@given(st.text(max_size=300))
def test_masks_any_text_and_a_second_time_finds_nothing_personal_left(text: str) -> None:
    once = mask(text)
    assert isinstance(once, str)
    assert "@x.example" not in mask(once + " a@x.example")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_masked_json_is_json_of_the_same_shape(value: object) -> None:
    masked = mask_json(value)
    json.dumps(masked)
    if isinstance(value, (dict, list)):
        assert type(masked) is type(value)
        assert len(masked) == len(value)


def test_json_is_masked_by_key_and_by_content() -> None:
    value = {
        "password": "x",
        "token": None,
        "second_factor": True,
        "pin": 1234,
        "a@b.co": [1, 4111111111111111, {"said": "call +49 171 1234567"}],
        "c@d.co": "kept",
    }
    assert mask_json(value) == {
        "password": "[secret]",
        "token": None,
        "second_factor": True,
        "pin": "[secret]",
        "[email]": [1, "[card]", {"said": "call [phone]"}],
        "[email] 2": "kept",
    }


def test_log_entries_are_masked_and_their_other_values_stay() -> None:
    error = ValueError("x")
    entry = {
        "event": "mail to a@b.co",
        "password": "x",
        "n": 4,
        "exc_info": error,
        "more": {"ip": "10.0.0.1"},
    }
    assert mask_log(None, "info", entry) == {
        "event": "mail to [email]",
        "password": "[secret]",
        "n": 4,
        "exc_info": error,
        "more": {"ip": "[ip]"},
    }


HOSTILE = [
    "a",
    "1",
    "1 ",
    "a@",
    "a@b.",
    ".",
    "eyJ",
    "password ",
    "password is ",
    "(",
    "+",
    "a.",
    "1.",
    "1:",
    "::",
]
HOSTILE += [
    "a-",
    "DE89",
    "://a:",
    "00 ",
    "'",
    "bearer ",
    "ab12",
    "4111 1111 1111 111",
    "tel 1",
    "eyJaaaaaaaaa.",
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_does_not_hang_masking(piece: str) -> None:
    """Linear work here takes under a second; quadratic work takes many minutes."""
    assert isinstance(mask(piece * (400_000 // len(piece))), str)
