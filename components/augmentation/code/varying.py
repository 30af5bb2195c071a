"""A varied copy of a code that means the same."""

from __future__ import annotations

import ast
import tokenize
import warnings
from collections.abc import Sequence

import numpy as np

from components.augmentation.code import python_layout, python_names, svg
from components.augmentation.code.config import CodeAugmentation
from components.augmentation.code.edits import LineRange, VariedCode

LANGUAGES = ("python", "svg")
"""The languages whose codes are varied, as `components.ingestion.files` names them."""

_UNUSUAL = frozenset("\r\f\v\0")  # ends of lines to some and not to others
_NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError)


def vary(
    code: str,
    language: str | None,
    ranges: Sequence[LineRange],
    config: CodeAugmentation,
    random: np.random.Generator,
) -> VariedCode | None:
    """A copy of a code with other names, comments, layout or notation, that does or draws the same.

    Python: the syntax tree is equal but for names of variables. SVG: the tree of elements is equal but for ids, white
    space between elements and the notation of numbers and colours. Both are checked each time; nothing is executed.

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
    varied = (svg.vary if language == "svg" else _vary_python)(copy, config, random)
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
            varied = copy.after(renaming)
            tokens = python_layout.tokens_of(varied.code)
            varied = varied.after(python_layout.relaid(varied.code, tokens, config, random))
            width = int(random.choice(config.indentation))
            if random.uniform() < config.indented:
                tokens = python_layout.tokens_of(varied.code)
                varied = varied.after(python_layout.reindented(varied.code, tokens, width))
            return varied if python_names.is_same(tree, ast.parse(varied.code), new) else None
    except _NOT_PYTHON:
        return None


def _nesting(tokens: Sequence[tokenize.TokenInfo]) -> int:
    """How many brackets and blocks are open at once, at most."""
    depth = deepest = 0
    for token in tokens:
        opens = token.type == tokenize.INDENT or (token.type == tokenize.OP and token.string in "([{")
        closes = token.type == tokenize.DEDENT or (token.type == tokenize.OP and token.string in ")]}")
        depth += opens - closes
        deepest = max(deepest, depth)
    return deepest
