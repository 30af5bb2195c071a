"""Labelled texts for sensitive-data detection: valid values in varied sentences, beside things that only look like them.

Values come from Faker in seven locales (secrets from generators of ours, in their issuers' published forms); each is
first checked valid by a rule that the product does not share. Sentences, look-alikes and seeds of the held-out set are
its own: the rules may be tuned to `held_out=False` only.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import ipaddress
import random
import re
import string
from collections.abc import Callable, Iterable, Sequence

import phonenumbers
from faker import Faker

from benchmarks.sensitive_carriers import look_alikes, sentences

LOCALES = {
    "en_US": "US",
    "en_GB": "GB",
    "de_DE": "DE",
    "fr_FR": "FR",
    "zh_CN": "CN",
    "ja_JP": "JP",
    "es_ES": "ES",
}
APART = ("person_name", "phone_without_keyword", "postal_address")
"""Kinds that are reported beside the others: they cannot be told by their form alone."""


@dataclasses.dataclass(frozen=True)
class Document:
    """One text and what is in it.

    Attributes:
        text: the text.
        spans: (kind, start, end) of each value, in characters. No kind means that nothing may be found.
        locale: the Faker locale of its values.
    """

    text: str
    spans: tuple[tuple[str, int, int], ...]
    locale: str


def labelled(seed: int, *, held_out: bool, per_kind: int = 20) -> list[Document]:
    """The labelled set: `per_kind` documents a kind and locale, and twice as many without any value.

    Args:
        seed: of the values. A held-out set never shares a value's seed with the other set.
        held_out: which of the two sets of sentences and look-alikes.
        per_kind: documents of each kind in each locale.
    """
    documents = []
    for number, locale in enumerate(LOCALES):
        stream = (seed * 1000 + number) * 2 + held_out
        generator = random.Random(stream)
        faker = Faker(locale)
        faker.seed_instance(stream)
        for kind, draw in _KINDS.items():
            carriers = sentences(kind, locale, held_out)
            for _ in range(per_kind if carriers else 0):
                value = _valid(kind, functools.partial(draw, faker, generator, locale), locale)
                if value:
                    documents.append(_document(kind, value, generator.choice(carriers), faker, generator, locale))
        innocent = look_alikes(held_out)
        for _ in range(per_kind * len(_KINDS)):
            text = " ".join(_look_alike(generator.choice(innocent), faker, generator) for _ in range(2))
            documents.append(Document(text, (), locale))
    return documents


def score(
    found: Sequence[Iterable[tuple[str, int, int]]], documents: Sequence[Document]
) -> dict[str, tuple[float, float]]:
    """(recall, precision) by kind: a value is found where a finding of its kind overlaps it.

    A finding that overlaps no value of its kind is wrong. For `phone_without_keyword` a finding of kind `phone`
    counts, and each wrong `phone` counts against both.

    Args:
        found: (kind, start, end) of what was found in each document.
        documents: what is in them, in the same order.
    """
    labels: dict[str, list[bool]] = {}
    right: dict[str, int] = {}
    wrong: dict[str, int] = {}
    for findings, document in zip(found, documents, strict=True):
        findings = list(findings)
        for kind, start, end in document.spans:
            hits = [f for f in findings if f[0] == _found_as(kind) and f[1] < end and f[2] > start]
            labels.setdefault(kind, []).append(bool(hits))
            right[kind] = right.get(kind, 0) + len(hits)
        for kind, start, end in findings:
            if not any(_found_as(k) == kind and a < end and b > start for k, a, b in document.spans):
                wrong[kind] = wrong.get(kind, 0) + 1
    return {
        kind: (
            sum(hits) / len(hits),
            right[kind] / max(1, right[kind] + wrong.get(_found_as(kind), 0)),
        )
        for kind, hits in sorted(labels.items())
    }


def _found_as(kind: str) -> str:
    return "phone" if kind == "phone_without_keyword" else kind


def _document(kind: str, value: str, sentence: str, faker: Faker, generator: random.Random, locale: str) -> Document:
    before, after = (_look_alike(part, faker, generator) for part in sentence.rsplit("{}", 1))
    opening = "" if generator.random() < 0.5 else faker.sentence() + generator.choice([" ", "\n"])
    closing = "" if generator.random() < 0.5 else "\n" + faker.sentence()
    start = len(opening) + len(before)
    return Document(opening + before + value + after + closing, ((kind, start, start + len(value)),), locale)


def _valid(kind: str, draw: Callable[[], str | None], locale: str) -> str | None:
    """A drawn value that passes the check of its kind; None if the locale has no such values."""
    for _ in range(60):
        value = draw()
        if value is None:
            return None
        if kind not in _CHECKS or _CHECKS[kind](value, locale):
            return value
    return None


def _luhn(value: str, _locale: str) -> bool:
    digits = [int(digit) for digit in value if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_IBAN_LENGTHS = {"GB": 22, "DE": 22, "FR": 27, "ES": 24}
"""By country (ISO 13616 registry); Faker's own are a character short for Britain."""


