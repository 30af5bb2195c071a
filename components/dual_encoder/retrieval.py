"""How well the right one of many texts is found for an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
_AT_ONCE = 1024
_ROUNDING = np.float32(1e-6)  # two products of equal vectors may differ by it


def recall(images: Vectors, texts: Vectors, at: int) -> float:
    """The share of images whose own text is among the `at` most similar ones.

    Texts as similar as the own count as in random order, so that an encoder to which all are alike is at chance.

    Args:
        images: float32 `[n, dim]` on the unit sphere.
        texts: float32 `[n, dim]`, the own text of each image.
        at: how many are looked at.
    """
    hits = 0.0
    for start in range(0, len(images), _AT_ONCE):
        similar = images[start : start + _AT_ONCE] @ texts.T
        own = similar[np.arange(len(similar)), start + np.arange(len(similar))][:, None]
        better = (similar > own + _ROUNDING).sum(1)
        equal = (np.abs(similar - own) <= _ROUNDING).sum(1)
        hits += float(np.clip((at - better) / equal, 0.0, 1.0).sum())
    return hits / len(images)


def chance(texts: int, at: int) -> float:
    """The same share where texts are in random order."""
    return min(1.0, at / texts)
