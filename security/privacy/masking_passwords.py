"""Finds passwords told in plain words, and keys and tokens that look like such.

The grammar round the noun "password" (and its kin): noun, link, value ("my password is hunter2", "pass=x"),
value and noun ("I typed hunter2 as my password", "hunter2 is my pw"), and a verb of typing with a value that
no word looks like, where the noun stands in the same sentence. A usual word after a link ("my password is
wrong") is none.
"""

import re
from collections.abc import Iterator

from security.privacy.masking_text import FILL, Span
from security.privacy.masking_urls import looks_random

_NOUN = (
    r"pass[ -]?(?:word|phrase|code|wd)s?|p[a@4]?[s$5]{1,3}[a-z]{0,2}w[a-z0]{0,3}[dt]s?|p\sa\ss\ss\sw\so\sr\sd"
    r"|kennwort|mot\sde\spasse|contrase(?:ñ|n)a|senha|parola|has[łl]o|wachtwoord"
    r"|pwds?|pw|psw|psswd|passw|(?:api|access|secret|private|auth|license|licence|encryption"
    r"|signing|recovery|product|activation)[ _-]?(?:key|token)s?"
    r"|client[ _-]?secret|secret|token|credentials?|creds|security\sanswer|memorable\s(?:word|name)"
    r"|security\sword|answer\s(?:to|for)\s(?:my|the|that)\s(?:security|secret)\squestion|(?:php|j"
    r"|asp)?_?sess(?:ion)?[ _-]?id|session(?=\s?=)|sid(?==)"
)
_MARKUP = r"[*_`]{1,3}|</?[a-z]{1,8}>"
_FORWARD = re.compile(
    rf"(?i)(?<![a-z])(?:(?P<word>{_NOUN})|(?P<short>pass|login|user(?:name)?\s?(?:/|and|&|\+)\s?pass\w*"
    rf"|mothers?['’]?s?\smaiden\sname))"
    r"(?:\s(?:(?:that|which)\s)?(?:i|we|you|u|he|she|they)(?:['’]\w{1,2})?(?:\s[a-z]{2,10}){1,3}?"
    r"(?=\s(?:is|was)\s|\s?[:=]))?"
    r"(?P<of>\s(?:for|to|on|of|at)\s(?:(?:my|the|your|our|this)\s)?[\w.@-]{1,24}(?:\s(?:account|app|site"
    r"|portal|login))?(?=\s(?:is|was|=)|\s?[:=]))?"
    rf"(?P<link>(?:[\"']|{_MARKUP})?\s{{0,3}}(?:[:=]{{1,2}}>?|->|=>|~|\||/(?=\s))(?:{_MARKUP})?\s{{0,3}}"
    r"|(?:\s{1,3}|['’]s\s|\s{0,2},\s?)(?:(?:is|was|are|were|being|to|as|['’]?s|should\sbe|set\sto|reads"
    r"|which\sis|it['’]?s|(?:would|could|might|must|will|used\sto)\sbe|lautet|ist|war|es|era|est|era)\s{1,3})"
    r"(?:(?:now|just|still|currently|simply|literally|actually|called|set\sto|set\sas"
    r"|changed\sto)\s{1,3}){0,2}[:=]?\s{0,3}"
    r"|['’]s\s{1,3}"
    r"|\s{1,3}(?=[^\s\"'`]{0,64}\d))"
    rf"(?P<value>\"[^\"\n]{{1,200}}+\"|'[^'\n]{{1,200}}+'|`[^`\n]{{1,200}}+`"
    rf"|[^\s\"'`{FILL}][^\s{FILL}]{{0,199}}+)"
)
_AS_NOUN = re.compile(
    rf"(?i)(?:\b(?:as|for|in|into|is|was|being|=)|['’]s|(?<=[ <>-])(?:that|it)s)\s{{1,3}}(?:(?:my|the"
    rf"|a|our|his|her|your|their|new"
    rf"|old|current|login|account|wifi|email|bank|main|master|temporary|temp|secret|real"
    rf"|actual)\s{{1,3}}){{0,4}}(?:{_NOUN}|pass|login|pass\s?phrase|passkey)(?![a-z])"
)
_VERB = re.compile(
    r"(?i)\b(?:typ(?:ed?|ing)|enter(?:ed|ing)?|us(?:ed?|ing)|put|tried|try(?:ing)?|set|chose|choose|have"
    r"|had|picked|writ(?:e|ten)|wrote|gave|give|input(?:ted)?|keyed|made|changed|submitted|pasted)"
    r"\s{1,3}(?:(?:in|it|that|to|with|up|out|this|my|password|pw)\s{1,3}){0,3}(?P<value>\"[^\"\n]{1,80}+\""
    r"|'[^'\n]{1,80}+'|[^\s\"'][^\n]{0,60}?)\s{1,3}\Z"
)
_BARE_VALUE = re.compile(
    r"(?:\A|[\s(,:])(?P<value>\"[^\"\n]{1,80}+\"|'[^'\n]{1,80}+'|[^\s\"',(]{1,80}+)"
    r"[\s,]{1,3}(?:(?:[<(=–-]{1,3}>?\s?)?(?:that|this|it)(?:['’]s)?\s)?(?:[<(=–-]{1,3}>?\s?)?\Z"
)
_TYPED = re.compile(
    r"(?i)\b(?:(?:typ(?:ed?|ing)|enter(?:ed|ing)?|us(?:ed?|ing)|tried|try(?:ing)?|chose|wrote|input|keyed"
    r"|put(?:ting)?|log(?:ged|ging)?\sin|sign(?:ed|ing)?\sin|login)"
    rf"\s{{1,3}}(?:(?:in|with|it|as|using|exactly|out"
    rf"|again)\s{{1,3}}){{0,3}}){{1,3}}(?P<value>\"[^\"\n]{{1,80}}+\"|'[^'\n]{{1,80}}+'"
    rf"|[^\s\"'{FILL}]{{1,80}}+)"
)
_NEAR_NOUN = re.compile(rf"(?i)(?<![a-z])(?:{_NOUN})(?![a-z])")
_PAIR = re.compile(
    rf"(?i)\b(?:log-?in|log\sin|sign\sin|credentials?|creds|user(?:name)?(?:\s?/\s?"
    rf"|\sand\s)pass(?:word)?)(?:\s(?:details?|info|data|credentials?))?\s?(?P<link>is|are|with|:|=)?"
    rf"\s{{0,2}}(?P<user>[^\s{FILL}/:]{{2,64}}+|{FILL})\s{{0,2}}[/:|]\s{{0,2}}(?P<value>[^\s{FILL}]{{3,64}}+)"
)
_USUAL_WORDS = """
a about above access account again all already also always an and any anything asked be because been before
being below blank broken but by can cannot cant case changed compromised correct could did different does
doesnt dont email empty enter enough expired expiring false field fine first for forgotten from get getting
gone good has have help her here his how i if ignored in incorrect invalid is isnt it its just keep leaked
like locked log login long lost mail make manager me missing more must my needed never new nil no none not
nothing now null of off ok okay old on only open or our out page please protected rejected required reset
reuse right same saved secure sent set shall short should shown sign sms so some something somewhere still
stolen strong stuck than that the their them there they this time to too true turned undefined unknown unlock
up use used username valid very via visible was wasnt we weak well were what when where which while who why
will with without work working works would wrong yes yet you your
"""
_NOT_A_SECRET = frozenset(_USUAL_WORDS.split())
_WORD_ENDING = re.compile(r"[a-z]{2,}(?:ed|ing|ly|able|ible)")
_MOST_WORDS = 5
"""Words of a password in quotation marks; more of them are somebody's sentence."""
_JOINING_WORDS = "thanks thank help says said tell tells asap since then also bye cheers"


