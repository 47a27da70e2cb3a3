"""Finds street addresses: a number with a street's name in the ways of several languages, and what follows
it.

A street is a kind word (`Street`, `rue`, `-straße`, `Calle`), a name of some words and a house number, in
the order of the country; unit, town, region and post code behind it belong to it. After words such as "my
address is" a number and a name suffice. Post boxes and post codes that are called so are found too.
"""

import re
from collections.abc import Iterator

from security.privacy.masking_text import FILL, Span

_KIND = (
    r"(?:street|str|st|avenue|ave?|av|road|rd|boulevard|blvd|lane|ln|drive|drv?|court|ct|place|pl|square"
    r"|sq|terrace|terr?|parkway|pkwy|pky"
    r"|highway|hwy|circle|cir|way|ways|trail|trl|crescent|cres|close|mews|grove|gardens?|gdns|hill|hills"
    r"|row|walk|alley|aly|plaza|plz|loop|pike|turnpike|tpke"
    r"|crossing|xing|ridge|rdg|run|path|pass|point|pt|heights|hts|views?|parks?|green|quay|wharf|broadway"
    r"|expressway|freeway|causeway|esplanade"
    r"|bypass|byway|junctions?|manors?|meadows?|mills?|mount|mountains?|orchard|ports?|prairie|ranch"
    r"|rapids|rest|river|shoals?|shores?|skyway|springs?|spurs?"
    r"|squares|stravenue|stream|streets|summit|throughway|trace|track|trafficway|tunnel|underpass|unions?"
    r"|valleys?|via|viaduct|village|ville|vista|walks|wall|wells?"
    r"|bayou|beach|bend|bluffs?|bottom|branch|bridge|brooks?|burgs?|camp|canyon|cape|centers?|centre"
    r"|cliffs?|club|common|corners?|course|courts|cove|creek|crest"
    r"|dale|dam|divide|estates?|extensions?|falls?|ferry|fields?|flats?|fords?|forest|forges?|forks?|fort"
    r"|gateway|glens?|groves|harbors?|harbours?|haven|hollow|inlet|islands?|isle"
    r"|keys?|knolls?|lakes?|landing|light|lights|loaf|locks?|lodge|neck|oval|overpass|passage|pines?"
    r"|plains?|radial|ridges|marg|nagar|chowk|arcade|colonnade|polku)"
)
_SURE_KIND = (
    r"(?:street|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|court|square|terrace|parkway|pkwy|highway"
    r"|hwy|crescent|mews|alley|plaza|st|str)"
)
_NAME = r"[^\W\d_][\w'’.-]{0,24}"
_HOUSE = r"(?:(?:no|nr|number|apt|unit|flat|suite|#)\.?\s?)?#?\d{1,6}[A-Za-z]?(?:\s?[-/]\s?\d{1,5}[A-Za-z]?)?"
_ENGLISH = re.compile(
    rf"(?<![\w.,$€£-])(?P<house>{_HOUSE}),?[ ]+(?P<name>(?:(?:[NSEW]|NE|NW|SE|SW|north|south|east"
    rf"|west)\.?[ ]+)?(?:\d{{1,3}}(?:st|nd|rd"
    rf"|th)[ ]+)?(?:{_NAME}[ ]+){{0,4}}?)(?P<kind>{_KIND})\b\.?(?![ ]?[-/@])"
    r"(?:[ ]+(?:[NSEW]|NE|NW|SE|SW|north|south|east|west)\b)?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?<![\w-])(?P<name>(?:(?:the\scorner\sof\s)?[A-Z][\w'’-]{1,24}[ ]){1,3})(?:Street|Avenue|Boulevard"
    r"|Road|Lane|Drive|St\.|Ave\.?|Rd\.?|Blvd\.?)(?![\w-])"
)
_GERMANIC = re.compile(
    r"(?i)(?<!\w)(?:(?-i:[A-Z])[\w'-]{0,24}[ -]){0,3}(?:[A-Za-z][\w-]{0,30}(?:stra(?:ss|ß)e|strasse|str\.?"
    r"|weg|platz|gasse|allee|ring|damm|ufer|gatan|vagen|vej|veien|gade|gaten|gata|laan|straat|plein|gracht"
    r"|kade|singel|dijk|hof|katu|tie|kuja|utca|hegyi|stien)|stra(?:ss|ß)e|strasse|platz|utca|ut|ter"
    r"|krt\.?)"
    r"[ ,]{1,2}(?:nr\.?\s?)?\d{1,4}[ ]?[a-z]?(?![\w.:,]\d|\w)"
)
_ROMANCE = re.compile(
    r"(?i)(?<!\w)(?:\d{1,5}(?:\s?(?:bis|ter))?,?[ ])?(?:rue|plac|place(?=\s(?:du|des|de\sla|la|les"
    r"|d')\s)|avenue|av\.|avda\.?|avenida|boulevard|bd"
    r"|chemin|impasse|allee|quai|route|cours|calle|c/|carrer|paseo|plaza|ronda|camino|via|viale|piazza"
    r"|corso|vicolo|largo|strada|rua|travessa|praca|alameda|rodovia|estrada|ulica|ul\.|aleja|al\.|jalan"
    r"|jl\.)"
    r"[ ](?:(?:de|du|des|d'|la|las|le|les|los|el|del|della|delle|dei|di|da|do|dos|das|al|san|santa|saint"
    r"|st)[ ']?[ ]?){0,3}[A-Za-z][\w'-]{1,24}(?:[ ][A-Za-z][\w'-]{1,24}){0,4}?(?:[ ,]{1,2}(?:n[o°.]{0,2}\s"
    r"?)?\d{1,5}[ ]?[a-z]?\b|(?=[,\n.]|\Z))"
)
_ROMANCE_NAME = re.compile(
    r"(?:[Rr]ue|[Cc]alle|[Cc]arrer|[Vv]iale|[Pp]iazza|[Rr]ua)\s(?:(?:de|du|des|la|las|le|les|los|del|della"
    r"|di|da|do|dos)\s){0,3}[A-Z]"
)
_BOX = re.compile(r"(?i)\b(?:p\.?\s?o\.?\s?box|postfach|apartado|(?:PSC|Unit)\s\d{3,5},?\sBox)\s?#?\d{1,8}")
_PLOT = re.compile(
    r"(?i)(?<!\w)(?:plot|house|door|flat|shop|villa|h)\s?(?:no\.?|nr\.?|number"
    r"|#)?\s?#?\d{1,5}(?:[-/ ]?[A-Z0-9]{1,4})?"
    r"(?:,\s?|\s)(?:(?:sector|phase|block|lane|road|cross|main|street|ward)[ -]?[A-Z0-9]{1,4}\b"
    r"|(?-i:[A-Z][\w'-]{1,24})(?:[ ](?-i:[A-Z])[\w'-]{1,24}){0,3})"
    r"|(?<![\w-])(?-i:[A-Z]{1,2})[-/ ]?\d{1,4}(?:/\d{1,4})?[A-Z]?,?\s(?:(?-i:[A-Z])[\w'-]{1,24}\s){1,3}"
    r"(?:extension|extn|enclave|colony|nagar|vihar|park|layout|society|puram|apartments?|towers?|residency|garden)\b"
)
_MILITARY = re.compile(
    r"\b(?:USNS|USS|USNV|USCGC|Unit|PSC)\s[\w ]{2,24},?\n?[ ]?(?:FPO|APO|DPO)\s(?:A[AEP])\s\d{5}"
)
_POSTCODE = re.compile(
    r"(?i)\b(?:zip|post(?:al)?|plz|postcode)(?:[ -]?codes?)?(?:\s(?:is|now|for|me|of"
    r"|to)){0,2}\s?[:=]?\s{0,2}(?P<value>\d{4,6}(?:-\d{3,4})?(?!\d)|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"
    r"|[A-Z]\d[A-Z]\s?\d[A-Z]\d\b|\d{4}\s?[A-Z]{2}\b)"
)
_LIVES = re.compile(
    r"(?i)\b(?:(?:home|billing|shipping|delivery|mailing|postal|street|current|new|my|his|her"
    r"|our)\s(?:address|addr)|address(?:es)?|liv(?:e|es|ed|ing)|resid(?:e|es|ing)|located|"
    r"sent?d?\s(?:it|them|this|that|everything)|ship(?:ped)?(?:\s(?:it|them))?|deliver(?:ed)?(?:\s(?:it"
    r"|them))?|moved|meet(?:ing)?|house|apartment|flat|return|taxi|office|restaurant|offices)\b"
    rf"[^\d.!?{FILL}]{{0,28}}?(?P<value>(?<![\w$€£])\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,4}})?,?[ ]+{_NAME}(?:[ "
    rf"]{_NAME}){{0,3}})"
)
_UNIT = (
    r"(?:(?:apt|h\.?\s?no|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building|door|apto|piso|lgh|stiege|top"
    r"|interior|depto|lot|slip|space|dept)\.?\s?#?\s?[\w-]{1,8}|#\s?\w{1,6}|\d{1,3}(?:st|nd|rd"
    r"|th)\s(?:floor|fl))"
)
_REGION = (
    r"(?:A[LKZRAEP]|C[AOT]|D[EC]|F[LM]|G[AU]|HI|I[DLNA]|K[SY]|LA|M[EHDAINSOPT]|N[EVHJMYCD]|O[HKR]|P[WAR]"
    r"|RI|S[CD]|T[NX]|UT|V[TIA]|W[AVIY]|NSW|VIC|QLD|TAS|ACT|ON|BC|AB|QC)"
)
_ZIP = (
    r"(?:\d{5}(?:-\d{4})?|[A-Za-z]{1,2}\d[A-Za-z\d]?\s?\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z]\s?\d[A-Za-z]\d"
    r"|\d{4,6}(?:\s?[A-Z]{2})?|\d{3}-\d{4}|\d{3}\s\d{2}|[A-Z]{1,2}-\d{4,5}|\d{2}-\d{3})"
)
_PART = re.compile(
    rf"(?P<gap>(?:\.(?=\n[ ]?(?:[A-Z]{{1,2}}-)?\d))?[ ,\n>?-]{{1,8}})"
    rf"(?P<part>(?i:{_UNIT})(?![\w])|{_REGION}[ ,]{{1,2}}{_ZIP}\b"
    rf"|{_ZIP}(?:[ ][A-Z][\w'’-]{{1,24}}){{0,4}}(?![\w])"
    rf"|(?:[A-Z][\w'’./-]{{0,24}})(?:[ ](?:[A-Z][\w'’.-]{{0,24}}|de|la|le|du|del|of|and|the|am|an|upon|do"
    rf"|da|dos|el|al)){{0,4}}(?:[ ,]{{1,2}}{_REGION})?(?:[ ,]{{1,2}}{_ZIP})?(?=[,\n.;)!?]|\s*\Z))"
)
_LOWER_CITY = re.compile(
    rf"(?P<gap>,?[ ])(?P<part>(?:[a-z]+[ ]){{0,2}}[a-z]+,?[ ](?i:{_REGION})[ ,]{{1,2}}\d{{5}}\b)"
)
_CAP = r"[A-Z][\w'’./-]{0,24}"
_CAPS = rf"{_CAP}(?:[ ](?:{_CAP}|de|la|le|du|del|of|and|the|am|an|do|da|dos|di|u\\.)){{0,4}}"
_WITH_UNIT = re.compile(
    rf"(?<![\w.,$€£-])\d{{1,6}}[A-Za-z]?(?:[ /-]{{1,2}}\d{{1,5}})?(?:[ ][^\W\d_][\w'’./-]{{0,24}}){{1,5}}(?"
    rf":[ ]\d{{1,5}}\w?\.?)?[ ,\n>?]{{1,8}}(?i:{_UNIT})(?!\w)"
)
_UNIT_FIRST = re.compile(
    rf"(?<!\w)(?i:{_UNIT}|studio\s\d{{1,4}}\w?)[ ,\n]{{1,4}}(?:\d{{1,6}}[A-Za-z]?[ ]{_CAPS}|{_CAPS}(?=[,\n]))"
)
_NUMBER_FIRST = re.compile(
    rf"(?<![\w.,$€£#-])(?<!\d[ ])\d{{2,6}}[A-Za-z]?(?:[ /-]{{1,2}}\d{{1,5}})?[ ]{_CAPS}(?:[ ]\d{{1,5}}\w?)?"
    rf"(?=,[ ][A-Z]|[ ]?\n[ >?]*[A-Z,\d]|\s*\Z)"
)
_NUMBER_LAST = re.compile(
    rf"(?<!\w){_CAPS}[ ,]{{1,2}}\d{{1,4}}[ ]?[A-Za-z]?(?:[-/]\d{{1,4}})?,?[ \n]{{1,2}}(?:[A-Z]{{1,2}}-)?(?:"
    rf"\d{{4,6}}|\d{{3}}[ ]\d{{2}}|\d{{2}}-\d{{3}}|\d{{4}}[ ]?[A-Z]{{2}})[ ,]{{1,2}}{_CAPS}"
)
_AFTER_ADDRESS = re.compile(
    r"(?i)\b(?:address(?:es)?(?:\s(?:is|was|to|are|here\sthey\sare|it\sis|with|the\ssame|as)){0,6}\s?[:?]?"
    r"|liv(?:e|es|ed|ing)\s(?:at|in|on)|located\sat|resid(?:e|es|ing|ent)\s(?:at|in)|(?:ship|sent|send"
    r"|deliver(?:ed)?|moved?|mail(?:ed)?|post(?:ed)?|return(?:ed)?|arrived)\s(?:(?:it|them|this|that|me"
    r"|back|one)\s)?(?:to|at|from)|meet(?:ing)?\s(?:you\s|me\s)?at|(?:office|restaurant|shop|store|house"
    r"|home|flat)\sis\sat|taxi\sto|one\sto)"
    r"\s{1,6}(?P<value>(?:\d{1,6}[A-Za-z]?[ ,](?:[^\W\d_][\w'’./-]{0,24})(?:[ ](?!(?:and|but|please"
    r"|not|so|because|since|instead|thanks?|i|we|my|the)\b)[\w'’./-]{1,24}){0,4}"
    r"|[^\W\d_][\w'’.-]{1,24}(?:[ ][^\W\d_][\w'’.-]{0,24}){0,3}[ ,]{1,2}\d{1,4}[a-z]?\b(?![:.]\d"
    r"|\s?(?:am|pm|%|days?|hours?|minutes?|weeks?|years?))))"
)
_PREPOSITION = re.compile(
    rf"\b(?:to|at|in|from|is|address|:)[ \n]{{1,2}}(?P<value>\d{{2,5}}[A-Za-z]?[ ]{_CAP}[ ]{_CAP}"
    rf"|\d{{1,4}}/\d{{1,4}}[ ,\n]{{1,2}}{_CAP}[ ]{_CAP})"
)
_UNIT_LINE = re.compile(rf"(?<!\w)(?i:{_UNIT}|studio\s\d{{1,4}}\w?)[ ]?[,\n][ ]?{_CAP}(?:[ ]{_CAP}){{0,2}}")
_BEFORE = re.compile(
    rf"(?:(?<!\w)(?i:{_UNIT}"
    rf"|studio\s\d{{1,4}}\w?)[ ,\n]{{1,3}})?(?:(?<![\w.,$€£-])\d{{1,6}}[A-Za-z]?[ \n,]{{1,2}})?\Z"
)
_NO_NAME = re.compile(
    r"(?i)\b(?:the|a|an|of|in|my|is|are|was|to|and|or|for|on|at|it|days?|hours?|minutes?|times?|years?"
    r"|months?|weeks?|people|percent|items?|orders?|errors?|users?|i|you|we|they|that|this|with|from|by"
    r"|more|new|different|other|dollars?|euros?|pounds?|usd|eur|gbp|am|pm|steps?|points?|stars?|cards?"
    r"|payments?|cents?)\b"
)
_KIND_IS_WORD = re.compile(_SURE_KIND + r"\Z", re.IGNORECASE)


