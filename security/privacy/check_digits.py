"""Check digits of national ids, so that numbers which merely look alike stay readable."""

import re

_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_RIC_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_aadhaar(value: str) -> bool:
    """Tell whether 12 digits end in their Verhoeff digit (India)."""
    check = 0
    for position, digit in enumerate(reversed(_digits(value))):
        check = int(_TIMES[check][int(_PERMUTED[position % 8][int(digit)])])
    return check == 0


def is_dni(value: str) -> bool:
    """Tell whether the letter of a DNI or NIE is the number's remainder modulo 23 (Spain)."""
    plain = re.sub(r"[ -]", "", value).upper()
    number = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and _DNI_LETTERS[int(number) % 23] == plain[-1]


def is_nir(value: str) -> bool:
    """Tell whether 15 characters end in their key modulo 97 (France)."""
    plain = value.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return len(plain) == 15 and plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:])


def is_personnummer(value: str) -> bool:
    """Tell whether the last ten digits pass Luhn and begin with a date (Sweden)."""
    digits = _digits(value)[-10:]
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(digits)]
    dated = 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) % 60 <= 31
    return dated and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def is_ric(value: str) -> bool:
    """Tell whether 17 digits are followed by their check character (China, GB 11643)."""
    remainder = sum(int(d) * weight for d, weight in zip(value[:17], _RIC_WEIGHTS, strict=True)) % 11
    return "10X98765432"[remainder] == value[-1].upper()


def is_ahv(value: str) -> bool:
    """Tell whether 13 digits end in their EAN-13 check digit (Switzerland)."""
    digits = _digits(value)
    return sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(digits)) % 10 == 0


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)