def find_passwords(text: str) -> Iterator[Span]:
    """Find passwords, keys and tokens by the words round them."""
    spans = sorted(
        [
            *_after_noun(text),
            *_before_noun(text),
            *_typed(text),
            *_pairs(text),
            *_mixed(text),
            *_further(text),
        ]
    )
    done = 0
    for start, end in spans:
        if start >= done:
            yield start, end, "secret"
            done = end


def _after_noun(text: str) -> Iterator[tuple[int, int]]:
    for found in _FORWARD.finditer(text):
        if found["short"] and not re.search(r"[:=|~>]|\b(?:is|was)\b|['’]s", found["link"]):
            continue
        if found["short"] and found["short"].lower() == "login" and "=" not in found["link"]:
            continue
        start, end = _trimmed(text, *found.span("value"), keep=bool(re.search(r"[:=]", found["link"])))
        if start >= end:
            continue
        value = text[start:end]
        strict = found["link"].strip() in ("", "/")
        if not strict and not _is_value(value) and value.isalpha():
            end = _phrase_end(text, end)
            if end == found.start("value") + len(value):
                continue
            yield start, end
            continue
        if (strict and not _looks_typed(value)) or not _is_value(value):
            continue
        if value.isalpha() and re.search(r"(?i)\b(?:is|was|[:=])", found["link"]):
            end = _phrase_end(text, end)
        groups = _FURTHER_GROUPS.match(text, end) if any(c.isdigit() for c in value) else None
        yield start, groups.end() if groups and len(value) <= 8 else end


