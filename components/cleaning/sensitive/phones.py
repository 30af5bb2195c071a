"""Phone numbers: candidates by the ways numbers are written, confirmed by the numbering plans of libphonenumber.

PhoneNumberMatcher of phonenumbers does both, for one region at a time, at 1,000 to 2,000 texts a second. Here one
expression finds what is written like a phone number anywhere in the world, and `phonenumbers` is asked only whether
it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from stdnum import ean, isbn

from components.cleaning.sensitive.findings import Context, Kind, Rule, Span, before, pattern

_GAP = r"[ .\-/]{1,3}"
_LEFT = r"(?<![0-9A-Za-z_+.,:=/#$%&@~^*\-])(?<![0-9][ (])(?<![0-9]\) )"
_RIGHT = r"(?![0-9A-Za-z_@$%^=]|[-.,:/_*][0-9A-Za-z_]| ?[-/.] ?[0-9]| [0-9])"
_EXTENSION = r"(?: ?(?:x|ext\.?|extension|ext:|#) ?[0-9]{1,6})?"

_INTERNATIONAL = (
    r"(?:\+|\(\+|00|011[ .-])[ -]?[1-9][0-9]{0,2}\)?(?:[ .\-/]{0,2}\(0[0-9]{0,4}\))?(?:[ .\-/()]{0,2}[0-9]){6,13}"
)
_TRUNK = (
    r"\(0[1-9][0-9]{1,4}\)(?:[ .\-/]{0,3}[0-9]){4,9}"  # (030) 123456
    r"|0[1-9][0-9]{0,4}(?:" + _GAP + r"[0-9]{1,8}){1,5}"  # 01 23 45 67 89, 030/123456
    r"|0[1-9][0-9]{8,10}"  # 0123456789
)
_NORTH_AMERICAN = (
    r"(?:1[ .-]{1,2})?(?:\([2-9][0-9]{2}\)[ .-]{0,2}|[2-9][0-9]{2}[ .-]{1,2})[2-9][0-9]{2}[ .-]{1,2}[0-9]{4}"
)
_GROUPED = r"[6-9][0-9]{2}(?:[ .-][0-9]{3}){2}|[6-9][0-9]{1,2}(?:[ .-][0-9]{2,3}){3}"
_MOBILE = r"1[3-9][0-9](?:[ -]?[0-9]{4}){2}"
_WORDS = (
    r"(?:phone|\btel\b|\btelf|\btfn|telefon|t[eé]l[eé]ph|\bt[eé]l\b|mobile?\b|m[oó]vil|celular|cellular|\bcell\b|\bfax|\bdial\b"
    r"|whatsapp|\bsms\b|hotline|handy|rufnummer|rufen|anruf|portable|appele|ll[aá]m[ea]|tel[eé]fono"
    r"|电话|手机|致电|传真|拨打|热线|電話|携帯|ファックス)"
)
_VERBS = r"(?:\bcall\b|\bring\b|\btext\b|\bcontact\b|\breach\b)"
"""Words that as often stand before a count."""
_BETWEEN = r"[^0-9\n]{0,24}"
_TELLING = pattern(_WORDS + _BETWEEN + "$", caseless=True)
_SUGGESTING = pattern(_VERBS + _BETWEEN + "$", caseless=True)
_COUNTING = pattern(
    _VERBS
    + r"\s{0,3}$|(?:\bid|_id|uid|pid|size|lines?|total|offset|return|bytes|count|length|range|index|position|port"
    r"|serial|order|invoice|account|time|timestamp|cvv|cvc|amount|price)[^0-9A-Za-z\n]{0,4}$",
    caseless=True,
)
"""Words right before a number in one run that is a count or an identifier."""
_TOLD = r"[(+]{0,2}[0-9](?:[ .\-/()]{0,3}[0-9]){6,15}"
_SHORTEST = 7
_BEFORE = 40
"""How many characters before a number are asked for a word."""
_FEWEST_DIGITS = 9
"""Of a number that no word announces, with its trunk prefix."""

_CANDIDATE = pattern(
    f"{_LEFT}(?:{_INTERNATIONAL}|{_TRUNK}|{_NORTH_AMERICAN}|{_GROUPED}|{_MOBILE}){_EXTENSION}{_RIGHT}", caseless=True
)
_AFTER_WORD = pattern(r"(?<![0-9A-Za-z_])" + _TOLD + _EXTENSION + r"(?![0-9A-Za-z_])", caseless=True)

_DATE = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d\d|\d{4})|\d{4}([./-])\d{1,2}\2\d{1,2})(?:[ ./-].*)?|(?:0[1-9]|1[0-2])/\d{4}"
)
_POSTCODE = re.compile(r"\d{5}-\d{4}")
"""ZIP+4 of the US Postal Service."""
_COUNT = re.compile(r"[1-9]\d*|[1-9]\d{0,2}(?:[ .]\d{3})+")
_EXIT_CODE = re.compile(r"00|011[ .-]")
_DECIMALS = re.compile(r"0\d*\.\d+(?: .*)?|\d+(?:\.\d{3})+")
"""A number with decimals, or with dots between thousands."""


def _phones(text: str, context: Context) -> Iterator[Span]:
    for match in _CANDIDATE.finditer(text):
        number = match.group()
        if _DATE.fullmatch(number) or _DECIMALS.fullmatch(number) or _POSTCODE.fullmatch(number):
            continue
        words = before(text, match.start(), _BEFORE)
        if number.isdigit() and (context.code or isbn.is_valid(number) or ean.is_valid(number)):
            continue
        if _is_count(number, words) or sum(map(str.isdigit, number)) < _FEWEST_DIGITS:
            continue
        if _is_phone(number, context.config.regions):
            yield match.span()


def _announced(text: str, context: Context) -> Iterator[Span]:
    for match in _AFTER_WORD.finditer(text):
        words = before(text, match.start(), _BEFORE)
        number = match.group()
        if not (_TELLING.search(words) or (_SUGGESTING.search(words) and not _is_count(number, words))):
            continue
        if _DATE.fullmatch(number) or _DECIMALS.fullmatch(number) or _POSTCODE.fullmatch(number):
            continue
        for end in _ends(number):
            if _is_phone(number[:end], context.config.regions):
                yield match.start(), match.start() + end
                break


def _is_count(number: str, words: str) -> bool:
    return _COUNT.fullmatch(number) is not None and _COUNTING.search(words) is not None


def _ends(number: str) -> Iterator[int]:
    """Where the number may end, the longest first: other digits may follow it after a space."""
    yield len(number)
    for end in range(len(number) - 1, _SHORTEST, -1):
        if number[end] in " /" and number[end - 1].isdigit():
            yield end


def _is_phone(number: str, regions: tuple[str, ...]) -> bool:
    """Whether it is valid in the region that it names itself or in one of `regions`."""
    number = re.sub(r"^\(\+", "+", number)
    if number.startswith("+"):
        return _is_valid(number, None)
    if not number.startswith("00") and any(_is_valid(number, region) for region in regions):
        return True
    exit_code = _EXIT_CODE.match(number)
    return exit_code is not None and _is_valid("+" + number[exit_code.end() :], None)


def _is_valid(number: str, region: str | None) -> bool:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed)


RULES = (
    Rule(
        Kind.PHONE,
        (f"{_INTERNATIONAL}|{_TRUNK}|{_NORTH_AMERICAN}|{_GROUPED}|{_MOBILE}",),
        _phones,
    ),
    Rule(Kind.PHONE, (f"(?:{_WORDS}|{_VERBS})".replace(r"\b", "") + _BETWEEN + _TOLD,), _announced),
)
