"""Made-up personal data for the benchmark of masking: every kind, in many countries' and people's ways of
writing.
"""

import random
import string
from collections.abc import Callable
from datetime import date
from typing import Any

from faker import Faker

from security.privacy.masking_numbers import passes_luhn

LOCALES = (
    "en_US",
    "en_GB",
    "en_AU",
    "en_CA",
    "en_IN",
    "en_IE",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "nl_NL",
    "sv_SE",
    "pl_PL",
    "pt_BR",
    "da_DK",
    "fi_FI",
    "tr_TR",
    "cs_CZ",
    "hu_HU",
    "no_NO",
)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Values:
    """Makes a value of a kind; the same seed makes the same values."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._fakers = {name: Faker(name) for name in LOCALES}
        for number, faker in enumerate(self._fakers.values()):
            faker.seed_instance(seed * 101 + number)

    def of(self, slot: str) -> tuple[str, str | None]:
        """Return a value for a template's slot, and the kind it is counted as (None: it may stay)."""
        maker, kind = SLOTS[slot]
        return maker(self), kind

    @property
    def faker(self) -> Any:
        """Somebody of a country: half of them speak English."""
        names = LOCALES[:6] if self.chance.random() < 0.5 else LOCALES
        return self._fakers[self.chance.choice(names)]

    def digits(self, count: int) -> str:
        """Return so many digits; the first is no zero."""
        return str(self.chance.randint(10 ** (count - 1), 10**count - 1))

    def letters(self, count: int, alphabet: str = string.ascii_uppercase) -> str:
        """Return so many letters of an alphabet."""
        return "".join(self.chance.choice(alphabet) for _ in range(count))

    def grouped(self, text: str, sizes: tuple[int, ...], gap: str) -> str:
        """Write a number in groups."""
        pieces, at = [], 0
        for size in sizes:
            pieces.append(text[at : at + size])
            at += size
        return gap.join([*pieces, text[at:]] if text[at:] else pieces)


def _card(v: Values) -> str:
    number = v.faker.credit_card_number()
    if len(number) == 16 and v.chance.random() < 0.6:
        return v.grouped(number, (4, 4, 4, 4), v.chance.choice([" ", "-", ".", "  "]))
    return number


def _ssn(v: Values) -> str:
    number = f"{v.chance.randint(100, 665):03d}{v.chance.randint(10, 99)}{v.chance.randint(1000, 9999)}"
    return v.grouped(number, (3, 2, 4), v.chance.choice(["-", "-", " ", "", "."]))


def _born(v: Values) -> str:
    day = v.faker.date_of_birth(minimum_age=18, maximum_age=90)
    form = v.chance.choice(
        [
            "%d/%m/%Y",
            "%m/%d/%Y",
            "%Y-%m-%d",
            "%d.%m.%Y",
            "%d %B %Y",
            "%B %d, %Y",
            "%d-%b-%y",
            "%m/%d/%y",
            "%d. %B %Y",
            "%b %d %Y",
            "%d%m%Y",
            "%Y/%m/%d",
            "%-d %b %Y",
            "%-d.%-m.%y",
        ]
    )
    return date(day.year, day.month, day.day).strftime(form)


def _passport(v: Values) -> str:
    return v.chance.choice(
        [
            v.digits(9),
            v.letters(1) + v.digits(8),
            v.letters(2) + v.digits(7),
            "C" + v.letters(1) + v.digits(1) + v.letters(2) + v.digits(4),
        ]
    )


def _licence(v: Values) -> str:
    forms = [
        lambda: v.letters(1) + v.digits(7),
        lambda: v.digits(9),
        lambda: v.grouped(v.letters(1) + v.digits(12), (4, 4, 5), "-"),
        lambda: v.letters(5) + v.digits(6) + v.letters(2) + "9" + v.letters(2),
        lambda: v.letters(2) + v.digits(6),
        lambda: v.letters(1) + v.digits(14),
        lambda: v.digits(8),
        lambda: v.grouped(v.letters(1) + v.digits(11), (4, 3, 2, 3), "-"),
    ]
    return v.chance.choice(forms)()


def _mac(v: Values) -> str:
    gap = v.chance.choice([":", ":", "-"])
    value = gap.join(f"{v.chance.randrange(256):02x}" for _ in range(6))
    return value.upper() if v.chance.random() < 0.5 else value


def _wallet(v: Values) -> str:
    import hashlib

    kind = v.chance.randrange(3)
    if kind == 0:
        return "0x" + v.letters(40, "0123456789abcdef")
    if kind == 1:
        return "bc1q" + v.letters(38, "qpzry9x8gf2tvdw0s3jn54khce6mua7l")
    raw = bytes([0]) + v.chance.randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def _key(v: Values) -> str:
    mixed = string.ascii_letters + string.digits
    return v.chance.choice(
        [
            "sk_live_" + v.letters(24, mixed),
            "ghp_" + v.letters(36, mixed),
            "AKIA" + v.letters(16, string.ascii_uppercase + "234567"),
            "xoxb-" + v.digits(12) + "-" + v.letters(24, mixed),
            "AIza" + v.letters(35, mixed),
            v.letters(40, "0123456789abcdef"),
            "SG." + v.letters(22, mixed) + "." + v.letters(43, mixed),
        ]
    )


def _password(v: Values) -> str:
    word = v.chance.choice(
        ["hunter", "Sommer", "dragon", "liverpool", "Fluffy", "qwerty", "Monkey", "tigger", "iloveyou"]
    )
    return v.chance.choice(
        [
            word + v.digits(2),
            word + v.digits(4) + "!",
            v.letters(10, string.ascii_letters + string.digits + "!#$%&*"),
            word + "@" + v.digits(3),
            word.upper() + "_" + v.digits(3),
        ]
    )


