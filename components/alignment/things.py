"""What is joined where there is no common key: things, what they say, and what encodes that."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


# There may be millions of these, and a named tuple is made in half the time of a frozen dataclass.
class Thing(NamedTuple):
    """Records of one source that share a key.

    Attributes:
        source: the source's name.
        key: what they share.
        rows: rows of the table of records, in order.
        time_us: when, UTC; None if that is not known.
    """

    source: str
    key: str
    rows: tuple[int, ...]
    time_us: int | None


@dataclasses.dataclass(frozen=True)
class Said:
    """What a thing says.

    Attributes:
        lines: of its texts.
        image: its first image; None if it has none.
    """

    lines: tuple[str, ...]
    image: bytes | None


@dataclasses.dataclass(frozen=True)
class ImageText:
    """An encoder of texts and images on one sphere, as `components.dual_encoder.encoder` has it.

    Attributes:
        texts: texts to float32 `[n, dim]`.
        images: PNG files to float32 `[n, dim]`.
    """

    texts: Callable[[Sequence[str]], np.ndarray]
    images: Callable[[Sequence[bytes]], np.ndarray]
