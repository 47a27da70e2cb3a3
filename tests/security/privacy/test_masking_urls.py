"""Page addresses keep where somebody was and lose what opens something or names somebody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.privacy.masking_urls import mask_url, mask_url_in_text

MASKED = [
    ("https://ada:pw@shop.example/x", "https://[secret]@shop.example/x"),
    ("https://shop.example/reset?token=abc123&page=2", "https://shop.example/reset?token=[secret]&page=2"),
    ("https://shop.example/search?q=jane+doe&lang=en", "https://shop.example/search?q=[secret]&lang=en"),
    ("https://shop.example/search?page=jane@doe.example", "https://shop.example/search?page=[secret]"),
    ("https://shop.example/cb#access_token=abc&x=1", "https://shop.example/cb#[secret]"),
    ("https://shop.example/#/reset/9fK2xq?token=k", "https://shop.example/#/reset/[token]?token=[secret]"),
    ("https://shop.example/reset/9fK2xq", "https://shop.example/reset/[token]"),
    ("https://shop.example/u/jane%2540doe.example/edit", "https://shop.example/u/[email]/edit"),
    ("https://shop.example/users/12345678/cards", "https://shop.example/users/[id]/cards"),
    ("/a/550e8400-e29b-41d4-a716-446655440000", "/a/[id]"),
    ("http://10.1.2.3:8080/x", "http://[ip]:8080/x"),
    ("//shop.example/a;jsessionid=AB12CD", "//shop.example/a;jsessionid=[secret]"),
    ("https://shop.example/?4f9aK2", "https://shop.example/?[secret]"),
    ("mailto:jane@doe.example", "mailto:[path]"),
    ("data:text/plain;base64,c2VjcmV0", "data:[path]"),
    ("https://shop.example/re\u200bset?to\tken=abc123", "https://shop.example/reset?token=[secret]"),
]
KEPT = [
    "https://kettle.example/orders/KT-1042/edit?tab=items",
    "/help/how-to-reset-your-password-in-2024",
    "https://docs.example/en/latest/guide.html#getting-started",
    "http://127.0.0.1:8080/chat",
    "https://shop.example/reset/password",
    "https://shop.example/v2/TermsAndConditions?page=3&sort=price",
    "https://shop.example/?utm_source=newsletter&utm_campaign=spring",
    "",
    "/",
]


@pytest.mark.parametrize(("url", "masked"), MASKED)
def test_what_opens_or_names_is_taken_out(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize("url", KEPT)
def test_where_somebody_was_stays(url: str) -> None:
    assert mask_url(url) == url


def test_in_a_message_numbers_of_records_stay() -> None:
    url = "https://shop.example/questions/1234567?item=KT-1042&token=abc123"
    assert mask_url_in_text(url) == "https://shop.example/questions/1234567?item=KT-1042&token=[secret]"


@given(st.text(alphabet="ab1/?#&=:@;.%[]-A9\u200b ", max_size=60) | st.text(max_size=60))
def test_any_text_is_taken_and_a_second_time_changes_nothing(url: str) -> None:
    once = mask_url(url)
    assert mask_url(once) == once