def _code(v: Values) -> str:
    code = v.digits(6)
    return v.chance.choice(
        [code, code, f"{code[:3]} {code[3:]}", f"{code[:3]}-{code[3:]}", " ".join(code), v.digits(4)]
    )


def _link(v: Values) -> str:
    token = v.letters(v.chance.choice([12, 22, 32]), string.ascii_letters + string.digits)
    host = v.faker.domain_name()
    return v.chance.choice(
        [
            f"https://{host}/reset?token={token}",
            f"https://{host}/verify/{token}",
            f"http://{host}/cb#access_token={token}",
            f"https://{host}/a/invite?code={token}&lang=en",
            f"https://jane:{token}@{host}/x",
        ]
    )


def _national(v: Values) -> str:
    locale = v.chance.choice(
        ["en_GB", "it_IT", "es_ES", "fr_FR", "sv_SE", "fi_FI", "pt_BR", "pl_PL", "nl_NL", "de_DE"]
    )
    faker = v._fakers[locale]
    return str(faker.ssn())


def _sin(v: Values) -> str:
    body = v.digits(8)
    return v.grouped(next(body + d for d in string.digits if passes_luhn(body + d)), (3, 3, 3), " ")


def _street(v: Values) -> str:
    return str(v.faker.street_address())


def _chat_name(v: Values) -> str:
    name = f"{v.faker.first_name()} {v.faker.last_name()}"
    return name.lower() if v.chance.random() < 0.5 else name


SLOTS: dict[str, tuple[Callable[[Values], str], str | None]] = {
    "person": (lambda v: f"{v.faker.first_name()} {v.faker.last_name()}", "person"),
    "name": (lambda v: f"{v.faker.first_name()} {v.faker.last_name()}", "person"),
    "chat_name": (_chat_name, "person"),
    "name_male": (lambda v: f"{v.faker.first_name_male()} {v.faker.last_name()}", "person"),
    "name_female": (lambda v: f"{v.faker.first_name_female()} {v.faker.last_name()}", "person"),
    "first_name": (lambda v: str(v.faker.first_name()), "person"),
    "first_name_male": (lambda v: str(v.faker.first_name_male()), "person"),
    "first_name_female": (lambda v: str(v.faker.first_name_female()), "person"),
    "first_name_nonbinary": (lambda v: str(v.faker.first_name()), "person"),
    "last_name": (lambda v: str(v.faker.last_name()), "person"),
    "last_name_male": (lambda v: str(v.faker.last_name()), "person"),
    "last_name_female": (lambda v: str(v.faker.last_name()), "person"),
    "prefix": (lambda v: v.chance.choice(["Mr.", "Mrs.", "Ms.", "Dr."]), None),
    "prefix_male": (lambda v: "Mr.", None),
    "prefix_female": (lambda v: v.chance.choice(["Mrs.", "Ms."]), None),
    "address": (lambda v: str(v.faker.address()), "street"),
    "street": (_street, "street"),
    "street_name": (lambda v: str(v.faker.street_name()), None),
    "building_number": (lambda v: str(v.faker.building_number()), None),
    "secondary_address": (lambda v: f"Apt. {v.digits(3)}", None),
    "city": (lambda v: str(v.faker.city()), None),
    "country": (lambda v: str(v._fakers["en_US"].country()), None),
    "postcode": (lambda v: str(v.faker.postcode()), None),
    "zipcode": (lambda v: v.digits(5), "street"),
    "state_abbr": (lambda v: str(v._fakers["en_US"].state_abbr()), None),
    "phone_number": (lambda v: str(v.faker.phone_number()), "phone"),
    "email": (lambda v: str(v.faker.email()), "email"),
    "iban": (lambda v: str(v.faker.iban()), "iban"),
    "credit_card_number": (_card, "card"),
    "ssn": (_ssn, "ssn"),
    "sin": (_sin, "ssn"),
    "national_id": (_national, "national id"),
    "us_driver_license": (_licence, "licence"),
    "passport": (_passport, "passport"),
    "ip_address": (lambda v: str(v.faker.ipv4() if v.chance.random() < 0.7 else v.faker.ipv6()), "ip"),
    "mac": (_mac, "mac"),
    "date_of_birth": (_born, "born"),
    "wallet": (_wallet, "wallet"),
    "api_key": (_key, "key"),
    "password": (_password, "password"),
    "code": (_code, "code"),
    "secret_url": (_link, "link"),
    "url": (lambda v: str(v.faker.url()), None),
    "routing": (lambda v: v.chance.choice(["021000021", "011401533", "091000019", "121000358"]), "bank"),
    "account": (lambda v: v.digits(v.chance.choice([8, 10, 12])), "bank"),
    "organization": (lambda v: str(v.faker.company()), None),
    "job": (lambda v: str(v._fakers["en_US"].job()), None),
    "age": (lambda v: str(v.chance.randint(18, 90)), None),
    "year": (lambda v: str(v.chance.randint(1950, 2020)), None),
    "date_time": (lambda v: str(v.faker.date()), None),
    "day_of_week": (lambda v: str(v._fakers["en_US"].day_of_week()), None),
    "nationality": (lambda v: v.chance.choice(["French", "Swiss", "Italian", "Indian"]), None),
    "nation_woman": (lambda v: "Frenchwoman", None),
    "nation_plural": (lambda v: "Italians", None),
    "order": (lambda v: f"KT-{v.digits(4)}", None),
    "invoice": (lambda v: f"INV-{v.digits(4)}", None),
}
