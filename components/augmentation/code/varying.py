"""A varied copy of a code that means the same."""

from __future__ import annotations

import ast
import dataclasses
import tokenize
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from components.augmentation.code import python_layout, python_names
from components.augmentation.code.config import CodeAugmentation
from components.augmentation.code.edits import Edit, LineRange, edited, moved

LANGUAGES = ("python",)
"""The languages whose codes are varied, as `components.ingestion.files` names them."""

_UNUSUAL = frozenset("\r\f\v\0")  # ends of lines to some and not to others
_NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError)


@dataclasses.dataclass(frozen=True)
class VariedCode:
    """A copy.

    Attributes:
        code: it.
        ranges: where each range of lines is now, in the order given; None if none of its lines is left.
    """

    code: str
    ranges: tuple[LineRange | None, ...] = ()

    @property
    def dropped(self) -> int:
        """How many ranges are gone."""
        return self.ranges.count(None)


def vary(
    code: str,
    language: str | None,
    ranges: Sequence[LineRange],
    config: CodeAugmentation,
    random: np.random.Generator,
) -> VariedCode | None:
    """A copy of a code with other names, comments, layout or notation, that does or draws the same.

    Python: the syntax tree is equal but for names of variables, which is checked each time. Nothing is
    executed.

    Args:
        code: Unicode, lines end in `\\n`.
        language: as `components.ingestion.files` names it.
        ranges: lines, from 1 on, that move along.
        config: what is changed, and how often.
        random: where the choices come from.

    Returns:
        The copy; None if there is none that differs: another language, a code that is not understood, too large or too
        deeply nested, or one in which nothing may change.
    """
    if language not in LANGUAGES or len(code.encode("utf-8", "replace")) > config.max_bytes:
        return None
    if not _UNUSUAL.isdisjoint(code):
        return None
    copy = VariedCode(code, tuple((first, last) for first, last in ranges))
    varied = _vary_python(copy, config, random)
    return varied if varied is not None and varied.code != code else None


def _vary_python(copy: VariedCode, config: CodeAugmentation, random: np.random.Generator) -> VariedCode | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code's author's concern
            if _nesting(python_layout.tokens_of(copy.code)) > config.max_nesting:
                return None
            tree = ast.parse(copy.code)
            renaming = python_names.renaming(tree, copy.code, config, random)
            new = {edit.text: copy.code[edit.start : edit.end] for edit in renaming}
            varied = _apply(copy, renaming)
            tokens = python_layout.tokens_of(varied.code)
            varied = _apply(varied, python_layout.relaid(varied.code, tokens, config, random))
            width = int(random.choice(config.indentation))
            if random.uniform() < config.indented:
                tokens = python_layout.tokens_of(varied.code)
                varied = _apply(varied, python_layout.reindented(varied.code, tokens, width))
            return varied if python_names.is_same(tree, ast.parse(varied.code), new) else None
    except _NOT_PYTHON:
        return None


def _apply(copy: VariedCode, edits: Iterable[Edit]) -> VariedCode:
    result = edited(copy.code, edits)
    ranges = tuple(None if lines is None else moved(lines, result.lines) for lines in copy.ranges)
    return VariedCode(result.code, ranges)


def _nesting(tokens: Sequence[tokenize.TokenInfo]) -> int:
    """How many brackets and blocks are open at once, at most."""
    depth = deepest = 0
    for token in tokens:
        opens = token.type == tokenize.INDENT or (token.type == tokenize.OP and token.string in "([{")
        closes = token.type == tokenize.DEDENT or (token.type == tokenize.OP and token.string in ")]}")
        depth += opens - closes
        deepest = max(deepest, depth)
    return deepest
