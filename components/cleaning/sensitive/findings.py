"""What a rule is and what it finds: kinds, spans, and which of overlapping spans stands."""

from __future__ import annotations

import bisect
import dataclasses
import enum
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from components.cleaning.sensitive.config import Sensitive


class Kind(str, enum.Enum):
    """A kind of sensitive data. Where findings overlap, the kind named first stands."""

    SECRET = "secret"  # noqa: S105
    EMAIL = "email"
    IBAN = "iban"
    CREDIT_CARD = "credit_card"
    NATIONAL_ID = "national_id"
    MAC_ADDRESS = "mac_address"
    IP_ADDRESS = "ip_address"
    PHONE = "phone"
    PERSON_NAME = "person_name"
    POSTAL_ADDRESS = "postal_address"

    @property
    def placeholder(self) -> str:
        """What takes the value's place: `<EMAIL>`."""
        return f"<{self.value.upper()}>"


class Finding(NamedTuple):
    """One value.

    Attributes:
        kind: what it is.
        start: its first character.
        end: the character after its last.
    """

    kind: Kind
    start: int
    end: int


Span = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Context:
    """What a rule may know beside the text.

    Attributes:
        config: regions and limits.
        code: whether the text is source code.
    """

    config: Sensitive
    code: bool = False


@dataclasses.dataclass(frozen=True)
class Rule:
    """One way to find a kind.

    Attributes:
        kind: what it finds.
        triggers: regular expressions that all match somewhere in any text where `find` finds something; in the
            syntax that Python and hyperscan share, ASCII only, letters matched in either case.
        find: the spans in a text, in linear time.
    """

    kind: Kind
    triggers: tuple[str, ...]
    find: Callable[[str, Context], Iterable[Span]]


RIGHT = r"(?![0-9A-Za-z_])"
"""No ASCII word goes on. Letters of other scripts may: Chinese and Japanese put no space after a number."""


def pattern(source: str, *, caseless: bool = False) -> re.Pattern[str]:
    """The compiled expression: ASCII classes, as hyperscan reads them."""
    return re.compile(source, re.ASCII | (re.IGNORECASE if caseless else 0))


def before(text: str, start: int, count: int) -> str:
    """The `count` characters before `start`, without placeholders: `<PHONE>` does not speak of phones."""
    return _PLACEHOLDER.sub("", text[max(0, start - count) : start])


def resolve(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that stand, by position: of overlapping ones the more telling kind, then the earlier, longer one."""
    by_kind: dict[Kind, list[Finding]] = {kind: [] for kind in Kind}
    for finding in findings:
        by_kind[finding.kind].append(finding)
    standing: list[Finding] = []
    for candidates in by_kind.values():
        starts = [finding.start for finding in standing]
        end = 0
        added = []
        for finding in sorted(candidates, key=lambda f: (f.start, -f.end)):
            place = bisect.bisect_left(starts, finding.end)
            if finding.start >= end and (place == 0 or standing[place - 1].end <= finding.start):
                added.append(finding)
                end = finding.end
        standing = sorted([*standing, *added], key=lambda f: f.start)
    return tuple(standing)


_PLACEHOLDER = re.compile("<?[A-Z_]{1,16}>")
_PLAIN = {
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    **{0x0660 + digit: str(digit) for digit in range(10)},
    **{0x06F0 + digit: str(digit) for digit in range(10)},
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFF0D), "-"),
    **dict.fromkeys((0x00A0, 0x2002, 0x2003, 0x2007, 0x2009, 0x202F, 0x3000), " "),
    **{0xFF0B: "+", 0xFF08: "(", 0xFF09: ")", 0xFF20: "@", 0xFF0E: ".", 0xFF1A: ":", 0xFF1D: "=", 0xFF0F: "/"},
}
_FOREIGN = re.compile("[" + "".join(map(chr, _PLAIN)) + "]")


def plain_characters(text: str) -> str:
    """The text with digits and punctuation of other scripts in their ASCII form; no position moves."""
    if text.isascii():
        return text
    return _FOREIGN.sub(lambda match: _PLAIN[ord(match.group())], text)
