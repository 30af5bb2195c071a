"""Bank accounts and payment cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import ean, iban, luhn

from components.cleaning.sensitive.findings import RIGHT, Context, Kind, Rule, Span, before, pattern

_IBAN = pattern(r"(?<![0-9A-Za-z_])[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?" + RIGHT)
_MIN_IBAN = 15

_CARD = pattern(
    r"(?<![0-9A-Za-z_.])(?<![0-9.]-)(?:"
    r"[0-9]{12,19}"
    r"|(?<!\s[0-9]{4} )[0-9]{4}(?: [0-9]{4}){2} [0-9]{1,7}(?! [0-9]{4}\s)|[0-9]{4}(?: [0-9]{4}){3} [0-9]{3}"
    r"|[0-9]{4}(?:-[0-9]{4}){2}-[0-9]{1,7}|[0-9]{4}(?:-[0-9]{4}){3}-[0-9]{3}"
    r"|[0-9]{4} [0-9]{6} [0-9]{4,5}|[0-9]{4}-[0-9]{6}-[0-9]{4,5}"
    r")(?![0-9A-Za-z_]|[.-][0-9])"
)
"""Digits in one run, or grouped as cards group them: by four, or 4-6-5 and 4-6-4."""
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard and its 2-series
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]\d|095|6\d\d|[89]\d\d)(?:\d{10}|\d{12}|\d{15})"  # Diners Club
    r"|(?:2131|1800)\d{11}|35\d{14}(?:\d{3})?"  # JCB: issued so far are 3528 to 3589
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?"  # Discover
    r"|(?:62\d\d|81[0-7]\d)\d{12,15}"  # UnionPay
    r"|(?:5018|5020|5038|5[6-8]\d\d|6304|6390|67\d\d|0604)\d{8,15}"  # Maestro
)
"""Issuer identification numbers (ISO/IEC 7812) by network, with the lengths that the network issues."""
_SPEAKS_OF_CARDS = pattern(
    r"card|visa|master|maestro|amex|american express|discover|diners|jcb|unionpay|credit|debit|payment|\bpan\b|carte|karte"
    r"|tarjeta|carta|cartao|信用卡|银行卡|卡号|カード|クレジット",
    caseless=True,
)


def _ibans(text: str, _context: Context) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        for end in _ends(match.group()):
            if iban.is_valid(match.group()[:end]):
                yield match.start(), match.start() + end
                break


def _ends(candidate: str) -> Iterator[int]:
    """Where the number may end, the longest first: a word after it may look like one more group."""
    yield len(candidate)
    for end in range(len(candidate) - 1, _MIN_IBAN, -1):
        if candidate[end] in " -":
            yield end


def _cards(text: str, _context: Context) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = match.group().replace(" ", "").replace("-", "")
        if not (_ISSUERS.fullmatch(digits) and luhn.is_valid(digits)):
            continue
        if _is_weak(digits) and not _SPEAKS_OF_CARDS.search(before(text, match.start(), 40)):
            continue
        yield match.span()


def _is_weak(digits: str) -> bool:
    """Whether a number of this length is more often something else: a product's bar code, a serial number."""
    if len(digits) == 13:
        return bool(ean.is_valid(digits))
    return len(set(digits)) == 1


RULES = (
    Rule(Kind.IBAN, (r"[A-Z]{2}[0-9]{2}[ -]?[0-9A-Z]{4}[ -]?[0-9A-Z]{4}",), _ibans),
    Rule(Kind.CREDIT_CARD, (r"[0-9]([ -]?[0-9]){11}",), _cards),
)