_FURTHER_GROUPS = re.compile(r"(?:[ -](?=[A-Za-z]{0,7}\d)[A-Za-z0-9]{2,8}+(?![\w.,/:-]\w|:)){1,9}+")


def _before_noun(text: str) -> Iterator[tuple[int, int]]:
    for noun in _AS_NOUN.finditer(text):
        start = max(0, noun.start() - 100)
        before = text[start : noun.start()].rpartition("\n")
        head = before[2] if before[1] else before[0] or before[2]
        head = text[noun.start() - len(head) : noun.start()]
        base = noun.start() - len(head)
        spaced = head[-1:].isspace() or head[-1:] in ("'", '"')
        head_space = head if spaced else head + " "
        verbs = list(_VERB.finditer(head_space))
        verb = verbs[-1] if verbs else None
        link = text[noun.start() : noun.start() + 3].lower().strip()
        if verb is not None and link not in ("is", "was"):
            span = _trimmed(text, base + verb.start("value"), min(base + verb.end("value"), noun.start()))
            value = text[slice(*span)]
            if value and FILL not in value and len(value.split()) <= _MOST_WORDS and _is_value(value):
                yield span
            continue
        bare = _BARE_VALUE.search(head_space)
        if bare is not None:
            span = _trimmed(text, base + bare.start("value"), min(base + bare.end("value"), noun.start()))
            value = text[slice(*span)]
            if value and FILL not in value and _is_value(value) and _named_as(link, value):
                yield span


def _named_as(link: str, value: str) -> bool:
    return (link in ("is", "was", "=", "as") and (link != "as" or _looks_typed(value))) or _looks_typed(value)


def _typed(text: str) -> Iterator[tuple[int, int]]:
    if not _NEAR_NOUN.search(text):
        return
    for found in _TYPED.finditer(text):
        start, end = _trimmed(text, *found.span("value"))
        if (
            start < end
            and len(text[start:end].split()) <= _MOST_WORDS
            and _looks_typed(text[start:end])
            and _NEAR_NOUN.search(text, max(0, start - 90), end + 90)
        ):
            yield start, end


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    for found in _PAIR.finditer(text):
        start, end = _trimmed(text, *found.span("value"))
        if (
            start < end
            and _is_value(text[start:end])
            and not text[start:end].startswith("//")
            and (found["link"] is not None or _looks_typed(text[start:end]))
        ):
            first = found.start("user")
            yield (start if text[first] == FILL or not _is_value(found["user"]) else first), end


_MIXED = re.compile(rf"(?:(?<=[\s\"'`({FILL}])|\A)[^\s\"'`(/{FILL}\\]{{7,64}}+(?!/)")
_LOGIN = re.compile(
    r"(?i)(?<![a-z])(?:log(?:ged|ging|s)?[ -]?(?:in|on)|sign(?:ed|ing|s)?[ -]?(?:in|on|up)|typ(?:ed?|ing)"
    r"|enter(?:ed|ing|s)?|key(?:ed)?\sin|reject\w{0,3}|refus\w{1,3}|lock(?:ed)?\sout|unlock|credentials?"
    r"|(?:re)?set\s(?:it|that|them|mine)\sto|chang(?:ed?|ing)\s(?:it|that|them|mine)\sto"
    r"|try(?:ing)?|tried|neither\sworks?)(?![a-z])"
)


