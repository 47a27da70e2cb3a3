"""Finds numbers and secrets by the word that says what they are, before or after them.

`Announced` is a small grammar round a noun: noun, up to some words, value ("the code you sent me is 6 1 2
9"), or value, a link, up to some words, noun ("6129 was the code", "I typed hunter2 as my password"). All
windows are bounded, so the work is linear in the length of the text.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from security.privacy.masking_text import FILL, Span

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|januar|februar|marz|maerz|mai|juni|juli|oktober|dezember"
    r"|janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|novembre|decembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|januari|februari|maart|mei|augustus|janeiro|fevereiro|marco|maio|junho|julho|setembro|outubro|novembro"
    r"|dezembro)\.?"
)
_DAY = r"(?:the\s)?[0-3]?\d(?:st|nd|rd|th|er|\.)?(?:\s(?:day\s)?of|\sde)?"
_YEAR = r"(?:(?:19|20)\d{2}|['’]?\d{2})(?!\d)"
DATE = (
    rf"(?:\d{{4}}\s?[-/.,_ |\\]\s?[01]?\d\s?[-/.,_ |\\]\s?[0-3]?\d(?!\d)"
    rf"|[0-3]?\d\s?[-/.,_ |\\]\s?[0-3]?\d\s?[-/.,_ |\\]\s?{_YEAR}"
    rf"|{_DAY}[\s,/_-]{{0,3}}{_MONTH}(?:[\s,/_-]{{0,3}}(?:(?:de|del|of|in)\s)?{_YEAR})?(?![a-z])"
    rf"|{_MONTH}[\s,/_-]{{1,3}}(?:the\s)?[0-3]?\d(?:st|nd|rd|th)?(?!\d)(?:[\s,/_-]{{1,3}}(?:of\s)?{_YEAR})?"
    r")"
)
"""A date in any usual writing; without a word such as "born" near it is no secret."""
_SEP = r"[ \-./\\_:|*~]"
_CODE_LIKE = (
    r"(?<![A-Za-z0-9])(?:[A-Z]{1,3}[ -]?(?=\d)|[A-Za-z]{1,16}(?=\d))?\d[A-Za-z0-9]*+"
    rf"(?:(?:{_SEP}{{1,3}}+|,(?=\d))(?=[A-Za-z]{{0,12}}\d)[A-Za-z0-9]++)*+"
)
_SPELLED_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
SPELLED = rf"(?i:\b{_SPELLED_DIGIT}(?:[ ,.-]{{1,3}}(?:{_SPELLED_DIGIT}|\d)\b){{2,24}})"
_LINK_BEFORE_NOUN = re.compile(
    r"(?i)\s{0,2}(?:[=(\[-]{1,2}|<?[-=]{1,2}>?|[-–<]{1,2}\s?(?:that|this|it)|,\s?(?:that|this|it)(?:['’]?s"
    r"|\sis)|\b(?:is|was|are|were|as|being|for|into|in)\b"
    r"|['’]s\b)(?:\s{0,2}[a-z'’-]{1,14}){0,5}[\s\"'(:-]{0,3}\Z"
)
_UNIT = re.compile(
    r"(?i)\s?(?:times?|days?|weeks?|months?|years?|hours?|hrs?|minutes?|mins?|seconds?|secs?|digits?"
    r"|characters?|chars?"
    r"|letters?|attempts?|tries|euros?|dollars?|pounds?|eur|usd|gbp|%|€|£|people|users|percent|points|am"
    r"|pm|o['’]clock"
    r"|mb|gb|kb|ms|items?|letters|business|working)\b|\s?[%€£$]"
)
_MONEY = re.compile(r"(?i)(?:[$€£¥]|\b(?:eur|usd|gbp|chf|rs\.?|inr))\s?\Z")
_WHEN = re.compile(
    r"(?i)\b(?:in|since|until|till|by|on|at|after|before|within|every|last|over|than|about|around|least"
    r"|most)\s\Z"
)
_A_DATE = re.compile(
    rf"(?i){DATE}(?:[T ]\d{{1,2}}:\d{{2}}.*)?|\d{{1,2}}:\d{{2}}(?::\d{{2}})?.*|(?:19|20)\d{{2}}"
)
_RECORD = re.compile(r"[A-Z]{2,4}-\d{3,8}(?:-\d{1,6})?")
_NOT_SECRET_CODE = re.compile(
    r"(?i)\b(?:error|err|promo(?:tion(?:al)?)?|discount|coupon|voucher|referral|zip|post(?:al)?|country"
    r"|area|dial(?:l?ing)?"
    r"|status|exit|response|bar|qr|source|sku|product|tracking|return|http|item|model|style|colou?r"
    r"|currency|language"
    r"|dress|building|reason|stop|airport|diagnostic|fault|state|class|order|job|school|course|pickup"
    r"|campaign|hs|tax)\W{0,2}\Z"
)
_CODE_TOLD = re.compile(
    r"(?i)\b(?:sen[dt]|texte?d?|e-?mail(?:ed)?|message|received?|got|get|sms|phone|app|authenticator|verif\w+"
    r"|enter(?:ed)?|typed?|is|was"
    r"|are|reads?|says|said|shows?|it['’]?s|gave|generated|came|used?|put|here|lautet|ist|war|est|es|era"
    r"|re[cç]u|recibid[oa]|ricevuto|erhalten\w*|bekommen\w*)\b|[:=#>]"
)
_WHOSE = re.compile(r"(?i)\b(?:my|your|ur|mine)\s\Z")
_SENT = re.compile(
    r"(?i)[\s,]{1,2}(?:(?:that|which)\s)?(?:you|u|they)\s(?:just\s|have\s)?(?:sent|texted|gave|mailed)\b"
)


@dataclass(frozen=True)
class Announced:
    """A kind of number that a noun announces.

    `digits` bounds how many digits the value has; `value` is its form; `check` may refuse one by the whole
    text and the noun's and the value's place; `reach` bounds the characters between; `back` allows the noun
    to come last; `mixed` counts the letters of a value of letters and digits, such as "c4vmkf7h2", too.
    """

    label: str
    noun: re.Pattern[str]
    digits: tuple[int, int]
    value: str = _CODE_LIKE
    check: Callable[[str, re.Match[str], int, int], bool] = field(default=lambda *_: True)
    reach: int = 44
    back: bool = True
    dates: bool = False
    mixed: bool = False

    def __post_init__(self) -> None:
        gap = (
            rf"(?:\b[Nn][or]\.|[.?!]\s[Ii]t(?:['’]?s|\sis|\swas)\b|[?](?=\s?[A-Z0-9])"
            rf"|[^\d.!?;{FILL}]|[.](?=\S)){{0,{self.reach}}}?"
        )
        object.__setattr__(self, "_after", re.compile(rf"{gap}(?P<value>{self.value}|{SPELLED})"))
        object.__setattr__(self, "_before", re.compile(rf"(?P<value>{self.value}|{SPELLED})"))

    def __call__(self, text: str) -> Iterable[Span]:
        done = 0
        for noun in self.noun.finditer(text):
            if noun.start() < done:
                continue
            span = self._following(text, noun)
            if span is None and self.back:
                span = self._leading(text, noun, done)
            if span is not None:
                yield *span, self.label
                done = max(span[1], done)

    def _following(self, text: str, noun: re.Match[str]) -> tuple[int, int] | None:
        found = self._after.match(text, noun.end())  # type: ignore[attr-defined]
        return self._accepted(text, noun, found.span("value")) if found else None

    def _leading(self, text: str, noun: re.Match[str], done: int) -> tuple[int, int] | None:
        start = max(done, noun.start() - 64)
        while start > max(done, noun.start() - 80) and text[start - 1].isalnum():
            start -= 1
        for found in reversed(list(self._before.finditer(text, start, noun.start()))):  # type: ignore[attr-defined]
            if _LINK_BEFORE_NOUN.match(text[found.end() : noun.start()]):
                return self._accepted(text, noun, found.span("value"))
            break
        return None

    def _accepted(self, text: str, noun: re.Match[str], span: tuple[int, int]) -> tuple[int, int] | None:
        start, end = span
        value = text[start:end]
        if not value[0].isdigit() and re.match(SPELLED, value):
            return (
                span if len(value.split()) >= self.digits[0] and self.check(text, noun, start, end) else None
            )
        count = sum(c.isdigit() for c in value)
        if self.mixed and 2 <= count < self.digits[0] and sum(c.isalnum() for c in value) >= 7:
            count = self.digits[0]
        if not self.digits[0] <= count <= self.digits[1]:
            return None
        if not self.dates and (_A_DATE.fullmatch(value) or _RECORD.fullmatch(value)):
            return None
        if _UNIT.match(text, end) or _MONEY.search(text[max(0, start - 6) : start]):
            return None
        return span if self.check(text, noun, start, end) else None


def _is_secret_code(text: str, noun: re.Match[str], start: int, end: int) -> bool:
    """A bare "code" is a secret one unless it is called otherwise, such as an error or a promotion code."""
    if _WHEN.search(text[max(0, start - 10) : start]):
        return False
    if noun["bare"] is None:
        return True
    before = text[max(0, noun.start() - 24) : noun.start()]
    between = text[noun.end() : start] if start >= noun.end() else text[end : noun.start()]
    if _NOT_SECRET_CODE.search(before) or re.search(
        r"(?i)\berror\b", text[max(0, noun.start() - 40) : noun.start()]
    ):
        return False
    if _CODE_TOLD.search(between) is not None or _CODE_TOLD.search(before) is not None:
        return True
    return start >= noun.end() and (
        (between.strip() == "" and _WHOSE.search(before) is not None) or _SENT.match(text, end) is not None
    )


def _is_account(text: str, noun: re.Match[str], start: int, end: int) -> bool:
    """A bare "account" is one at a bank where something else of the text speaks of one."""
    if noun["plain"] is not None and (
        sum(c.isdigit() for c in text[start:end]) < 6 or _BANK.search(text) is None
    ):
        return False
    return _not_when(text, noun, start, end)


_BANK = re.compile(r"(?i)\b(?:sort|routing|aba|bsb|iban|bank|swift|bic|transit|wire)\b")


def _not_when(text: str, _noun: re.Match[str], start: int, _end: int) -> bool:
    return _WHEN.search(text[max(0, start - 10) : start]) is None


def _noun(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![a-z0-9])(?:{pattern})(?![a-z])")


_NUMBER = r"(?:\s?(?:numbers?|num|no\.?|nr\.?|#|id|code))?"
CODES = Announced(
    "secret",
    _noun(
        r"(?P<bare>codes?|codigos?|codice)|(?:2|two)[ -]?step(?:\s(?:numbers?|codes?|pin))?|2\s?fa|mfa"
        r"|otps?|totp|tan|one[ -]?time[ -]?(?:pass(?:word|code)|code|pin|key)s?"
        r"|pin['’]?s?(?:[ -]?(?:code|number|no\.?))?"
        r"|(?:security|verification|login|log-?in|sms|backup|recovery|auth(?:entication|enticator"
        r"|orization)?|access|unlock"
        r"|activation|pairing|reset|2fa|two[ -]factor|sign-?in|confirmation|gift[ -]?card|entry|door|gate"
        r"|alarm|safe)[ -]?codes?|(?:verification|authentication|login|sms|sign-?in)\s(?:no\.?|nr\.?|number)"
        r"|pass-?codes?|cvv2?|cvc2?|csc|security\s(?:no\.?|nr\.?|num(?:ber)?|digits)|(?:digits|numbers?|code)\s(?:on|at|from)\s(?:the|its|my)\sback"
        r"|two[ -]factor|authenticator"
    ),
    (3, 12),
    check=_is_secret_code,
    reach=56,
    mixed=True,
)
NATIONAL = Announced(
    "id",
    _noun(
        r"s\.?\s?s\.?\s?n\.?|social\s(?:security|insurance)(?:\scard)?|(?:my|her|his|their|the"
        r"|our)\s(?:(?:whole|full|entire|own|last\sfour\sof\smy)\s)?social(?!\s(?:media|net|acc|login|app"
        r"|page|link|prof|event|club))"
        r"|(?:i?tin|ein|nino|nhs|aadhaa?r|pan|cpf|curp|rfc|dni|nie|nif|bsn|pesel|medicare|medicaid|mrn|sin)"
        r"|tax(?:payer)?['’]?s?\s?(?:id(?:entification)?|number|no\.?|file\snumber|ref(?:erence)?)"
        r"|national\s(?:id(?:entity|entification)?|insurance)"
        r"|identity\s(?:card|number|document)|id[ -]card|government\sid|ni\s(?:number|no\.?)"
        r"|steuer(?:nummer|-?id)|ausweis(?:nummer)?"
        r"|codice\sfiscale|personnummer|health\s(?:insurance|card)|medical\srecord|voter\sid|visa\snumber"
        r"|resident\spermit|green\scard"
    ),
    (4, 20),
    value=rf"{_CODE_LIKE}(?:[ -][B-HJ-Z]\b)?",
    check=_not_when,
)
PASSPORT = Announced(
    "passport",
    _noun(r"pass?ports?|pass(?:nummer|nr)|reisepass|pasaporte|passeport"),
    (5, 12),
    check=_not_when,
    reach=56,
    mixed=True,
)
LICENCE = Announced(
    "licence",
    _noun(
        r"driv(?:er|ing|er['’]?s|ers['’])['’]?s?\s(?:permit|licen[cs]e)|licen[cs]e(?!\s?(?:key|agreement"
        r"|server|file|fee|term))"
        r"|d/?l(?=\s?(?:#|n[or]\.?|number|is|:))|dln|f[üu]hrerschein\w{0,10}|permis\sde\sconduire"
        r"|(?:licen[cs]e|number|registration|reg)\splates?|vin(?=\s?(?:#|n[or]|number|is|:))"
        r"|vehicle\sregistration"
    ),
    (3, 20),
    value=rf"(?<![A-Za-z0-9])(?:[A-Z][A-Z9]{{4}}[ -](?=\d{{6}}))?{_CODE_LIKE}",
    check=_not_when,
)
ACCOUNT = Announced(
    "account",
    _noun(
        r"(?:account|acct|acc|a/c)['’]?s?\s?(?:numbers?|num|no\.?|nr\.?|#|ending(?:\sin)?)|(?:bank"
        r"|checking|savings|current|giro)\s(?:account|acct|a/c)"
        r"|routing|aba|sort(?:\s?code|(?=\s?:))|bsb|transit|kontonummer|konto|blz|clabe|ifsc|iban|swift|bic|wire\sto"
        r"|(?P<plain>account|acct|acc|a/c)"
    ),
    (4, 30),
    check=_is_account,
    dates=True,
)
CARD = Announced(
    "card",
    _noun(
        r"(?:(?:credit|debit|bank|payment|visa|master|amex|maestro|discover|jcb|kredit"
        r"|giro)[ -]?)?cards?(?:['’]s)?|cc|visa|master[ -]?card|amex|maestro|kreditkarte|karte"
    ),
    (12, 19),
    check=_not_when,
    back=False,
)
BORN = Announced(
    "dob",
    _noun(
        r"born|d\.?\s?o\.?\s?b\.?|date\s?of\s?birth|birth[ -]?(?:day|date)s?|b-?day|geboren|geb\.?"
        r"|geburts(?:datum|tag)|nacid[oa]|nacimiento|fecha\s(?:de\s)?nac\w{0,6}\.?|naissance|n[ée]e?\s(?:le|en|au)|nat[oa]\sil|nascid[oa]|nascita"
        r"|turn(?:ed|ing)\s\d{1,3}\son"
    ),
    (1, 8),
    value=rf"(?<![A-Za-z0-9])(?i:{DATE}|{_MONTH}[\s,/-]{{1,3}}(?:(?:de|of)\s)?(?:19|20)\d{{2}}(?!\d)|\d{{8}}(?!\d)|\d{{6}}(?!\d))",
    dates=True,
    reach=40,
)
BY_NAME = (BORN, PASSPORT, LICENCE)
"""Those whose word decides before any form does."""
ANNOUNCED = (CARD, ACCOUNT, NATIONAL, CODES)

_SWIFT = re.compile(r"(?i)\b(?:swift|bic)\b[^\n\d.]{0,16}?\b(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b")
_SEED = re.compile(
    r"(?i)\b(?:seed|recovery|secret|backup|mnemonic)\s(?:phrase"
    r"|words)[^\n]{0,24}?[:\s]\s?(?P<value>(?:[a-z]{3,8}[ ,]{1,2}){11,24}[a-z]{3,8})"
)
_EXPIRY = re.compile(
    r"(?i)\b(?:exp(?:iry|ires?|iration)?|valid\s(?:thru|until"
    r"|to))(?:\sdate)?[\s:.]{0,3}(?:is\s)?(?P<value>[01]\d\s?/\s?(?:20)?\d{2})(?![\d/])"
)


_GROUPED = re.compile(
    r"(?i)\b(?:backup|recovery|emergency|rescue|scratch|activation|unlock)\s(?:codes?|keys?)\b[^\n\d.]{0,24}?"
    r"(?<![\w-])(?P<value>(?=[A-Z0-9 -]{0,60}[\dA-Z])[A-Z0-9]{3,6}(?:-[A-Z0-9]{3,6}){1,9})(?![\w-])"
)
_BEHIND_CARD = re.compile(
    rf"{FILL}[\s,;/|]{{1,3}}(?P<value>[01]\d\s?[/-]?\s?(?:20)?\d{{2}}[\s,;/|]{{1,3}}\d{{3,4}})(?!\d)"
)
_SIGN_IN = re.compile(
    r"(?i)\b(?:codes?|digits?|otp|sms|text(?:ed)?|authenticator|verif\w{2,10}|2fa|mfa"
    r"|two[ -]?(?:factor|step)|one[ -]?time"
    r"|log(?:ged|ging)?[ -]?(?:in|on)|sign(?:ed|ing)?[ -]?in)\b"
)
_TOLD = re.compile(
    r"(?i)\b(?:sms|text(?:ed)?|(?:text\s)?message|authenticator|app|typed?|entered|put\sin|keyed\sin|punched\sin)\b"
    r"(?:\s(?:me|a|an|the|in|is|was|it|says?|said|with|saying|shows?|showed|reads?|came|as|just|exactly|this|that"
    r"|numbers?|digits?|six|my|i|from|you|them|code)){0,4}[\s:,\"'-]{1,3}(?P<value>\d{3}[ -]\d{3}"
    r"|\d{2}[ -]\d{2}[ -]\d{2}|\d{4,8})"
    r"(?![\w.,/-]?\d|\w|\s?[€$£%])(?!\s(?:as|for|is)\s(?:\w+\s)?(?:order|invoice|ticket|case|zip|amount))"
)


def find_bank_words(text: str) -> Iterator[Span]:
    """Find what is announced but holds no digits to count: BIC codes and seed phrases, and expiry dates of
    cards.
    """
    found = [*_SWIFT.finditer(text), *_SEED.finditer(text), *_GROUPED.finditer(text), *_told_codes(text)]
    if "card" in text.lower() or FILL in text:
        found += [*_EXPIRY.finditer(text), *_BEHIND_CARD.finditer(text)]
    for match in sorted(found, key=re.Match.start):
        value = match["value"]
        if match.re is _SWIFT and value.islower() and not any(c.isdigit() for c in value):
            continue
        yield *match.span("value"), "account" if match.re is _SWIFT or match.re is _EXPIRY else "secret"


def _told_codes(text: str) -> Iterator[re.Match[str]]:
    """Find a short number that a message brought or somebody typed, where signing in is spoken of."""
    if _SIGN_IN.search(text) is None:
        return
    for found in _TOLD.finditer(text):
        if not (_UNIT.match(text, found.end()) or _A_DATE.fullmatch(found["value"])):
            yield found
