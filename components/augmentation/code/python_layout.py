"""Other comments, blank lines, quotes and indentation for a Python source: what its syntax tree does not show."""

from __future__ import annotations

import io
import itertools
import re
import tokenize
from collections.abc import Iterator, Sequence
from tokenize import TokenInfo

import numpy as np

from components.augmentation.code.config import CodeAugmentation
from components.augmentation.code.edits import Edit, line_starts

_FOR_THE_INTERPRETER = re.compile(r"#!|#.*coding[:=]")  # PEP 263
_PLAIN_STRING = re.compile(r"""([bBuUrR]{0,2})(['"])[^'"\\\n]*\2""")
_NOT_IN_STATEMENTS = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def tokens_of(code: str) -> list[TokenInfo]:
    """The tokens of a code.

    Raises:
        SyntaxError, tokenize.TokenError: it has none.
    """
    return list(tokenize.generate_tokens(io.StringIO(code).readline))


def relaid(
    code: str, tokens: Sequence[TokenInfo], config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    """Edits of comments, gaps between lines, and quotes."""
    yield from _comments(code, tokens, config, random)
    yield from _gaps(code, tokens, config, random)
    if random.uniform() < config.quotes:
        yield from _quotes(code, tokens, str(random.choice(["'", '"'])))


def reindented(code: str, tokens: Sequence[TokenInfo], width: int) -> Iterator[Edit]:
    """Edits that make each block stand so many spaces further in than the one around it.

    Lines that continue a statement move with its first; the inside of strings stays. A line with only a comment moves
    with the block whose margin it has.
    """
    starts = line_starts(code)
    fixed = {row for first, last in _strings(tokens) for row in range(first + 1, last + 1)}
    margins = [""]
    before = margins  # at the last statement
    pending: list[int] = []  # rows of comments that wait for the next statement
    first = 0  # row of the statement that is being read; 0 between two

    def shifted(row: int, old: str, new: str) -> Iterator[Edit]:
        start = starts[row - 1]
        if old != new and row not in fixed and code.startswith(old, start):
            yield Edit(start, start + len(old), new)

    for token in tokens:
        row = token.start[0]
        if token.type == tokenize.INDENT:
            margins = [*margins, token.string]
        elif token.type == tokenize.DEDENT:
            margins = margins[:-1]
        elif token.type == tokenize.COMMENT and not first:
            pending.append(row)
        elif token.type == tokenize.NEWLINE:
            for statement_row in range(first, row + 1):
                yield from shifted(statement_row, margins[-1], " " * (width * (len(margins) - 1)))
            first, before = 0, margins
        elif (token.type not in _NOT_IN_STATEMENTS and not first) or token.type == tokenize.ENDMARKER:
            for comment_row in pending:
                margin = _margin(code, starts[comment_row - 1])
                depth = next((levels.index(margin) for levels in (margins, before) if margin in levels), None)
                if depth is not None:
                    yield from shifted(comment_row, margin, " " * (width * depth))
            pending, first = [], row


def _comments(
    code: str, tokens: Sequence[TokenInfo], config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    starts = [*line_starts(code), len(code)]
    first: TokenInfo | None = None  # of the statement
    for token, following in itertools.pairwise(tokens):
        if token.type == tokenize.NEWLINE:
            first = None
        elif token.type == tokenize.COMMENT:
            (row, column), line = token.start, starts[token.start[0] - 1]
            dropped, moved = random.uniform(size=2).tolist()
            if row <= 2 and _FOR_THE_INTERPRETER.match(token.string):
                continue
            alone = not code[line : line + column].strip()
            if alone and dropped < config.comments_dropped:
                yield Edit(line, starts[row], "")
            elif not alone and dropped < config.comments_dropped:
                yield _without(code, line + column, token.string)
            elif (
                first is not None
                and first.start[0] == row
                and following.type == tokenize.NEWLINE
                and moved < config.comments_moved
            ):  # the statement is on this line alone
                yield Edit(line, line, f"{_margin(code, line)}{token.string}\n")
                yield _without(code, line + column, token.string)
        elif token.type not in _NOT_IN_STATEMENTS:
            first = first or token


def _without(code: str, start: int, comment: str) -> Edit:
    """Drops a comment behind something, and the spaces before it."""
    return Edit(len(code[:start].rstrip(" \t")), start + len(comment), "")


def _gaps(
    code: str, tokens: Sequence[TokenInfo], config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    starts = [*line_starts(code), len(code)]
    blank = [token.start[0] for token in tokens if token.type == tokenize.NL and not token.line.strip()]
    for _, numbered in itertools.groupby(enumerate(blank), lambda pair: pair[1] - pair[0]):
        rows = [row for _, row in numbered]
        height = int(random.integers(config.most_blank_lines + 1))
        if random.uniform() < config.blank_lines:
            yield Edit(starts[rows[0] - 1], starts[rows[-1]], "\n" * height)
    before = tokenize.NEWLINE
    for token in tokens:
        if token.type in _NOT_IN_STATEMENTS:
            continue
        if before == tokenize.NEWLINE and token.start[0] > 1 and random.uniform() < config.gap_inserted:
            yield Edit(starts[token.start[0] - 1], starts[token.start[0] - 1], "\n")
        before = token.type


def _quotes(code: str, tokens: Sequence[TokenInfo], quote: str) -> Iterator[Edit]:
    starts = line_starts(code)
    formatted = _formatted_strings(tokens)
    for at, token in enumerate(tokens):
        if token.type != tokenize.STRING or at in formatted:
            continue
        plain = _PLAIN_STRING.fullmatch(token.string)
        if plain and plain[2] != quote:
            start = starts[token.start[0] - 1] + token.start[1] + len(plain[1])
            end = starts[token.end[0] - 1] + token.end[1]
            yield Edit(start, start + 1, quote)
            yield Edit(end - 1, end, quote)


def _formatted_strings(tokens: Sequence[TokenInfo]) -> set[int]:
    """Which tokens are within formatted strings. Until Python 3.11 such a string is one token, which is not plain."""
    depth, within = 0, set()
    for at, token in enumerate(tokens):
        name = tokenize.tok_name[token.type]
        depth += (name == "FSTRING_START") - (name == "FSTRING_END")
        if depth:
            within.add(at)
    return within


def _strings(tokens: Sequence[TokenInfo]) -> Iterator[tuple[int, int]]:
    """The first and last row of each string."""
    opened: list[int] = []
    for token in tokens:
        name = tokenize.tok_name[token.type]
        if name == "STRING":
            yield token.start[0], token.end[0]
        elif name == "FSTRING_START":
            opened.append(token.start[0])
        elif name == "FSTRING_END":
            yield opened.pop(), token.end[0]


def _margin(code: str, start: int) -> str:
    end = start
    while code.startswith((" ", "\t"), end):
        end += 1
    return code[start:end]
