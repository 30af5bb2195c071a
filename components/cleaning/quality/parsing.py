"""How much of a code its language's grammar understands, in bounded time.

Tree-sitter parses anything, wraps what it cannot make sense of in ERROR nodes, and needs no stack for depth. Some of
its scanners and its recovery from errors take time that grows with the square of the input, so the work is counted
(parse operations and bytes read, not seconds: the result is the same on every machine) and given up beyond a budget.
"""

from __future__ import annotations

import functools
import importlib
import re

import numpy as np
import numpy.typing as npt
import tree_sitter

from components.cleaning.near_duplicates.kernels import compiled

PARSED_BYTES = 65_536
"""A code is judged by so many first bytes, up to a line's end."""

MARKUP = frozenset({"html", "svg", "xml"})
"""Languages that nest by elements, not by brackets."""

_GRAMMARS = {  # language: its package after `tree_sitter_`, and the function in it
    "python": ("python", "language"),
    "javascript": ("javascript", "language"),
    "typescript": ("typescript", "language_typescript"),
    "java": ("java", "language"),
    "kotlin": ("kotlin", "language"),
    "scala": ("scala", "language"),
    "c": ("c", "language"),
    "c++": ("cpp", "language"),
    "c#": ("c_sharp", "language"),
    "go": ("go", "language"),
    "rust": ("rust", "language"),
    "ruby": ("ruby", "language"),
    "php": ("php", "language_php"),
    "lua": ("lua", "language"),
    "swift": ("swift", "language"),
    "shell": ("bash", "language"),
    "html": ("html", "language"),
    "css": ("css", "language"),
    "svg": ("xml", "language_xml"),
    "xml": ("xml", "language_xml"),
}

_ALSO = {"c": ("c++",)}  # a header of C++ has the same extension as one of C
_UNDERSTOOD = 0.05
_SPACES = np.frombuffer(b" \t\n\r\v\f", np.uint8)

# A valid code takes about one operation a byte, and progress is told every 100 operations.
_BASE_STEPS, _STEPS_PER_BYTE = 200, 0.04
_CHUNK = 1024
_READS_PER_CHUNK = 25  # a scanner that looks far ahead at every token reads the same again and again

_TAG = re.compile(rb"<(/?)([A-Za-z][^\s<>/]*)[^<>]*")
_UNCLOSED = frozenset(  # elements of HTML that have no end, or whose end may be left out
    b"area base br col embed hr img input link meta source track wbr p li dt dd tr td th option".split()
)


class TooCostly(Exception):  # noqa: N818
    """The budget for parsing is spent: (what was measured, the limit)."""


def judged_part(code: bytes) -> bytes:
    """The first bytes of a code, up to a line's end: what is parsed."""
    if len(code) <= PARSED_BYTES:
        return code
    end = code.rfind(b"\n", 0, PARSED_BYTES) + 1
    return code[: end or PARSED_BYTES]


def has_grammar(language: str | None) -> bool:
    """Whether codes in a language can be parsed."""
    return language in _GRAMMARS


def error_share(code: bytes, language: str) -> float:
    """The share of a code's bytes, white space apart, that the grammar cannot place.

    Counted are the bytes of ERROR nodes outside of the constructs that were recognised within them: a class that lacks
    its end is not an error from start to end.

    Raises:
        TooCostly: the code was made to be slow.
    """
    before = np.zeros(len(code) + 1, np.int64)
    np.cumsum(~np.isin(np.frombuffer(code, np.uint8), _SPACES), out=before[1:])
    share = 1.0
    for grammar in (language, *_ALSO.get(language, ())):
        tree = _parse(code, grammar)
        share = min(share, _misplaced(tree, before) / max(before[-1], 1) if tree.root_node.has_error else 0.0)
        if share <= _UNDERSTOOD:
            break
    return share


def nesting(code: bytes, language: str | None) -> int:
    """How many brackets, or elements of markup, are open at once, at most.

    Brackets in quotes do not count; a quote ends with its line at the latest. Within a statement `<` counts as well: as
    a type's bracket it is what some grammars take longest to tell from a comparison.
    """
    if language not in MARKUP:
        return int(_brackets(np.frombuffer(code, np.uint8)))
    depth = deepest = 0
    for tag in _TAG.finditer(code):
        if tag[1]:
            depth = max(depth - (tag[2].lower() not in _UNCLOSED), 0)
        elif not tag[0].endswith(b"/") and (language != "html" or tag[2].lower() not in _UNCLOSED):
            depth += 1
            deepest = max(deepest, depth)
    return deepest


@functools.cache
def _grammar(language: str) -> tree_sitter.Language:
    package, function = _GRAMMARS[language]
    return tree_sitter.Language(getattr(importlib.import_module(f"tree_sitter_{package}"), function)())


def _parse(code: bytes, language: str) -> tree_sitter.Tree:
    most_steps = _BASE_STEPS + _STEPS_PER_BYTE * len(code)
    most_reads = _READS_PER_CHUNK * (2 + len(code) // _CHUNK)
    steps = reads = 0

    def read(offset: int, _: object) -> bytes:
        nonlocal reads
        reads += 1
        return code[offset : offset + _CHUNK] if reads <= most_reads else b""

    def is_over(_: int, __: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > most_steps or reads > most_reads

    tree: tree_sitter.Tree | None
    try:
        tree = tree_sitter.Parser(_grammar(language)).parse(read, progress_callback=is_over)
    except ValueError:
        if steps <= most_steps and reads <= most_reads:
            raise
        tree = None
    if reads > most_reads:
        raise TooCostly(f"over {most_reads * _CHUNK} bytes read", f"{_READS_PER_CHUNK} times its size")
    if tree is None:
        raise TooCostly(f"over {steps - 1}00 operations", f"{most_steps * 100:.0f} operations")
    return tree


def _misplaced(tree: tree_sitter.Tree, before: npt.NDArray[np.int64]) -> int:
    """Bytes in ERROR nodes and outside of the constructs that they hold. Walks without recursion.

    Args:
        tree: with errors.
        before: int64 [bytes + 1], how many bytes before each place are not white space.
    """
    children = tree.root_node.children
    total = int(before[-1] - before[children[-1].end_byte if children else 0])  # some scanners end before the code does
    cursor = tree.walk()
    inside = [False]  # whether each ancestor is an ERROR node
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error != inside[-1] and (node.is_error or node.child_count):
            size = int(before[node.end_byte] - before[node.start_byte])
            total += size if node.is_error else -size
        if node.has_error and cursor.goto_first_child():
            inside.append(node.is_error)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return total
            inside.pop()


@compiled
def _brackets(data):  # type: ignore[no-untyped-def]
    depth, deepest, angles = 0, 0, 0
    quote = 0
    place = 0
    while place < len(data):
        byte = data[place]
        if quote:
            if byte == quote or byte == 0x0A:
                quote = 0
            elif byte == 0x5C:
                place += 1
        elif byte == 0x22 or byte == 0x27 or byte == 0x60:
            quote = byte
        elif byte == 0x28 or byte == 0x5B or byte == 0x7B:
            depth += 1
            deepest = max(deepest, depth)
            angles = 0
        elif byte == 0x29 or byte == 0x5D or byte == 0x7D:
            depth = max(depth - 1, 0)
            angles = 0
        elif byte == 0x3B:
            angles = 0
        elif byte == 0x3C:
            shifted = place + 1 < len(data) and data[place + 1] == 0x3C
            angles += not shifted
            place += shifted
            deepest = max(deepest, angles)
        elif byte == 0x3E:
            angles = max(angles - 1, 0)
        place += 1
    return deepest
