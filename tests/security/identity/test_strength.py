"""Which new passwords are easily guessed."""

import pytest

from foundation.errors import Unprocessable
from security.identity.passwords import check_new, one_time_password
from security.identity.strength import own_words

ABOUT = {"email": "ada.lovelace@desk-example.co.uk", "name": "Ada Lovelace"}


@pytest.mark.parametrize(
    "password",
    [
        "P@ssw0rd1234",
        "Firstline2026!",
        "F1rstl1ne-2026",
        "qwertyuiopasdf",
        "1qaz2wsx3edc4rfv",
        "qazwsxedcrfvtgb",
        "zxcvbnm,./asdf",
        "poiuytrewqlkj",
        "ada.lovelace@desk-example.co.uk",
        "ADA.LOVELACE@DESK-EXAMPLE.CO.UK",
        "Ada.Lovelace2026",
        "Lovelace, Ada!!",
        "lovelace-ada-1815",
        "Desk-Example-2026!",
        "aaaaaaaaaaaaaaaa",
        "a" * 200,
        "abcabcabcabcabc",
        "Sommer2026!!",
        "January2026!!",
        "ILoveYou2026!!",
        "helpdesk2026!",
        "password password password",
        "123456789012345678",
        "ｐａｓｓｗｏｒｄ２０２６",
    ],
)
async def test_guessable(password: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        await check_new(password, **ABOUT)
    assert caught.value.code == "password_guessable"
    assert password not in str(caught.value.hint)


@pytest.mark.parametrize(
    "password",
    [
        "seven green kettles",
        "nine quiet mountains",
        "correct horse battery staple",
        "vK3#mQ9!xT2p",
        "Ada keeps seven green kettles",
        "sieben grüne Kessel",
        "семь зелёных чайников",
    ],
)
async def test_not_guessable(password: str) -> None:
    await check_new(password, **ABOUT)


async def test_one_time_passwords_are_not_guessable() -> None:
    for _ in range(5):
        await check_new(one_time_password(), **ABOUT)


async def test_words_of_this_installation_count_too() -> None:
    await check_new("Kettleworks-2031-Help", **ABOUT)
    with pytest.raises(Unprocessable):
        await check_new("Kettleworks-2031-Help", **ABOUT, more=("kettleworks.example",))


async def test_little_of_a_long_password_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """zxcvbn takes ten seconds for 200 characters that could all stand for letters."""
    read: list[int] = []
    words: list[int] = []

    def count(password: str, user_inputs: list[str], max_length: int) -> dict[str, int]:
        read.append(len(password))
        words.append(len(user_inputs))
        return {"guesses": 10**12}

    monkeypatch.setattr("security.identity.strength.zxcvbn", count)
    await check_new("4@8({[<369&#!1/|0$5+7%2" * 8, email="a" * 200 + "@b.co", name="x1 y2 " * 16)
    await check_new("ada keeps kettles " * 11, email="ada@b.co", name=" ".join(map(str, range(30))))
    assert max(read) <= 32
    assert max(words) <= 40
    assert len(read) <= 6


def test_own_words_are_bounded() -> None:
    assert len(own_words(["a1 " * 100 + " ".join(map(str, range(500)))])) <= 40