def _iban(value: str, _locale: str) -> bool:
    plain = value.replace(" ", "")
    remainder = int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97
    return len(plain) == _IBAN_LENGTHS[plain[:2]] and remainder == 1


def _phone(value: str, locale: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, LOCALES[locale]))
    except phonenumbers.NumberParseException:
        return False


def _national_id(value: str, locale: str) -> bool:
    plain = re.sub(r"\W", "", value)
    if locale == "zh_CN":
        digits = [10 if digit == "X" else int(digit) for digit in plain]
        return sum(pow(2, 17 - place, 11) * digit for place, digit in enumerate(digits)) % 11 == 1
    if locale == "fr_FR":
        number = plain[:13].replace("2A", "19").replace("2B", "18")
        return len(plain) == 15 and 97 - int(number) % 97 == int(plain[13:])
    if locale == "es_ES":
        body = plain[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == plain[-1]
    return True


_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "credit_card": _luhn,
    "iban": _iban,
    "national_id": _national_id,
    "phone": _phone,
    "phone_without_keyword": _phone,
    "ip_address": lambda value, _locale: ipaddress.ip_address(value).is_global,
}


def _email(faker: Faker, generator: random.Random, _locale: str) -> str:
    address = faker.email(safe=False)
    if generator.random() < 0.15:
        name, host = address.split("@")
        at, dot = generator.choice([(" [at] ", " [dot] "), (" (at) ", " (dot) "), ("[at]", "[dot]"), (" AT ", " DOT ")])
        return name + at + host.replace(".", dot)
    if generator.random() < 0.1:
        return address.replace("@", "+" + faker.word(ext_word_list=["news", "lists", "shop"]) + "@")
    return address


def _number(faker: Faker, _generator: random.Random, _locale: str) -> str:
    return faker.phone_number()


def _card(faker: Faker, generator: random.Random, _locale: str) -> str:
    number = faker.credit_card_number()
    if len(number) == 16 and generator.random() < 0.4:
        return generator.choice(" -").join(number[place : place + 4] for place in range(0, 16, 4))
    if len(number) == 15 and number[0] == "3" and generator.random() < 0.4:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return number


def _bank(faker: Faker, generator: random.Random, _locale: str) -> str:
    number = faker.iban()
    if generator.random() < 0.4:
        return " ".join(number[place : place + 4] for place in range(0, len(number), 4))
    return number


def _identity(faker: Faker, generator: random.Random, locale: str) -> str | None:
    if locale == "en_US":
        return faker.itin() if generator.random() < 0.25 else faker.ssn()
    if locale == "es_ES":
        return faker.nie() if generator.random() < 0.4 else faker.nif()
    if locale == "de_DE":
        return faker.rvnr()
    if locale == "fr_FR":
        number = faker.ssn()
        if generator.random() < 0.4:
            return " ".join(number[a:b] for a, b in [(0, 1), (1, 3), (3, 5), (5, 7), (7, 10), (10, 13), (13, 15)])
        return number
    if locale == "en_GB":  # Faker's end in T, which no National Insurance number does
        letters = generator.choice(["AB", "CE", "JK", "PW", "SR", "YZ"])
        return faker.numerify(generator.choice([f"{letters}######", f"{letters} ## ## ## "])) + generator.choice("ABCD")
    return faker.ssn() if locale == "zh_CN" else None


def _ip(faker: Faker, generator: random.Random, _locale: str) -> str:
    if generator.random() < 0.3:
        address = ipaddress.IPv6Address(0x2A02 << 112 | generator.getrandbits(96 if generator.random() < 0.5 else 112))
        return str(address)
    return faker.ipv4_public()


def _mac(faker: Faker, generator: random.Random, _locale: str) -> str:
    address = faker.mac_address()
    shape = generator.randrange(4)
    if shape == 1:
        return address.replace(":", "-").upper()
    return address.upper() if shape == 2 else address


