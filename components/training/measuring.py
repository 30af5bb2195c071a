"""How well a model predicts held-out samples, and whether it looks at their images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from components.training.examples import Examples
from components.training.report import Interval
from serving import sequence

Floats = npt.NDArray[np.float64]
TokenNll = Callable[[Examples], npt.NDArray[np.float32]]
"""Negative log-likelihood of each token of some samples, nats, float32 `[samples, seq]`."""


def bits_per_byte(nll: npt.NDArray[np.float32], held_out: Examples) -> float:
    """Bits that the text and code of samples take, per byte of them."""
    counted = np.where(held_out.segments != sequence.NONE_SEGMENT, nll, 0.0)
    total: float = counted.sum(dtype=np.float64) / math.log(2) / max(1, int(held_out.sizes.sum()))
    return total


def image_effect(
    token_nll: TokenNll, nll: npt.NDArray[np.float32], held_out: Examples, *, seed: int
) -> Interval | None:
    """How many nats a sample costs more when it comes with another sample's image.

    Args:
        token_nll: the model.
        nll: what it says of the samples with their own images.
        held_out: the samples.
        seed: of the exchange of images.

    Returns:
        The paired difference over the samples that have an image; None where fewer than two have.
    """
    with_image = np.flatnonzero(held_out.has_image)
    if len(with_image) < 2:
        return None
    order = np.random.Generator(np.random.Philox(key=[seed, 0])).permutation(with_image)
    own = held_out.take(order)
    others = dataclasses.replace(own, images=np.roll(own.images, 1, axis=0))  # a cycle: no sample keeps its own
    counts = own.segments != sequence.NONE_SEGMENT
    difference = np.where(counts, token_nll(others) - nll[order], 0.0).sum(1, dtype=np.float64)
    margin = 1.96 * difference.std(ddof=1) / math.sqrt(len(difference))
    mean = float(difference.mean())
    return Interval(mean=mean, low=mean - margin, high=mean + margin, samples=len(difference))
