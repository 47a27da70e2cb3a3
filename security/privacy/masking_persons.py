"""Finds names of people: by a language model, by lists of names, and by the words that introduce one.

spaCy's model misses lower-case chat ("this is bob from accounting") and takes products for people, the lists
know no rare names, and an introduction ("my name is ...") says what neither knows: each finds, the others
confirm.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from security.privacy.masking_names import Names
from security.privacy.masking_text import FILL, Span

_TOKEN = re.compile(r"(?<![\w@/&?=#%-])[^\W\d_]++(?:['’-](?!s\b)[^\W\d_]++)*+(?![\w@=/]|-\d|\.\w\w)")
_SMALL_PARTS = "de da do dos di del della van von der den la le bin ben al el st ter ten zu af mac mc o y e"
_PARTICLES = frozenset(_SMALL_PARTS.split())
_SURE_INTRODUCTION = re.compile(
    r"(?i)(?:\bnames?(?:\s(?:on|in)\sthe\s\w+)?(?:['’]?s|\sis|\swas)|\bname\s?:|\bcalled\sme|\bcall\sme"
    r"|\bcalls\sme|\bgo(?:es)?\sby|\b(?:full|first|last|middle|maiden|given|family|nick|sur)\s?name(?:\sis"
    r"|['’]s)?\s?:?"
    r"|\bsurname\s(?:is|of)?|\bunder\s(?:the\sname(?:\sof)?|my\s\w+['’]s\sname)|\bin\sthe\sname\sof"
    r"|(?<!\w)(?:mr|mrs|ms|mx|dr|prof|mister|missus|herr|frau|monsieur|madame|senor|senora|sr|sra|signor"
    r"|signora)\b\.?"
    r"|\bnamed\s(?:him|her|it\s)?|\bsincerely|\b(?:kind|best|warm)\s(?:regards|wishes)"
    r"|\byours(?:\s(?:truly|faithfully))?|\bregards)[ ,:?\n-]{1,4}(?:(?:by|now|actually|is|it|mr|mrs|ms|dr"
    r"|miss)\.?[ ]){0,2}"
)
_INTRODUCTION = re.compile(
    r"(?i)(?<!\w)(?:i\sam|i['’]?m|im|this\sis|it['’]?s|its|here\sis|here['’]s|hi|hello|hey|dear|thanks"
    r"|thank\syou|thx|cheers|best|love|ask(?:ed)?\sfor|sp(?:eak|oke|oken)\s(?:to|with)|speaking\s(?:to"
    r"|with)"
    r"|talk(?:ed)?\s(?:to|with)|contact|attn|c/o|on\sbehalf\sof|signed|miss|madam|sir|lady|aunt|uncle"
    r"|cousin|brother|sister|wife|husband|son|daughter|mother|father|mom|mum|dad|boss|manager|colleague"
    r"|friend|partner|neighbour|neighbor|agent|kid|child|girlfriend|boyfriend|roommate|landlord|says?|said"
    r"|told|asked|met|owner|holder|user|customer|client|guest|passenger|recipient|sender|beneficiary"
    r"|(?P<weak>from|by|with|for|to|add|remove|me))[ ,:\n-]{1,4}(?:(?:is|was|named|called|are|mr|mrs|ms|dr"
    r"|miss|my\s\w+)\.?[ ]){0,2}"
)
_USUAL = """
i'm i've i'd i'll it's that's what's who's there's he's she's let's
a about account after again all also am an and any anyone are as asking at back be because been before being
bit but by call can cannot could customer did do does doing done dont down email even ever every everyone
fine for from get getting give going good got great guys had happy has have having he hello help her here hey
hi him his how i if in into is it its just know let like live looking lost made make many maybe me mine more
most much my name need never new no not nothing now of off ok okay on once one only or order other our out
over please really right sad same she should since so some someone something sorry soon still stuck such
support sure team than thank thanks that the their them then there these they this those time to today
tomorrow too trying two under unable until up us using very waiting want wanted was way we well were what
when where which while who why will with without wondering would wrong yes yesterday yet you your yours sir
madam everybody anybody nobody folks dear mr mrs ms miss dr monday tuesday wednesday thursday friday saturday
sunday january february march april june july august september october november december
"""
_NEVER = frozenset(_USUAL.split())


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int


class PersonFinder:
    """Finds people in a plain text. `entities` gives the language model's findings, `known` are names that
    the caller knows, e.g. the user's own."""

    def __init__(self, names: Names, entities: "Entities", known: Sequence[str] = ()) -> None:
        self._names = names
        self._entities = entities
        self._known = _known_pattern(known)

    def __call__(self, text: str) -> Iterator[Span]:
        words = [_Word(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
        people, others = self._entities(text)
        taken = [False] * len(words)
        at = {word.start: index for index, word in enumerate(words)}
        self._take_introduced(text, words, at, taken)
        self._take_entities(text, words, people, taken)
        self._take_listed(text, words, others, taken)
        spans = _spans(text, words, taken)
        if self._known is not None:
            spans += [m.span() for m in self._known.finditer(text)]
        yield from _merged(text, spans)

    def _take_introduced(self, text: str, words: list[_Word], at: dict[int, int], taken: list[bool]) -> None:
        for sure, pattern in ((True, _SURE_INTRODUCTION), (False, _INTRODUCTION)):
            for found in pattern.finditer(text):
                index = at.get(found.end())
                weak = not sure and found["weak"] is not None
                if index is not None and not (weak and not self._names.is_given(words[index].text)):
                    self._take_from(text, words, index, taken, sure=sure)

    def _take_from(self, text: str, words: list[_Word], first: int, taken: list[bool], *, sure: bool) -> None:
        word = words[first].text
        if word.lower() in _NEVER or taken[first]:
            return
        known = self._names.is_name(word) or (
            word[0].isupper() and (self._names.may_be_given(word) or self._names.may_be_family(word))
        )
        if not (sure or known):
            return
        if (
            sure
            and not known
            and word.islower()
            and self._entities.is_word(word)
            and not self._names.may_be_given(word)
        ):
            return
        taken[first] = True
        self._extend(text, words, first, taken, introduced=sure or self._names.is_given(word))

    def _extend(
        self, text: str, words: list[_Word], index: int, taken: list[bool], *, introduced: bool = False
    ) -> None:
        """Take the rest of a name: particles, initials, family names, capitals."""
        capital = words[index].text[0].isupper()
        for following in range(index + 1, min(index + 5, len(words))):
            gap = text[words[following - 1].end : words[following].start]
            word = words[following].text
            initial = len(word) == 1 and word.isupper() == capital and following + 1 < len(words)
            if (
                initial
                and gap == " "
                and words[following + 1].text[0].isupper() == capital
                and word not in "Ii"
            ):
                taken[following] = True
                continue
            if gap not in (" ", ". ", "  ", "-", ".") or word.lower() in _NEVER:
                return
            if word.lower() in _PARTICLES and following + 1 < len(words) and gap == " ":
                after = words[
                    min(following + 1 + (words[following + 1].text.lower() in _PARTICLES), len(words) - 1)
                ].text
                if after.lower() not in _NEVER and (after[0].isupper() or not self._entities.is_word(after)):
                    taken[following] = True
                    continue
                return
            if gap != " " and len(words[following - 1].text) > 3:
                return
            fits = (
                (capital and (word[0].isupper() or _WITH_ARTICLE.match(word) is not None))
                or self._names.is_name(word)
                or (not capital and self._names.may_be_family(word) and not self._entities.is_word(word))
            )
            stops = text[words[following].end :][:1] in ("", ",", ".", "\n", "!", "?")
            ends = introduced and following == index + 1 and stops and not _is_common(word)
            if (ends or introduced) and self._names.may_be_family(word) and not _is_common(word):
                fits = True
            unknown = word.islower() and not capital and len(word) > 2 and not self._entities.is_word(word)
            if not fits and not (unknown and following == index + 1 and (introduced or len(word) > 3)):
                return
            taken[following] = True

    def _may_stand_alone(self, word: str) -> bool:
        return self._names.is_family(word) or (
            self._names.may_be_given(word) and not self._entities.is_word(word)
        )

    def _is_pair(self, first: str, second: str) -> bool:
        if len(first) > 2 and not self._entities.is_word(first) and first[0].isupper() == second[0].isupper():
            known = self._names.may_be_family if first[0].isupper() else self._names.is_family
            if known(second):
                return True
        return self._is_foreign_pair(first, second)

    def _is_foreign_pair(self, first: str, second: str) -> bool:
        """Two capitalised words that English does not know stand for a person more often than for anything
        else.
        """
        return all(
            len(word) > 2 and word[0].isupper() and word[1:].islower() and not self._entities.is_word(word)
            for word in (first, second)
        )

    def _take_entities(
        self, text: str, words: list[_Word], people: Iterable[tuple[int, int]], taken: list[bool]
    ) -> None:
        starts = [word.start for word in words]
        for start, end in people:
            first = bisect_left(starts, start)
            inside = [i for i in range(first, bisect_left(starts, end)) if words[i].end <= end]
            for i in inside:
                word = words[i].text
                if (
                    word.lower() not in _NEVER
                    and (len(word) > 1 or len(inside) > 1)
                    and self._confirms(word, inside)
                ):
                    taken[i] = True
            given = [i for i in inside if taken[i] and self._names.is_given(words[i].text)]
            if given and inside[-1] - given[-1] <= 1:
                self._extend(text, words, given[-1], taken)

    def _confirms(self, word: str, inside: list[int]) -> bool:
        """The model takes products and typing errors for people: a usual word alone, or a small one, needs
        the lists.
        """
        if self._names.is_name(word):
            return True
        if word[0].islower():
            return self._names.may_be_family(word) and len(inside) > 1 and not self._entities.is_word(word)
        return len(inside) > 1 or not self._entities.is_word(word)

    def _take_listed(
        self, text: str, words: list[_Word], others: list[tuple[int, int]], taken: list[bool]
    ) -> None:
        covered = bytearray(len(text))
        for start, end in others:
            covered[start:end] = b"\1" * (end - start)
        for index, word in enumerate(words):
            if taken[index] or word.text.lower() in _NEVER:
                continue
            elsewhere = covered[word.start] > 0
            capital = word.text[0].isupper()
            following = words[index + 1] if index + 1 < len(words) else None
            pair = (
                following is not None
                and text[word.end : following.start] in (" ", "  ")
                and following.text.lower() not in _NEVER
            )
            if (
                self._names.is_given(word.text)
                or (
                    pair
                    and following is not None
                    and capital
                    and following.text[0].isupper()
                    and self._names.may_be_given(word.text)
                    and self._names.may_be_family(following.text)
                    and not elsewhere
                )
                or (
                    capital and not elsewhere and not word.text.isupper() and self._may_stand_alone(word.text)
                )
            ):
                taken[index] = True
                self._extend(text, words, index, taken)
            elif (
                pair and following is not None and not elsewhere and self._is_pair(word.text, following.text)
            ):
                taken[index] = taken[index + 1] = True


def _merged(text: str, spans: list[tuple[int, int]]) -> Iterator[Span]:
    first = last = -1
    for start, end in sorted(spans):
        if last >= 0 and (start <= last or text[last:start] == " "):
            last = max(last, end)
            continue
        if last >= 0:
            yield first, last, "person"
        first, last = start, end
    if last >= 0:
        yield first, last, "person"


_WITH_ARTICLE = re.compile(r"(?:al|el|ad|as|ash|an|ar|az|bin|ibn|abu)-[A-Z]")


def _is_common(word: str) -> bool:
    return (
        word.lower() in _NEVER
        or re.fullmatch(r"(?i)\w{2,}(?:ing|ed|ly|tion|ment|ness|able)", word) is not None
    )


def _known_pattern(known: Sequence[str]) -> re.Pattern[str] | None:
    parts = {
        part
        for name in known
        for part in [name, *name.split()]
        if len(part) >= 3 and part.lower() not in _NEVER
    }
    if not parts:
        return None
    return re.compile(
        r"(?i)(?<!\w)(?:"
        + "|".join(re.escape(p) for p in sorted(parts, key=len, reverse=True)[:32])
        + r")(?!\w)"
    )


def _spans(text: str, words: list[_Word], taken: list[bool]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for word, is_taken in zip(words, taken, strict=True):
        if not is_taken:
            continue
        end = word.end
        start = word.start
        if text[end - 2 : end] in ("'s", "’s"):
            end -= 2
        if spans and re.fullmatch(r"[ .-]{1,3}", text[spans[-1][1] : start]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [span for span in spans if FILL not in text[slice(*span)]]


class Entities:
    """What a language model says: spans of people, and spans of what is something else (places,
    organisations).
    """

    def __call__(self, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Find nothing; the form that needs no model."""
        return [], []

    def is_word(self, word: str) -> bool:
        """Tell whether it is a usual English word."""
        return _is_common(word)
