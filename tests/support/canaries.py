"""Sixty secrets of all kinds, and how to find each of them again in whatever form it was kept."""

import base64
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote

_SPLITS = re.compile(r"(?<=\d)[\s\-./()]+(?=\d)")


@dataclass(frozen=True)
class Canary:
    """A secret as somebody would tell it: `said` holds `secret`, which nothing else in the world contains."""

    kind: str
    said: str
    secret: str

    @cached_property
    def plain(self) -> str:
        """The secret without tricks: normalised, without invisible characters."""
        return _plain(self.secret)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """Ways in which it may be written down, in lower case: as sent, plain, in JSON, in an address."""
        found = []
        for text in dict.fromkeys((self.secret, self.plain)):
            found += [text, json.dumps(text)[1:-1], quote(text), quote(text, safe=""), quote_plus(text)]
            found.append(json.dumps(json.dumps(text))[3:-3])
        return tuple(dict.fromkeys(one.lower() for one in found))

    @cached_property
    def encoded(self) -> tuple[str, ...]:
        """The secret inside base64, at each of the three offsets, without the characters at its ends."""
        found = []
        for text in dict.fromkeys((self.secret, self.plain)):
            raw = text.encode()
            for offset in range(3):
                whole = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
                # The characters at the ends also hold bits of what stands beside it.
                cut = whole[offset + 1 if offset else 0 : (offset + len(raw)) * 8 // 6]
                if len(cut) >= 7:
                    found.append(cut)
        return tuple(dict.fromkeys(found))

    @cached_property
    def digits(self) -> str | None:
        """Its digits in a row, when it is a number of at least seven of them, however they are set apart."""
        only = re.sub(r"[\s\-./()+_]", "", self.plain)
        return only if only.isdigit() and len(only) >= 7 else None

    @cached_property
    def slug(self) -> str:
        """The secret as something that may stand in a key: visible ASCII, at most 60 characters."""
        return re.sub(r"[^!-~]+", "-", self.plain)[:60]


def _plain(text: str) -> str:
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(shown)


@dataclass(frozen=True, order=True)
class Sighting:
    """A secret that was found: where, which, and in what form."""

    place: str
    kind: str
    form: str
    secret: str = field(repr=False)
    near: str = field(compare=False, default="", repr=False)


@dataclass
class Search:
    """Looks for all canaries in many texts."""

    canaries: Sequence[Canary]
    sightings: set[Sighting] = field(default_factory=set)

    def look(self, place: str, text: str) -> None:
        """Note which canaries stand in `text`."""
        if not text:
            return
        low = text.lower()
        variants: Mapping[str, str] = {
            "as sent": low,
            "decoded": unquote(low) if "%" in low else "",
            "normalised": _plain(low),
        }
        joined = _SPLITS.sub("", variants["normalised"])
        for one in self.canaries:
            for name, variant in variants.items():
                form = next((form for form in one.forms if form in variant), None)
                if form is not None:
                    self._note(place, one, name, variant, form)
                    break
            else:
                if one.digits and one.digits in joined:
                    self._note(place, one, "split digits", joined, one.digits)
                elif any(form in text for form in one.encoded):
                    self._note(place, one, "base64", text, "")

    def _note(self, place: str, one: Canary, form: str, text: str, found: str) -> None:
        at = text.find(found) if found else 0
        self.sightings.add(Sighting(place, one.kind, form, one.secret, text[max(0, at - 60) : at + 60]))

    def outside(self, kept: Sequence[str]) -> list[Sighting]:
        """What was found where nothing may be kept."""
        return sorted(one for one in self.sightings if one.place not in kept)


def by_place(sightings: Sequence[Sighting]) -> Iterator[str]:
    """One line a place, for a message: how many secrets, and of which kinds."""
    places: dict[str, list[str]] = {}
    for one in sightings:
        places.setdefault(one.place, []).append(one.kind)
    for place, kinds in sorted(places.items()):
        yield f"{place}: {len(kinds)} ({', '.join(sorted(set(kinds)))})"


def _all() -> tuple[Canary, ...]:
    zero, word = "\u200b", "\u2060"
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    return (
        Canary("password", "my password is Quokka!Lamp77", "Quokka!Lamp77"),
        Canary("password", "I typed Zebra#Mango81 as my password and it failed", "Zebra#Mango81"),
        Canary("password", "pass= Tulip$Rover62 does not work", "Tulip$Rover62"),
        Canary("password", "passwort: Gurke!Dampf19", "Gurke!Dampf19"),
        Canary(
            "password",
            "it keeps refusing Harbor&Violet53 when I log in with that password",
            "Harbor&Violet53",
        ),
        Canary("password", "pwd / Pebble^Canoe94", "Pebble^Canoe94"),
        Canary("password", "the new password I chose was Walrus_Kite40", "Walrus_Kite40"),
        Canary("password", "user hana\tpassword\tFennel%Orbit28", "Fennel%Orbit28"),
        Canary("password", f"pass{zero}word: Lantern?Moss36", "Lantern?Moss36"),
        Canary("password", "ｐａｓｓｗｏｒｄ: Copper+Thistle71", "Copper+Thistle71"),
        Canary("code", "the code you sent me is 640-219", "640-219"),
        Canary("code", "2FA: 771403", "771403"),
        Canary("code", "my one time code 558217 is not accepted", "558217"),
        Canary("code", "PIN 70815349", "70815349"),
        Canary("code", "backup code: qm4t-zx7w", "qm4t-zx7w"),
        Canary("code", "the sms said 918 264 but it says the code is wrong", "918 264"),
        Canary("ssn", "my SSN is 536-90-4271", "536-90-4271"),
        Canary("ssn", "social security number 518 27 3946", "518 27 3946"),
        Canary("ssn", "here is 449-83-6052, that is my social", "449-83-6052"),
        Canary("passport", "passport number C73KX9204", "C73KX9204"),
        Canary("passport", "my passport is 518276340 if that helps", "518276340"),
        Canary("licence", "driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ"),
        Canary("licence", "my driver's license is D4815162", "D4815162"),
        Canary("mac", "the router is 3c:5a:b4:7e:91:0d", "3c:5a:b4:7e:91:0d"),
        Canary("mac", "MAC 84-F3-EB-12-6C-A9", "84-F3-EB-12-6C-A9"),
        Canary("birth", "I was born on 17.03.1986", "17.03.1986"),
        Canary("birth", "date of birth 1974-11-29", "1974-11-29"),
        Canary("birth", "dob 08/21/1991", "08/21/1991"),
        Canary("card", "charged on 4539 1488 0343 6467", "4539 1488 0343 6467"),
        Canary("card", "card 5425-2334-3010-9903 is refused", "5425-2334-3010-9903"),
        Canary("card", "371449635398431 is my amex", "371449635398431"),
        Canary("card", f"card {zero.join('6011000990139424')}", zero.join("6011000990139424")),
        Canary("card", "card " + "4716461583322103".translate(wide), "4716461583322103".translate(wide)),
        Canary("card", "my card 4929/8381/3266/4295 was declined", "4929/8381/3266/4295"),
        Canary("iban", "refund to DE75512108001245126199 please", "DE75512108001245126199"),
        Canary("iban", "IBAN GB33 BUKB 2020 1555 5555 55", "GB33 BUKB 2020 1555 5555 55"),
        Canary("iban", f"to FR76{word}30006000011234567890189", f"FR76{word}30006000011234567890189"),
        Canary("email", "write to wilhelmina.k@posthorn.example", "wilhelmina.k@posthorn.example"),
        Canary("email", "mail me: torquil+shop@brisk-mail.example", "torquil+shop@brisk-mail.example"),
        Canary("email", f"reach me at ottoline{zero}@quillbox.example", f"ottoline{zero}@quillbox.example"),
        Canary("phone", "call me on +49 151 2347 8860", "+49 151 2347 8860"),
        Canary("phone", "my number is (415) 273-9164", "(415) 273-9164"),
        Canary("phone", "ring 020 7946 0857 after five", "020 7946 0857"),
        Canary("phone", "text me on " + "07700900381".translate(wide), "07700900381".translate(wide)),
        Canary("key", "our key is sk_live_4hT9vQ2mXw8Zr6Lp1Nc3", "sk_live_4hT9vQ2mXw8Zr6Lp1Nc3"),
        Canary(
            "key", "token ghp_R7kd02LmQz81XvBn45TyWc93HsJf6Pa0Ue", "ghp_R7kd02LmQz81XvBn45TyWc93HsJf6Pa0Ue"
        ),
        Canary("key", "AKIA5Q7WERTY2ZXCV8BN does nothing", "AKIA5Q7WERTY2ZXCV8BN"),
        Canary("key", "api key = 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
        Canary(
            "jwt",
            "it says eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxdWlsbCJ9.Yw3kT0qPZ1m8Lr5vX2nB is expired",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxdWlsbCJ9.Yw3kT0qPZ1m8Lr5vX2nB",
        ),
        Canary("url", "https://shop.example/reset?token=pR7zQ1vX9mK4tB2w does not open", "pR7zQ1vX9mK4tB2w"),
        Canary("url", "the link /account/reset/Hy6Gt5Fr4De3Sw2Aq1Zx is dead", "Hy6Gt5Fr4De3Sw2Aq1Zx"),
        Canary("url", "https://ottokar:Bramble-99-Yonder@files.example/x asks again", "Bramble-99-Yonder"),
        Canary("name", "my husband Ferdinand Oglethorpe placed the order", "Ferdinand Oglethorpe"),
        Canary("name", "this is Marguerite Vandersteen, I need help", "Marguerite Vandersteen"),
        Canary("name", "please ask for Leopold Ashdown at the door", "Leopold Ashdown"),
        Canary("street", "send it to 48 Bramblewick Lane, Hexham", "48 Bramblewick Lane"),
        Canary("street", "I moved to Kastanienallee 117 in Berlin", "Kastanienallee 117"),
        Canary("street", "my address is 2290 Sycamore Hollow Road", "2290 Sycamore Hollow Road"),
        Canary("ip", "I connect from 203.0.113.77", "203.0.113.77"),
        Canary("ip", "from 2001:db8:85a3::8a2e:370:7334 it fails", "2001:db8:85a3::8a2e:370:7334"),
    )


CANARIES = _all()
