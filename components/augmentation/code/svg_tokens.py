"""What stands where in the text of a drawing: tags, attributes, comments, and the numbers in attributes.

Far from a parser of all that SVG allows: what is not understood for sure is not read at all. Whether a text is well-formed
is for a real parser to say.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import NamedTuple

_START = re.compile(r"<([A-Za-z_][\w:.-]*)")
_ATTRIBUTE = re.compile(r"""[ \t\n]+([A-Za-z_][\w:.-]*)[ \t\n]*=[ \t\n]*("[^"<]*"|'[^'<]*')""")
_CLOSE = re.compile(r"[ \t\n]*(/?)>")
_END = re.compile(r"</([A-Za-z_][\w:.-]*)[ \t\n]*>")
_DECLARATION = re.compile(r"<\?xml [^?<>]*\?>")

_GAP = r"(?P<gap>[ \t\n,()]+)"
_NUMBER = r"(?P<number>[+-]?(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_TOKEN = re.compile(rf"{_GAP}|{_NUMBER}|(?P<letter>[A-Za-z])")
_FLAG = re.compile(rf"{_GAP}|(?P<flag>[01])")
_ARC, _FLAGS = 7, (3, 4)  # how many arguments an arc has, and which of them are flags: SVG 1.1, 8.3.8


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute of an element.

    Attributes:
        name: with its prefix.
        value: as it is written, without quotes.
        start: its first character.
        end: the first beyond.
        value_start: the first character of the value.
    """

    name: str
    value: str
    start: int
    end: int
    value_start: int


@dataclasses.dataclass(frozen=True)
class Element:
    """An element's start.

    Attributes:
        name: with its prefix.
        start: where its tag starts.
        attributes: in order.
        within: the names of the elements that it is in, outermost first.
    """

    name: str
    start: int
    attributes: tuple[Attribute, ...]
    within: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Comment:
    """A comment, from its first character to the first beyond, and the elements that it is in."""

    start: int
    end: int
    within: tuple[str, ...]


class Token(NamedTuple):
    """A part of an attribute's value: a `number`, a `flag` of an arc, a `letter` or a `gap`."""

    kind: str
    text: str
    start: int


def read(code: str, max_nesting: int) -> tuple[list[Element], list[Comment]] | None:
    """The elements and comments of a drawing in order; None if it is nested deeper, or has a document type, references
    to characters or entities, CDATA, or instructions to programs."""
    elements: list[Element] = []
    comments: list[Comment] = []
    within: tuple[str, ...] = ()
    at = code.find("<")
    while at >= 0:
        if code.startswith("<!--", at):
            end = code.find("-->", at + 4) + 3
            if end < 3:
                return None
            comments.append(Comment(at, end, within))
        elif found := _END.match(code, at):
            within = within[:-1]
            end = found.end()
        elif found := _START.match(code, at):
            attributes, end = _attributes(code, found.end())
            closing = _CLOSE.match(code, end)
            if closing is None or len(within) >= max_nesting:
                return None
            elements.append(Element(found[1], at, attributes, within))
            within = within if closing[1] else (*within, found[1])
            end = closing.end()
        elif found := _DECLARATION.match(code, at):
            end = found.end()
        else:
            return None
        at = code.find("<", end)
    if any("&" in part for part in _outside(code, comments)):
        return None
    return elements, comments


def tokens(value: str) -> list[Token] | None:
    """An attribute's numbers and what is between them; None if something else is in it.

    In the data of a path flags of arcs need nothing between them and what follows. Elsewhere no letter `a` stands before
    numbers.
    """
    found: list[Token] = []
    at = argument = 0
    arc = False
    while at < len(value):
        part = (_FLAG if arc and argument % _ARC in _FLAGS else _TOKEN).match(value, at)
        if part is None:
            return None
        kind = str(part.lastgroup)
        if kind == "letter":
            arc, argument = part[0] in "Aa", 0
        argument += kind in ("number", "flag")
        found.append(Token(kind, part[0], at))
        at = part.end()
    return found


def _attributes(code: str, at: int) -> tuple[tuple[Attribute, ...], int]:
    """The attributes from a place on, and where they end."""
    found = []
    while part := _ATTRIBUTE.match(code, at):
        found.append(Attribute(part[1], part[2][1:-1], part.start(1), part.end(), part.start(2) + 1))
        at = part.end()
    return tuple(found), at


def _outside(code: str, comments: list[Comment]) -> Iterator[str]:
    at = 0
    for comment in comments:
        yield code[at : comment.start]
        at = comment.end
    yield code[at:]
