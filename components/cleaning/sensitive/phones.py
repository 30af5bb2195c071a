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
_TELLING = pattern(_WORDS + _BETWEEN + r"\Z", caseless=True)
_SUGGESTING = pattern(_VERBS + "(" + _BETWEEN + r")\Z", caseless=True)
_LINK = pattern(
    r"(?:[^0-9A-Za-z]|\b(?:me|us|him|her|them|you|at|on|to|via|under|now|back|up|the|my|our|your|number|office|is|it|of)\b)*",
    caseless=True,
)
"""What may stand between such a word and a phone number."""
_COUNTING = pattern(
    _VERBS
    + r"\s{0,3}\Z|(?:\bid|_id|uid|pid|size|lines?|total|offset|return|bytes|count|length|range|index|position|port"
    r"|serial|order|invoice|account|time|timestamp|cvv|cvc|amount|price)[^0-9A-Za-z\n]{0,4}\Z",
    caseless=True,
)
"""Words right before a number in one run that is a count or an identifier."""
_UNITS = pattern(
    r"\s{1,2}(?:times|lines|bytes|bits|items|rows|columns|files|records|tokens|characters|words|points|pixels|people|users"
    r"|seconds|minutes|hours|days|years|attempts|requests|visits|copies|units|votes|samples|steps|pages|am|pm|ms|s|[kmg]i?b)\b",
    caseless=True,
)
"""Words right after a number that it counts."""
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NEAR = 200
_OPENS_CELL = re.compile(r"(?:\A|[\n|;•*\t]|- |(?<![0-9])[,/])\s?\Z")
_CLOSES_CELL = re.compile(r"\s?(?:\Z|[\n|;\t,])")
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
_THOUSANDS = re.compile(r"[1-9]\d?(?:[ .]\d{3}){2,}")
_EXIT_CODE = re.compile(r"00|011[ .-]")
_DECIMALS = re.compile(r"0\d*\.\d+(?: .*)?|\d+(?:\.\d{3})+")
"""A number with decimals, or with dots between thousands."""


def _phones(text: str, context: Context) -> Iterator[Span]:
    for match in _CANDIDATE.finditer(text):
        number = match.group()
        if _is_figure(number):
            continue
        words = before(text, match.start(), _BEFORE)
        if sum(map(str.isdigit, number)) < _FEWEST_DIGITS or _is_count(
            number, words, text[match.end() : match.end() + 16]
        ):
            continue
        if number.isdigit() and (context.code or not _stands_out(text, *match.span())):
            continue
        if _is_phone(number, context.config.regions):
            yield match.span()


def _announced(text: str, context: Context) -> Iterator[Span]:
    for match in _AFTER_WORD.finditer(text):
        words = before(text, match.start(), _BEFORE)
        number = match.group()
        if not _is_announced(words):
            continue
        if _is_count(number, "" if _TELLING.search(words) else words, text[match.end() : match.end() + 16]):
            continue
        for end in _ends(number):
            if not _is_figure(number[:end]) and _is_phone(number[:end], context.config.regions):
                yield match.start(), match.start() + end
                break


def _is_figure(number: str) -> bool:
    """Whether it is rather a date, a postcode, a decimal, a number with thousands apart or several numbers in a row."""
    return bool(
        _DATE.fullmatch(number)
        or _DECIMALS.fullmatch(number)
        or _POSTCODE.fullmatch(number)
        or _THOUSANDS.fullmatch(number)
        or ("." in number and " " in number and number[0] not in "(+")
    )


def _is_announced(words: str) -> bool:
    if _TELLING.search(words):
        return True
    verb = _SUGGESTING.search(words)
    return verb is not None and _LINK.fullmatch(verb[1]) is not None


def _is_count(number: str, words: str, after: str) -> bool:
    return bool(_COUNT.fullmatch(number) and (_COUNTING.search(words) or _UNITS.match(after)))


def _stands_out(text: str, start: int, end: int) -> bool:
    """Whether digits in one run may be a phone number where no word says so.

    A Chinese mobile number has no mark of its own, as one in fourteen numbers of eleven digits looks like it: the
    text must be of an eastern script, or the number alone in its line or cell.
    """
    number = text[start:end]
    if number[0] == "0":
        return not (isbn.is_valid(number) or ean.is_valid(number))
    return bool(
        _EASTERN.search(text, max(0, start - _NEAR), end + _NEAR)
        or (_OPENS_CELL.search(text[max(0, start - 4) : start]) and _CLOSES_CELL.match(text[end : end + 2]))
    )


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
