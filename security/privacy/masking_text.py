"""Text as the rules of masking read it, with the way back to the text as it was written.

People, and those who want to get round a mask, write full-width digits, zero-width spaces between digits, or
a Cyrillic letter that looks like a Latin one. `Canvas` makes one plain form of these and keeps which
characters of the original each plain one came from, so that only what was found is replaced.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

Span = tuple[int, int, str]
"""Start and end in the plain text, and the placeholder's word, such as `card`."""
Rule = Callable[[str], Iterable[Span]]
FILL = "\ufffc"
"""Stands in the plain text where something was found already; no rule takes it for a letter, digit or
space.
"""
LABELS = (
    "email|card|iban|phone|ip|secret|token|id|mac|dob|wallet|account|person|street|url|path|key"
    "|passport|licence"
)
_PLACEHOLDER = re.compile(rf"\[(?:{LABELS})\]")
_PLAIN = re.compile(r"[\n\r\x20-\x7e]*+")
_SAME_LOOK = {
    "АВЕЅІЈКМНОРСТУХ": "ABESIJKMHOPCTYX",
    "аеѕіјкморстухһԁԛԝ": "aesijkmopctyxhdqw",
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονι": "ABEZHIKMNOPTYXovi",
    "‐‑‒–—―−⁃﹘➖": "----------",
    "⁄∕÷": "///",
    "·•∙‧⋅。｡": ".......",
    "‘’‛´ʼ“”„«»": "'''''\"\"\"\"\"",
    "¦∣": "||",
}
_PLAIN_OF = {a: b for looks, plain in _SAME_LOOK.items() for a, b in zip(looks, plain, strict=True)}
_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_DIGITLIKE = re.compile(r"(?<![^\W_])[0-9OoIl]{2,}+(?![^\W_])")
_ESCAPED = re.compile(
    r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|nbsp|colon|commat|period|sol|lowbar|num|quot|apos|hyphen|dash|equals|lpar|rpar"
    r"|plus|excl|dollar|percnt|semi|comma|Tab|NewLine);"
    r"|(?<=\d)=(?:2D|20|2E|2F)(?=\d)|(?<=\w)[=%]40(?=[\w-]{1,64}\.[a-z]{2})|=3A(?=[ =])|=\r?\n(?=\w)"
)
"""Characters as HTML and quoted-printable write them; mail that somebody pastes is full of both."""
_AS_DIGIT = str.maketrans("OoIl", "0011")


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    if character in _PLAIN_OF:
        return _PLAIN_OF[character]
    if character in _NOTHING or character == FILL:
        return "" if character != FILL else "\ufffd"
    category = unicodedata.category(character)
    if category == "Zs" or character in "\t\x0b\x0c\x85":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if character in "\r\n":
        return character
    if category in ("Cf", "Cc", "Mn", "Me", "Cs"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) not in ("Mn", "Me")
    )
    return "".join(_PLAIN_OF.get(c, c) for c in plain.replace("\u2044", "/").replace(FILL, ""))


_MOST_REPEATED = 32


def _unescaped(escaped: str) -> str:
    if escaped[0] == "&":
        return html.unescape(escaped)
    return chr(int(escaped[1:], 16)) if escaped[1:].strip() else ""


