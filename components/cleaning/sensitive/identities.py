"""Numbers that a state gives to one person."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterator

from stdnum import luhn, verhoeff
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.us import ssn

from components.cleaning.sensitive.findings import RIGHT, Context, Kind, Rule, Span, before, pattern

_CONTEXT_BEFORE = 48
_CONTEXT_AFTER = 24


@dataclasses.dataclass(frozen=True)
class _Number:
    """How one number looks.

    Attributes:
        shape: the expression of its digits and letters.
        is_valid: whether a match can be one; gets the match without spaces and punctuation, in upper case.
        words: an expression that must match near it, on any side; "" where the number tells itself.
    """

    shape: str
    is_valid: Callable[[str], bool]
    words: str = ""


def _is_itin(number: str) -> bool:
    return number[0] == "9" and int(number[3:5]) in _ITIN_GROUPS


_ITIN_GROUPS = frozenset({*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)})


def _is_ssn(number: str) -> bool:
    """Issued social security or taxpayer identification numbers (SSA rules since 2011, IRS for numbers from 9)."""
    return _is_itin(number) if number[0] == "9" else bool(ssn.is_valid(f"{number[:3]}-{number[3:5]}-{number[5:]}"))


def _is_nino(number: str) -> bool:
    """National Insurance numbers (HMRC manual NIM39110)."""
    return number[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT"} and (number[8] in "ABCD" or number[:2] == "ZZ")


def _is_nhs(number: str) -> bool:
    return bool(nhs.is_valid(number))


def _is_rvnr(number: str) -> bool:
    """German pension insurance numbers (§ 147 SGB VI, VKVV § 4): area, birth date, initial, serial, check digit."""
    day, month = int(number[2:4]) % 50, int(number[4:6])
    if not (1 <= month <= 12 and 0 <= day <= 31) or (number[:2] in ("19", "20") and number[8] == "T"):
        return False  # the latter is a time stamp: 20240131T235959
    digits = number[:8] + f"{ord(number[8]) - 64:02}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=True))
    return total % 10 == int(number[11])


_NIR_MONTHS = frozenset({*range(1, 13), *range(20, 43), *range(50, 100)})
"""Months of birth, and what stands for an unknown one."""


def _is_nir(number: str) -> bool:
    """French social security numbers by their check number alone: departments abroad are missing in tables."""
    digits = number.replace("2A", "19", 1).replace("2B", "18", 1) if not number.isdigit() else number
    return digits.isdigit() and int(digits[3:5]) in _NIR_MONTHS and nir.calc_check_digits(number[:13]) == number[13:]


def _is_dni(number: str) -> bool:
    return bool(nie.is_valid(number) if number[0] in "XYZ" else dni.is_valid(number))


def _is_resident_identity(number: str) -> bool:
    """Chinese resident identity numbers (GB 11643-1999) by date and check digit (ISO 7064 MOD 11-2).

    The table of birthplaces is not asked: places are merged and renamed, numbers stay.
    """
    try:
        born = datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    digits = [10 if digit == "X" else int(digit) for digit in number]
    check = sum(pow(2, 17 - place, 11) * digit for place, digit in enumerate(digits)) % 11
    return 1890 <= born.year <= 2049 and number[0] in "12345678" and check == 1


def _is_my_number(number: str) -> bool:
    """Japanese individual numbers (Ordinance 85 of 2014, article 5)."""
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11
    return int(number[11]) == (0 if rest <= 1 else 11 - rest)


_NUMBERS = (
    _Number(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", _is_ssn),
    _Number(
        r"[0-9]{3} ?[0-9]{2} ?[0-9]{4}",
        _is_ssn,
        r"\bssn|social.?security|\bitin\b|taxpayer|tax.?id|\btin\b",
    ),
    _Number(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Z]", _is_nino),
    _Number(r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", _is_nhs, r"\bnhs\b"),
    _Number(
        r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        lambda number: bool(idnr.is_valid(number)),
        r"steuer|idnr|\btin\b|tax.?id|identifikationsnummer",
    ),
    _Number(r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}", _is_rvnr),
    _Number(
        r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}[ -]?[0-9]{2}"
        r"|[1-478] [0-9]{2} [0-9]{2} (?:[0-9]{2}|2[AB]) [0-9]{3} [0-9]{3}[ -][0-9]{2}",
        _is_nir,
    ),
    _Number(r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]|[0-9]{8}-?[A-HJ-NP-TV-Z]", _is_dni),
    _Number(
        r"[A-Za-z]{6}[0-9]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9]{2}[A-Za-z][0-9L-Vl-v]{3}[A-Za-z]",
        lambda number: bool(codicefiscale.is_valid(number)),
    ),
    _Number(r"[0-9]{6}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx]", _is_resident_identity),
    _Number(
        r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}",
        _is_my_number,
        r"マイナンバー|個人番号|my.?number|kojin.?bang",
    ),
    _Number(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", lambda number: bool(cpf.is_valid(number))),
    _Number(r"[0-9]{11}", lambda number: bool(cpf.is_valid(number)), r"\bcpf\b"),
    _Number(
        r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}",
        lambda number: bool(verhoeff.is_valid(number)),
        r"aadh?aar|aadhar|\buidai\b|आधार",
    ),
    _Number(
        r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}",
        lambda number: bool(luhn.is_valid(number)),
        r"social.?insurance|\bsin.?(?:no|number)|assurance sociale",
    ),
)


def _rule(number: _Number) -> Rule:
    shape = pattern(r"(?<![0-9A-Za-z_.])(?<![0-9]-)(?:" + number.shape + ")" + RIGHT + r"(?![.-][0-9])")
    words = re.compile(number.words, re.ASCII | re.IGNORECASE) if number.words else None

    def find(text: str, _context: Context) -> Iterator[Span]:
        for match in shape.finditer(text):
            if number.is_valid(re.sub(r"[ .-]", "", match.group()).upper()) and (
                words is None
                or words.search(before(text, match.start(), _CONTEXT_BEFORE))
                or words.search(text, match.end(), match.end() + _CONTEXT_AFTER)
            ):
                yield match.span()

    triggers = (number.shape,) if not number.words else (number.shape, number.words.replace(r"\b", ""))
    return Rule(Kind.NATIONAL_ID, triggers, find)


RULES = tuple(map(_rule, _NUMBERS))
