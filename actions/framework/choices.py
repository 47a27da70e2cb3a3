"""Which of several choices a user means, in whatever words they say it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ORDINALS = {
    word: place
    for place, words in enumerate(
        (
            ("first", "1st", "one"),
            ("second", "2nd", "two"),
            ("third", "3rd", "three"),
            ("fourth", "4th", "four"),
            ("fifth", "5th", "five"),
            ("sixth", "6th", "six"),
            ("seventh", "7th", "seven"),
            ("eighth", "8th", "eight"),
        )
    )
    for word in words
}
_AMOUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_FILLER = frozenset(
    ("the", "a", "an", "and", "or", "of", "for", "with", "that", "this", "it", "its", "is", "was", "in", "on",
     "at", "to", "my", "me", "please", "pls", "i", "want", "mean", "take", "choose", "pick", "let", "make",
     "yes", "ok", "okay", "just", "would", "like", "lets", "id", "do")
)  # fmt: skip
_NUMBERING = frozenset(("one", "number", "option", "choice", "answer"))
_POINTING = frozenset(("the", "this", "that", "my"))
_LONGEST = 8
"""An answer of more words tells of something else."""


@dataclass(frozen=True)
class Choice:
    """One possible answer: `value` is what the workflow works with, `title` what the user reads."""

    value: str
    title: str


def choose(choices: Sequence[Choice], text: str) -> str | None:
    """Return the value of the one choice that the words fit, or None when none or several do.

    They fit by value or title as they stand, by the digits of a number in it, by words of the title, or by
    place ("the second", "the last one").
    """
    said = " ".join(re.findall(r"[\w.]+", text.casefold()))
    if not said or not choices:
        return None
    for choice in choices:
        if said in (_plain(choice.value), _plain(choice.title)):
            return choice.value
    words = said.split()
    if len(words) > _LONGEST:
        return None
    return (
        by_number(choices, said)
        or _by_amount(choices, words)
        or _by_words(choices, words)
        or _by_place(choices, words)
    )


def by_number(choices: Sequence[Choice], text: str) -> str | None:
    """Return the value of the one choice whose number of three digits or more stands in the text."""
    numbers = set(re.findall(r"\d{3,}", text))
    found = [c.value for c in choices if numbers & set(re.findall(r"\d{3,}", f"{c.value} {c.title}"))]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w.]+", text.casefold()))


def _by_amount(choices: Sequence[Choice], words: list[str]) -> str | None:
    """ "Two weeks" among 1, 2 and 4 weeks; ordinals ("the second") are places."""
    said = {str(_AMOUNTS.get(word, word)) for word in words}
    numbers = {word for word in said if word.isdigit()}
    found = [c.value for c in choices if numbers & set(_plain(c.title).split())]
    return found[0] if len(found) == 1 else None


def _by_words(choices: Sequence[Choice], words: list[str]) -> str | None:
    meant = {_stem(word) for word in words if word not in _FILLER and word not in _ORDINALS}
    if not meant:
        return None
    scores = [len(meant & {_stem(w) for w in _plain(choice.title).split()}) for choice in choices]
    best = max(scores)
    if best == 0 or best * 2 < len(meant) or scores.count(best) > 1:
        return None
    return choices[scores.index(best)].value


def _by_place(choices: Sequence[Choice], words: list[str]) -> str | None:
    content = [word for word in words if word not in _FILLER]
    if "last" in content or "latter" in content:
        return choices[-1].value
    # "the second one", "the blue one" and "that one" hold no number; "one" and "number one" do.
    meant = all(word in _NUMBERING for word in content) and not _POINTING & set(words)
    content = [word for word in content if word != "one" or meant]
    places = {_ORDINALS[word] for word in content if word in _ORDINALS}
    if not places and len(content) == 1 and content[0].isdigit():
        places = {int(content[0]) - 1}
    if len(places) != 1:
        return None
    place = places.pop()
    return choices[place].value if 0 <= place < len(choices) else None


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
