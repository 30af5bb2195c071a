"""How a sample becomes one sequence of token ids: the layout that training and serving share.

    BOS text... CODE code... EOS PAD...

The image, when there is one, is seen before the first token. `BOS`, `CODE` and `EOS` are learnt, but only the tokens
of the text and of the code count in bits per byte, since only they stand for bytes of the sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PAD, UNKNOWN, BOS, EOS, CODE = 0, 1, 2, 3, 4
CODE_PIECE = "<code>"

CHARACTERS_PER_TOKEN = 8
"""A text is cut to so many characters a token of its budget before it is tokenised, in the Transform graph as in the
servers. A token stands for about three characters, so that the budget is nearly always used up; and however long a text
is, only that much of it is ever looked at."""

NONE_SEGMENT, TEXT_SEGMENT, CODE_SEGMENT = 0, 1, 2


def cut(text: str, tokens: int) -> str:
    """The beginning of a text that a budget of so many tokens is filled from."""
    return text[: CHARACTERS_PER_TOKEN * tokens]


def length(text_tokens: int, code_tokens: int) -> int:
    """The static length of a sequence with these budgets."""
    return text_tokens + code_tokens + 3


def layout(
    text: Sequence[int], code: Sequence[int], *, text_tokens: int, code_tokens: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """One sample's sequence.

    Args:
        text: token ids of the text, cut to `text_tokens`.
        code: token ids of the code, cut to `code_tokens`.

    Returns:
        `ids` and `segments`, int32 `[text_tokens + code_tokens + 3]`; a segment says whether the id at its place is a
        token of the text (1), of the code (2) or neither (0).
    """
    text, code = text[:text_tokens], code[:code_tokens]
    size = length(text_tokens, code_tokens)
    ids = np.full(size, PAD, np.int32)
    segments = np.zeros(size, np.int32)
    used = [BOS, *text, CODE, *code, EOS]
    ids[: len(used)] = used
    segments[1 : 1 + len(text)] = TEXT_SEGMENT
    segments[2 + len(text) : 2 + len(text) + len(code)] = CODE_SEGMENT
    return ids, segments
