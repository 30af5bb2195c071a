"""Where the sentences of a text are, and how another sentence is put in the place of one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

# A line this long that ends without a full stop goes on in the next; a shorter one stands for itself (a title, a name).
_WRAPPED = 40
_VERBATIM = re.compile(r"\s*(?:>>>|\.\.\.(?:\s|$)|\.\. |[@:|+=#~^*-]{3,}|:\w+|https?://)")
_BULLET = re.compile(r"\s*(?:[-*+•–]|\d{1,3}[.)]|\w{1,24}\s+--?|[\w.*]{1,40}\s*:)\s")
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[`]*[A-Z0-9`])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|resp|Fig|Sect?|No|Dr|Mrs?|Ms|St|al)|\b[A-Z])\.$")


class Span(NamedTuple):
    """A sentence of a text.

    Attributes:
        start: of its first character.
        end: behind its last.
        width: columns of the longest line around it, which it is wrapped to if it was wrapped.
        indent: of the lines that it goes on in.
    """

    start: int
    end: int
    width: int
    indent: str


def spans(text: str) -> Iterator[Span]:
    """The sentences, in their order. Examples, tables and directives have none; a bullet is not part of its sentence.

    Text that is between them, line breaks and indentation, belongs to none.
    """
    for start, end in _paragraphs(text):
        lines = text[start:end].split("\n")
        following = lines[1] if len(lines) > 1 else lines[0]
        indent = following[: len(following) - len(following.lstrip())]
        width = max(map(len, lines))
        bullet = _BULLET.match(text, start, end)
        at = bullet.end() if bullet else start
        for match in _END.finditer(text, at, end):
            if not _ABBREVIATION.search(text, at, match.end()):
                yield from _trimmed(text, at, match.end(), width, indent)
                at = match.end()
        yield from _trimmed(text, at, end, width, indent)


def with_replaced(text: str, replacements: list[tuple[Span, str]]) -> str:
    """The text with other sentences in the place of some; one that went over several lines is wrapped again."""
    parts, at = [], 0
    for span, sentence in replacements:
        parts += [text[at : span.start], _laid_out(text, span, sentence)]
        at = span.end
    return "".join([*parts, text[at:]])


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of lines that belong together."""
    start, at, previous = 0, 0, ""
    for line in text.split("\n"):
        if not _goes_on(previous, line):
            if previous.strip() and not _VERBATIM.match(previous):
                yield start, at - 1
            start = at
        at += len(line) + 1
        previous = line
    if previous.strip() and not _VERBATIM.match(previous):
        yield start, at - 1


def _goes_on(previous: str, line: str) -> bool:
    if len(previous.strip()) < _WRAPPED or not line.strip() or previous.rstrip().endswith(":"):
        return False
    return not (_VERBATIM.match(previous) or _VERBATIM.match(line) or _BULLET.match(line))


def _trimmed(text: str, start: int, end: int, width: int, indent: str) -> Iterator[Span]:
    part = text[start:end]
    trimmed = part.strip()
    if trimmed:
        begin = start + part.index(trimmed)
        yield Span(begin, begin + len(trimmed), width, indent)


def _laid_out(text: str, span: Span, sentence: str) -> str:
    if "\n" not in text[span.start : span.end]:
        return sentence
    column = span.start - (text.rfind("\n", 0, span.start) + 1)
    filled = textwrap.fill(
        sentence,
        max(span.width, _WRAPPED, column + 1),
        initial_indent="\0" * column,
        subsequent_indent=span.indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\0", "")