def find_streets(text: str) -> Iterator[Span]:
    """Find street addresses with what belongs to them, in the order of the text."""
    spans = [m.span() for m in _ENGLISH.finditer(text) if _is_street(m)]
    for pattern in (_GERMANIC, _ROMANCE, _BOX, _PLOT, _MILITARY):
        spans += [
            m.span()
            for m in pattern.finditer(text)
            if any(c.isdigit() for c in m[0]) or _ROMANCE_NAME.match(m[0])
        ]
    spans += [m.span("value") for m in _POSTCODE.finditer(text)]
    spans += [m.span("value") for m in _LIVES.finditer(text) if _is_place(m["value"])]
    spans += [m.span("value") for m in _AFTER_ADDRESS.finditer(text) if not _NO_NAME.search(m["value"])]
    spans += [m.span() for m in _NAMED.finditer(text) if not _NO_NAME.match(m["name"])]
    spans += [m.span("value") for m in _PREPOSITION.finditer(text) if not _NO_NAME.search(m["value"])]
    for pattern in (_WITH_UNIT, _UNIT_FIRST, _UNIT_LINE, _NUMBER_FIRST, _NUMBER_LAST):
        spans += [m.span() for m in pattern.finditer(text) if not _NO_NAME.search(m[0].replace(" and ", " "))]
    yield from _merged(sorted((_start(text, start), _whole(text, end)) for start, end in spans))