def _secret(faker: Faker, generator: random.Random, _locale: str) -> str:
    def draw(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        return "".join(generator.choices(alphabet, k=count))

    upper = string.ascii_uppercase + string.digits
    lower = string.ascii_lowercase + string.digits
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(f'{{"sub":"{draw(10)}","iat":17{draw(8, string.digits)}}}'.encode()).decode()
    lines = "\n".join(draw(64, string.ascii_letters + string.digits + "+/") for _ in range(6))
    name = generator.choice(["RSA ", "EC ", "OPENSSH ", ""])
    return generator.choice(
        [
            "AKIA" + draw(16, string.ascii_uppercase + "234567"),
            "ghp_" + draw(36),
            "github_pat_" + draw(22) + "_" + draw(59),
            "glpat-" + draw(20),
            f"xoxb-{draw(12, string.digits)}-{draw(12, string.digits)}-{draw(24)}",
            "sk_live_" + draw(24),
            "AIza" + draw(35),
            "sk-proj-" + draw(48),
            "sk-ant-api03-" + draw(93) + "AA",
            "npm_" + draw(36),
            "pypi-AgEIcHlwaS5vcmc" + draw(80),
            f"{header}.{body.rstrip('=')}.{draw(43)}",
            f"postgresql://{faker.user_name()}:{draw(14)}@db.{draw(6, lower)}.net:5432/app",
            f"https://{faker.user_name()}:{draw(20, upper)}@git.{draw(6, lower)}.org/repo.git",
            f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----",
            f"AccountKey={draw(86, string.ascii_letters + string.digits + '+/')}==",
            f'db_password = "{faker.password(length=14)}"',
            f"API_KEY={draw(32, lower)}",
            f"client_secret: '{draw(40)}'",
            f'"auth_token": "{draw(40, "0123456789abcdef")}"',
        ]
    )


_KINDS: dict[str, Callable[[Faker, random.Random, str], str | None]] = {
    "email": _email,
    "phone": _number,
    "phone_without_keyword": _number,
    "credit_card": _card,
    "iban": _bank,
    "national_id": _identity,
    "ip_address": _ip,
    "mac_address": _mac,
    "secret": _secret,
    "person_name": lambda faker, _generator, _locale: faker.name(),
    "postal_address": lambda faker, _generator, _locale: faker.address(),
}


def _look_alike(pattern: str, faker: Faker, generator: random.Random) -> str:
    """The sentence with its `<...>` marks replaced by values that are nobody's data."""
    return re.sub(r"<(\w+)>", lambda mark: _INNOCENT[mark.group(1)](faker, generator), pattern)


def _hexadecimal(generator: random.Random, count: int) -> str:
    return "".join(generator.choices("0123456789abcdef", k=count))


_INNOCENT: dict[str, Callable[[Faker, random.Random], str]] = {
    "version": lambda f, g: ".".join(str(g.randrange(30)) for _ in range(g.choice([3, 4, 4]))),
    "date": lambda f, g: f.date(g.choice(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d"])),
    "time": lambda f, g: f.date(g.choice(["%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"])),
    "isbn": lambda f, g: g.choice([f.isbn13("-"), f.isbn10("-"), f.isbn13(""), f.isbn10("")]),
    "ean": lambda f, g: f.ean13(),
    "sha": lambda f, g: _hexadecimal(g, g.choice([7, 12, 32, 40, 64])),
    "hexdump": lambda f, g: " ".join(_hexadecimal(g, g.choice([2, 4])) for _ in range(8)),
    "fingerprint": lambda f, g: ":".join(_hexadecimal(g, 2) for _ in range(g.choice([16, 20, 32]))),
    "octaldump": lambda f, g: (
        f"{g.randrange(9)}000{g.randrange(8)}20 " + " ".join(f"{g.randrange(65536):06o}" for _ in range(8))
    ),
    "uuid": lambda f, g: f.uuid4(),
    "decimal": lambda f, g: f"{g.random() * 10 ** g.randrange(6):.{g.randrange(2, 9)}f}",
    "int": lambda f, g: str(g.randrange(10 ** g.randrange(1, 12))),
    "grouped": lambda f, g: f"{g.randrange(10**10):,}".replace(",", g.choice([",", " ", ".", "_"])),
    "epoch": lambda f, g: str(g.randrange(1_300_000_000, 1_900_000_000)) + g.choice(["", "", "123", ".5"]),
    "private_ip": lambda f, g: g.choice(
        [
            f.ipv4_private(),
            "127.0.0.1",
            "0.0.0.0",  # noqa: S104
            f"192.0.2.{g.randrange(256)}",
            f"198.51.100.{g.randrange(256)}",
            "255.255.255.0",
            "::1",
            "fe80::1",
            "2001:db8::42",
        ]
    ),  # noqa: S104
    "oid": lambda f, g: "1.3.6.1.4.1." + ".".join(str(g.randrange(900)) for _ in range(g.randrange(1, 5))),
    "section": lambda f, g: ".".join(str(g.randrange(1, 12)) for _ in range(g.choice([2, 3, 4]))),
    "size": lambda f, g: f"{g.randrange(100, 9000)}x{g.randrange(100, 9000)}",
    "word": lambda f, g: g.choice(["open", "printf", "mount", "socket", "parse", "read_all", "config", "table"]),
}
