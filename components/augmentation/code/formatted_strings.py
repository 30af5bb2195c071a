"""Names in the formatted strings of Python, found in their text: before Python 3.12 the parser misplaces them."""

from __future__ import annotations

import keyword
import re

_OPENING = re.compile(r"""([A-Za-z]{0,3})('''|\"""|'|")""")
_BETWEEN = re.compile(r"(?:\s|\\\n|#[^\n]*)*")
_TOKEN = re.compile(
    r"""(?P<string>[A-Za-z]{0,2}(?:'''|\"""|'|"))|(?P<name>[^\W\d]\w*)|(?P<number>\.?\d[\w.]*)"""
    r"""|(?P<attribute>\.\s*[^\W\d]\w*)|(?P<other>==|!=|<=|>=|:=|\s+|.)""",
    re.DOTALL,
)


def names(text: str) -> list[tuple[int, str]] | None:
    """The names in the expressions of a formatted string, with the places where they start.

    Names of attributes and of arguments are left out.

    Args:
        text: one string, or several that are written one after the other.

    Returns:
        The names in order; None for what is not understood: formatted strings in formatted strings, and `{name=}`, which
        shows the name.
    """
    try:
        found: list[tuple[int, str]] = []
        at = 0
        while at < len(text):
            opening = _OPENING.match(text, at)
            if opening is None:
                return None
            prefix, quote = opening.groups()
            end = _end_of_string(text, opening.end(), quote)
            if "f" in prefix.lower():
                _fields(text, opening.end(), end, found)
            between = _BETWEEN.match(text, end + len(quote))
            assert between is not None
            at = between.end()
    except _NotUnderstood:
        return None
    return found


class _NotUnderstood(Exception):  # noqa: N818
    pass


def _end_of_string(text: str, at: int, quote: str) -> int:
    while not text.startswith(quote, at):
        at += 2 if text.startswith("\\", at) else 1
        if at >= len(text):
            raise _NotUnderstood
    return at


def _fields(text: str, at: int, end: int, found: list[tuple[int, str]]) -> None:
    """The names in what is between braces."""
    while at < end:
        if text.startswith(("{{", "}}"), at):
            at += 2
        elif text[at] == "{":
            at = _field(text, at + 1, end, found)
        else:
            at += 1


def _field(text: str, at: int, end: int, found: list[tuple[int, str]]) -> int:
    """Reads one field. Returns the place behind its closing brace."""
    depth = 0
    while at < end:
        token = _TOKEN.match(text, at, end)
        assert token is not None
        kind, word = token.lastgroup, token[0]
        at = token.end()
        if kind == "string":
            quote = word.lstrip("rRbBuUfF")
            if "f" in word.lower():
                raise _NotUnderstood
            at = _end_of_string(text, at, quote) + len(quote)
        elif kind == "name" and not keyword.iskeyword(word):
            following = text[at:end].lstrip()
            is_argument = depth > 0 and following.startswith("=") and not following.startswith("==")
            if not is_argument:
                found.append((token.start(), word))
        elif word in ("(", "[", "{"):
            depth += 1
        elif depth and word in (")", "]", "}"):
            depth -= 1
        elif depth == 0 and word in ("=", "\\", "#"):
            raise _NotUnderstood
        elif depth == 0 and word == "}":
            return at
        elif depth == 0 and word in ("!", ":"):
            return _format(text, at, end, found)
    raise _NotUnderstood


def _format(text: str, at: int, end: int, found: list[tuple[int, str]]) -> int:
    """Reads what follows the expression, in which there may be fields again."""
    while at < end:
        if text[at] == "{":
            at = _field(text, at + 1, end, found)
        elif text[at] == "}":
            return at + 1
        else:
            at += 1
    raise _NotUnderstood