def _mixed(text: str) -> Iterator[tuple[int, int]]:
    """Find what only a password looks like: letters, digits and signs in one run, more freely where somebody
    tells of signing in.
    """
    near: bool | None = None
    for found in _MIXED.finditer(text):
        start, end = _trimmed(text, *found.span())
        named = _NAMED_VALUE.match(text, start, end)
        start = named.end() if named else start
        value = text[start:end]
        signs = set(value) & _SIGNS
        if not signs or not (any(c.isdigit() for c in value) and sum(c.isalpha() for c in value) >= 4):
            continue
        usual = _NO_PASSWORD.fullmatch(value) and not _SET_TO.search(text, max(0, start - 24), start)
        if usual or _IN_CODE.search(value) or "@" in value or "://" in value:
            continue
        if near is None:
            near = _LOGIN.search(text) is not None or _NEAR_NOUN.search(text) is not None
        if near or (signs & _RARE_SIGNS and not value.islower() and not value.isupper()):
            yield start, end


def _further(text: str) -> Iterator[tuple[int, int]]:
    """Find another password beside one that was found: "old one [secret], new one ..."."""
    if FILL in text and (_PASS_OR_NOUN.search(text) or _LOGIN.search(text)):
        for found in _BESIDE.finditer(text):
            start, end = _trimmed(text, *found.span("value"))
            if start < end and _looks_typed(text[start:end]) and any(c.isalpha() for c in text[start:end]):
                yield start, end


_BESIDE = re.compile(
    rf"{FILL}[\"'!?.,]{{0,2}}\s?(?:(?:and|or|nor|then|now|new|old|other|one|is|was|to|also|even|from|back|again|->|/)[\s,:]{{1,2}}){{1,4}}"
    rf"[\"']?(?P<value>[^\s\"'{FILL}]{{6,64}})"
)
_PASS_OR_NOUN = re.compile(rf"(?i)(?<![a-z])(?:{_NOUN}|pass)(?![a-z])")
_NAMED_VALUE = re.compile(r"(?:[?&][A-Za-z_]|[a-z_])[\w.-]{0,40}=(?=[^=])")
_SET_TO = re.compile(
    r"(?i)(?:set|chang(?:ed?|ing))\s(?:it|that|them|mine|this)\s(?:back\s)?to\s\Z|\b(?:with|using|typed?|entered|enter|tried)\s\Z"
)

_IN_CODE = re.compile(r"[\[\](){}<>;|]|%[0-9A-F]{2}.*%[0-9A-F]{2}")
_SIGNS = frozenset("!#$%^&*_+=?~")
_RARE_SIGNS = frozenset("#$%^&*+~")
_NO_PASSWORD = re.compile(
    r"[A-Za-z]+[#$]\d+(?:[.,]\d+)?[\w,.]{0,3}|[A-Za-z]?[a-z]+[!?]+\d{1,2}[a-z]{0,2}|\d+[%+][A-Za-z]+|[\d.,:]+[*+=x_-][\d.,:]+\w{0,4}"
    r"|[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}|[A-Z]+(?:_[A-Z0-9]+){1,9}+|[a-z]+(?:_[a-z]+){0,9}_[a-z]?\d{1,3}"
    r"|[\w.-]{1,40}=[\d.,]+%?|(?:[A-Za-z]+\+){1,4}[A-Za-z]?\d{0,2}|[\w.]*&#?\w+[;=].*|\w+![A-Z]{1,2}\d+.*"
)


def _trimmed(text: str, start: int, end: int, *, keep: bool = False) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in "("):
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end and text[start] in "\"'`" and text[end - 1] == text[start] and end - start > 2:
        return start, end
    closing = ".,;" if keep else ".,;!?)"
    while start < end and text[end - 1] in closing + "\"'`":
        end -= 1
    return start, end


def _phrase_end(text: str, end: int) -> int:
    """A pass phrase goes on over further plain words, until one that belongs to the sentence."""
    position, words = end, 0
    while words < 6 and position < len(text) and text[position] == " ":
        found = re.compile(r" [A-Za-z]{3,20}(?=[\s.,;!?]|\Z)").match(text, position)
        if found is None or not _is_value(found[0].strip()) or found[0].strip().lower() in _JOINING:
            break
        position, words = found.end(), words + 1
    return position if words >= 2 else end


