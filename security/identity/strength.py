"""How easily a new password is guessed, by zxcvbn: common passwords, names, dates, keyboard walks, repeats.

zxcvbn estimates the guesses that an attacker needs who knows these patterns and the person's own words
(D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016).
"""

import re
from collections.abc import Iterable

from zxcvbn import zxcvbn

ENOUGH = 10**10
"""Guesses a password must be worth; zxcvbn's highest score."""
ENOUGH_BARE = 10**8
"""Guesses that it must be worth without signs and blanks, and without its owner's own words."""
_READ = 32
"""Characters that are looked at: zxcvbn's work grows with more than the square of them."""
_MOST_WORDS = 40
_ALWAYS = ("firstline", "helpdesk", "support")


def is_guessable(password: str, about: Iterable[str]) -> bool:
    """Tell whether a password is easily guessed by somebody who knows the texts `about` its owner.

    It blocks, for milliseconds; hostile ones take a fraction of a second.
    """
    words = own_words(about)
    if _guesses(password, words) < ENOUGH:
        return True
    bare = _bare(password)
    # zxcvbn takes a sign beside a year or a word for something that nobody guesses.
    if len(bare) * 2 >= len(password) and _guesses(bare, words) < ENOUGH_BARE:
        return True
    besides = password.lower()
    for word in sorted(words, key=len, reverse=True):
        besides = besides.replace(word, " ") if len(word) > 2 else besides
    return besides != password.lower() and _guesses(_bare(besides), words) < ENOUGH_BARE


def _bare(password: str) -> str:
    return re.sub(r"[\W_]+", "", password)


def own_words(about: Iterable[str]) -> list[str]:
    """The texts and the words in them, in lower case, each once."""
    found: dict[str, None] = dict.fromkeys(_ALWAYS)
    for text in about:
        lower = text.lower()[:254]
        found.update(dict.fromkeys((lower, lower.partition("@")[0], *re.findall(r"[^\W_]+", lower))))
    return [word for word in found if word][:_MOST_WORDS]


def _guesses(password: str, words: list[str]) -> int:
    read = password[:_READ]
    return int(zxcvbn(read, user_inputs=list(words), max_length=_READ)["guesses"]) if read else 0
