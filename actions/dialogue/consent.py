"""A yes counts for exactly what was asked, and for nothing else."""

import hashlib
import re
from typing import Any

from actions.framework.workflow import Diagnosis

CHANGED = "Something on your account has changed since I asked, so let me ask again. "
TO_BE_SURE = "Just to be sure: "
SURE_OF_YES = 0.8
"""A yes that is known by the classifier alone is asked back below this: "later" is read as one, at 0.7."""
SURE_OF_REQUEST = 0.7
"""A few words with a pronoun ("turn them on") speak of what was offered, unless read as a clear request."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PHRASES = (
    (re.compile("[\U0001f44d\U0001f44c\u2705\u2714][\U0001f3fb-\U0001f3ff\ufe0f]?"), " yes "),
    (re.compile("[\U0001f44e\u274c\U0001f6d1]\ufe0f?"), " no "),
    (re.compile(r"\b(?:why not|of course|by all means|sounds good|that works|be my guest)\b"), "yes"),
    (re.compile(r"\b(?:i|we)(?:'d| would| do)? (?:want|like|love)\b(?: you\b)?(?: to\b)?"), "please"),
    (re.compile(r"\b(?:right away|straight away|at once|thank you|a bit|no problem|no worries)\b"), "please"),
    (re.compile(r"\bback on\b"), "on"),
    (re.compile(r"\bhold off\b"), "later"),
    (re.compile(r"\b(?:it|that|this|them|those)(?: one)? (?:too|as well)\b"), "yes"),
    (re.compile(r"\bsort (it|this|that|them) out\b"), "sort it"),
    (re.compile(r"\b(?:do not|dont)\b"), "don't"),
)
_YES = _set(
    "yes yeah yea yep yup yess yesss yas ya yah aye ok okay okey k sure absolutely definitely certainly "
    "affirmative agreed correct"
)
_GENERIC = _set("do fix sort go get make proceed continue carry mend repair solve turn switch put")
"""What may be said of whatever was offered: "fix it", "go ahead", "get it done"."""
_LEADS = _set(
    "alright all right fine great good perfect cool brilliant lovely nice wonderful well so oh ah hm hmm "
    "then and just please pls plz kindly thanks thx let's lets can could would you to now"
)
_FILLERS = _LEADS | _set(
    "it them that this these those the a an my me for us ahead on again already quick quickly fast asap one "
    "another thing things happen work done fixed sorted really but be is it's that's mate cheers too"
)
_NO = _set("no nope nah naw never not don't later maybe perhaps tomorrow leave stop rather forget cancel")
_NO_MORE = _NO | _set("yet today time another some off about nothing i'll moment keep are as alone")
_TAKEN_BACK = re.compile(
    r"\b(?:not|no|nope|nah|don'?t|stop|wait|cancel|never|later|tomorrow|hold|instead|actually|rather|unless|"
    r"first|other|different)\b"
)
_AGAIN = _set(
    "try retry repeat it that this again once more one time another go attempt give do run now with"
)
_WAIT = _set("wait hold hang on one just a sec second moment minute please let me think see first ok okay")
_POINTS = _set("it them that this these those one")
_LONGEST = 10
_SHORT = 6


def agrees(text: str, offered: str) -> bool:
    """Tell whether a short message agrees to `offered`, the button and the question, and to nothing else.

    It goes before what the message was read as: "yes, unlock it" is a yes and no new request, and "ok, where
    is my order" is no yes. So it holds no word that is neither a yes, nor empty, nor in what was offered; and
    it says yes, or begins with what is to be done ("send it then").
    """
    said = _agreeing(text, offered)
    return bool(_YES & set(said)) or _is_order(said, offered)


def restates(text: str, offered: str) -> bool:
    """Tell whether a message asks for what was offered in so many words ("ok, send the link")."""
    return _is_order(_agreeing(text, offered), offered)


def begins_with_yes(text: str, offered: str) -> bool:
    """Tell whether the part before an "and" is a yes; a mere "ok" there is a way to begin."""
    head, _, more = text.partition(" and ")
    words = _agreeing(head, offered) if more else []
    return bool(words) and (words[0] in _YES - _set("ok okay okey k") or _is_order(words, offered))


def _agreeing(text: str, offered: str) -> list[str]:
    """The words of a message that holds nothing else than agreement to what was offered; else none."""
    words = _words(text)
    if len(words) > _LONGEST or "?" in text.replace("why not?", ""):
        return []
    known = {word for word in _asked(offered) if len(word) > 2 or word.isdigit()} - _NO
    plain = _YES | _GENERIC | _FILLERS
    return words if all(word in plain or _same(word, known) for word in words) else []


def _is_order(words: list[str], offered: str) -> bool:
    rest = [word for word in words if word not in _LEADS | _YES]
    return bool(rest) and (rest[0] in _GENERIC or _same(rest[0], _verbs(_asked(offered))))


def _asked(offered: str) -> list[str]:
    return [_stem(word) for word in _words(offered)]


def _same(word: str, known: set[str]) -> bool:
    """Whether a word is among those known, also with "re" before it: "restart" is "start"."""
    return _stem(word) in known or _stem(word).removeprefix("re") in known


def refuses(text: str, offered: str) -> bool:
    """Tell whether a short message says no to `offered`, or not now, and nothing else."""
    words = [word for word in _words(text) if word not in ("oh", "well", "hm", "hmm", "ah", "so", "please")]
    if not words or len(words) > _LONGEST or "?" in text or words[0] not in _NO or _YES & set(words):
        return False
    known = {_stem(word) for word in _words(offered)}
    return all(word in _NO_MORE | _FILLERS | _GENERIC or _stem(word) in known for word in words)


def wants_time(text: str) -> bool:
    """Tell whether a message only asks to wait ("hold on a second")."""
    words = set(_words(text))
    return (
        bool(words & {"wait", "hold", "hang", "moment", "sec", "second", "minute", "think"})
        and words <= _WAIT
    )


def wants_it_again(text: str) -> bool:
    """Tell whether a short message asks to do what was just done once more ("try again please")."""
    words = set(_words(text))
    again = words & {"again", "retry", "repeat", "more", "another"}
    return bool(again) and words <= _AGAIN | _YES | _LEADS


def takes_back(text: str) -> bool:
    """Tell whether what reads as a yes holds a condition or a no as well."""
    return _TAKEN_BACK.search(_plain(text)) is not None


def points_back(text: str) -> bool:
    """Tell whether a message is so short and vague that it speaks of what was said before."""
    words = _words(text)
    return 0 < len(words) <= _SHORT and bool(_POINTS & set(words)) and "?" not in text


def _plain(text: str) -> str:
    return text.casefold().replace("\u2019", "'")


def _words(text: str) -> list[str]:
    said = _plain(text)
    for pattern, word in _PHRASES:
        said = pattern.sub(word, said)
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", said)


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _verbs(offered: list[str]) -> set[str]:
    """What is to be done: the word after "yes" on the button and after "shall I" in the question."""
    after = {"yes": 1, "shall": 2}
    places = [place + after[word] for place, word in enumerate(offered) if word in after]
    return {offered[place] for place in places if place < len(offered)} - _FILLERS


def consent_mark(diagnosis: Diagnosis) -> str:
    """A mark of what exactly was asked.

    Letters only: no masking rule takes them for a number.
    """
    digest = hashlib.sha256(diagnosis.question.encode()).hexdigest()[:12]
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))


def as_offered(diagnosis: Diagnosis, turn_key: str) -> dict[str, Any]:
    """What an attempt keeps of a question: its mark, its words, and the turn in which it was put."""
    return {"consent": consent_mark(diagnosis), "offered": offer(diagnosis), "offered_in": turn_key}


def offer(diagnosis: Diagnosis) -> str:
    """What the user is asked, as it is kept for reading their answer: the button and the question."""
    return f"{diagnosis.yes}. {diagnosis.question}"[:300]