_JOINING = frozenset(_JOINING_WORDS.split())


def _is_value(value: str) -> bool:
    plain = value.strip("\"'`.,;!?()").replace("'", "").replace("’", "").lower()
    if not plain:
        return False
    if value[0] in "\"'`" and value[-1] == value[0]:
        return plain not in _NOT_A_SECRET
    return not (all(w in _NOT_A_SECRET for w in plain.split()) or _WORD_ENDING.fullmatch(plain))


def _looks_typed(value: str) -> bool:
    """Tell something typed from a word: quoted, or letters mixed with digits or signs; no order number or
    date.
    """
    if value[0] in "\"'`":
        return len(value) > 3
    if re.fullmatch(
        r"[A-Z]{2,4}-\d{3,8}|\d{1,3}|\d+(?:[.,:/-]\d+)+|\d{1,2}(?:st|nd|rd|th|am|pm|h|x|%)"
        r"|[A-Za-z]+[-/][A-Za-z]+",
        value,
    ):
        return False
    if value.isalpha() and len(value) >= 8 and looks_random(value):
        return True
    letters, digits = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    signs = any(c in "!@#$%^&*_+=?~" for c in value[:-1]) or (value[-1] in "@#$%^&*_+=~")
    return (letters and (digits or signs)) or (
        digits and len(value) >= 4 and not re.fullmatch(r"(?:19|20)\d\d", value)
    )


_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]++(?:\.[\w-]*+)*+")
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)\s{1,3}(?P<value>[\w.~+/=-]{8,}+)")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|whsec)[-_](?:live|test|proj|ant)?[-_]?|gh[pousr]_|github_pat_|glpat-"
    r"|npm_|pypi-|hf_|dop_v1_"
    r"|shp(?:at|ss|ca)_|SG\.|xox[abeprs]-|xapp-|AKIA|ASIA|AIza|ya29\.|sq0[a-z]{3}-|dckr_pat_|key-"
    r"|AC(?=[0-9a-f]{32}))[\w.-]{12,}+"
)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{2,40}-----[A-Za-z0-9+/=\s:,.-]{0,8000}+(?:-----END [A-Z ]{2,40}-----)?"
)
_LONG = re.compile(r"(?<![A-Za-z0-9_+/=-])[A-Za-z0-9_+/=-]{20,}+")
_OWN_ID = re.compile(r"^[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}$")
_UUID = re.compile(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


def find_tokens(text: str) -> Iterator[Span]:
    """Find keys that say so themselves: JWTs, bearer tokens, keys of known services, private keys in
    blocks.
    """
    spans = [m.span() for m in _JWT.finditer(text)] + [m.span() for m in _PREFIXED.finditer(text)]
    spans += [m.span("value") for m in _BEARER.finditer(text) if FILL not in m[0] and _is_bearer(m["value"])]
    if "-----BEGIN" in text:
        spans += [m.span() for m in _KEY_BLOCK.finditer(text)]
    for start, end in sorted(spans):
        yield start, end, "token"


def _is_bearer(value: str) -> bool:
    return any(c.isdigit() for c in value) or not value.islower()


def find_random(text: str) -> Iterator[Span]:
    """Find long runs of letters and digits that no word, slug or id of ours looks like."""
    for found in _LONG.finditer(text):
        if _is_random(found[0]):
            yield *found.span(), "token"


def _is_random(run: str) -> bool:
    if _OWN_ID.match(run) or _UUID.match(run):
        return False
    for part in re.split(r"[-_/+=]", run):
        digits = sum(c.isdigit() for c in part)
        letters = len(part) - digits
        if len(part) >= 16 and digits >= 2 and letters >= 2 and not _OWN_ID.match(f"id_{part}"):
            return True
    digits = sum(c.isdigit() for c in run)
    if digits >= 4 and any(c.isupper() for c in run) and any(c.islower() for c in run) and "/" not in run:
        return not all(re.fullmatch(r"[A-Z]?[a-z]+|\d+|[A-Z]+", part) for part in re.split(r"[-_+=]", run))
    return any(
        len(p) >= 20 and looks_random(p) and any(c.isupper() for c in p) for p in re.split(r"[-_/=]", run)
    )