class Canvas:
    """One text with what was found in it. Cheap for plain ASCII, where the plain text is the original."""

    def __init__(self, original: str) -> None:
        self._original = original
        self._found: list[Span] = []
        self._values: set[str] = set()
        self._starts: list[int] | None = None
        self._ends: list[int] = []
        if _PLAIN.fullmatch(original) and "[" not in original and _ESCAPED.search(original) is None:
            self.plain = original
        else:
            self._fold()
        self.plain = _digits(self.plain)

    def _fold(self) -> None:
        pieces: list[str] = []
        self._starts, self._ends = [], []
        position = 0
        for found in _PLACEHOLDER.finditer(self._original):
            self._fold_part(position, found.start(), pieces)
            pieces.append(FILL)
            self._starts.append(found.start())
            self._ends.append(found.end())
            position = found.end()
        self._fold_part(position, len(self._original), pieces)
        self.plain = "".join(pieces)

    def _fold_part(self, start: int, end: int, pieces: list[str]) -> None:
        assert self._starts is not None
        for escaped in _ESCAPED.finditer(self._original, start, end):
            self._fold_characters(start, escaped.start(), pieces)
            plain = "".join(_fold(character) for character in _unescaped(escaped[0]))
            pieces.append(plain)
            self._starts += [escaped.start()] * len(plain)
            self._ends += [escaped.end()] * len(plain)
            start = escaped.end()
        self._fold_characters(start, end, pieces)

    def _fold_characters(self, start: int, end: int, pieces: list[str]) -> None:
        assert self._starts is not None
        for index in range(start, end):
            plain = _fold(self._original[index])
            pieces.append(plain)
            for _ in plain:
                self._starts.append(index)
                self._ends.append(index + 1)

    def apply(self, rule: Rule) -> bool:
        """Let a rule look at the plain text and take out what it finds; tell whether that was anything."""
        pieces: list[str] = []
        done = 0
        for start, end, label in rule(self.plain):
            if start < done or end <= start:
                continue
            self._found.append((start, end, label))
            self._values.add(self.plain[start:end])
            pieces += [self.plain[done:start], FILL * (end - start)]
            done = end
        if done:
            self.plain = "".join([*pieces, self.plain[done:]])
        return done > 0

    def repeated(self, text: str) -> Iterable[Span]:
        """A rule: what was found once is masked wherever else it stands, also where no word announces it."""
        values = [
            v for v in self._values if len(v) >= 6 and sum(c.isdigit() for c in v) >= 2 and FILL not in v
        ]
        if values:
            longest = sorted(values, key=len, reverse=True)[:_MOST_REPEATED]
            either = "|".join(re.escape(value) for value in longest)
            for found in re.finditer(rf"(?<!\w)(?:{either})(?!\w)", text):
                yield *found.span(), "secret"

    def collapsed(self) -> str:
        """Make each finding one character, as it is when a masked text is read again; return the plain
        text.
        """
        if FILL * 2 not in self.plain:
            return self.plain
        if self._starts is None:
            self._starts, self._ends = list(range(len(self.plain))), list(range(1, len(self.plain) + 1))
        spans = sorted(self._found)
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        moved: list[Span] = []
        done = 0
        for start, end, label in spans:
            pieces += [self.plain[done:start], FILL]
            starts += [*self._starts[done:start], self._starts[start]]
            ends += [*self._ends[done:start], self._ends[end - 1]]
            moved.append((len(starts) - 1, len(starts), label))
            done = end
        self.plain = "".join([*pieces, self.plain[done:]])
        self._starts = starts + self._starts[done:]
        self._ends = ends + self._ends[done:]
        self._found = moved
        return self.plain

    @property
    def found(self) -> list[Span]:
        """What was found so far, in the order of the original: start and end in it, and the label."""
        if self._starts is None:
            return sorted(self._found)
        return sorted((self._starts[a], self._ends[b - 1], label) for a, b, label in self._found)

    def masked(self) -> str:
        """Return the original with each finding replaced by its placeholder."""
        if not self._found:
            return self._original
        pieces: list[str] = []
        done = 0
        for start, end, label in self.found:
            if start < done:
                done = max(done, end)
                continue
            pieces += [self._original[done:start], f"[{label}]"]
            done = end
        return "".join([*pieces, self._original[done:]])


def _digits(plain: str) -> str:
    """Read `4l11 O...` as digits where most of a run are."""
    if not any(c in plain for c in "OoIl"):
        return plain
    return _DIGITLIKE.sub(lambda run: _mostly_digits(run[0]), plain)


def _mostly_digits(run: str) -> str:
    digits = sum(c.isdigit() for c in run)
    return run.translate(_AS_DIGIT) if digits * 2 > len(run) else run


def from_pattern(pattern: re.Pattern[str], label: str, group: int | str = 0) -> Rule:
    """Make a rule of a pattern: each match, or the named group of it, is a finding."""

    def rule(text: str) -> Iterable[Span]:
        for found in pattern.finditer(text):
            if found.start(group) >= 0:
                yield found.start(group), found.end(group), label

    return rule