def _merged(spans: list[tuple[int, int]]) -> Iterator[Span]:
    start = end = -1
    for first, last in spans:
        if first > end:
            if end > 0:
                yield start, end, "street"
            start, end = first, last
        end = max(end, last)
    if end > 0:
        yield start, end, "street"


def _start(text: str, start: int) -> int:
    before = _BEFORE.search(text, max(0, start - 32), start)
    return before.start() if before and before[0].strip() else start


def _is_street(found: re.Match[str]) -> bool:
    name, kind = found["name"].strip(), found["kind"]
    if _NO_NAME.search(name) or FILL in found[0]:
        return False
    sure = _KIND_IS_WORD.match(kind) is not None
    if not name:
        return kind.lower() == "broadway"
    capital = name[0].isupper() or name[0].isdigit()
    return (sure and (len(kind) > 2 or capital or len(name.split()) <= 2)) or (capital and kind[0].isupper())


def _is_place(value: str) -> bool:
    name = value.lstrip("0123456789-/, ")
    return (
        not _NO_NAME.search(value)
        and name[:1].isalpha()
        and (name[0].isupper() or name[1:2].isupper() or " " in name)
    )


def _whole(text: str, end: int) -> int:
    for _ in range(6):
        part = _PART.match(text, end) or _LOWER_CITY.match(text, end)
        if part is None or part["gap"].count("\n") > 2 or ("\n" not in part["gap"] and "-" in part["gap"]):
            break
        if (
            part["part"][0].isupper()
            and part["gap"].strip(" ") == ""
            and not any(c.isdigit() for c in part["part"])
        ):
            break
        end = part.end()
    return end
