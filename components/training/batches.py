"""What a step learns from: rows of samples as arrays, each row a sample or, packed, several."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.training.examples import Examples
from serving import sequence

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows of samples.

    Attributes:
        features: what the network sees, arrays `[rows, ...]`; `components.training.network` names them. Images are uint8.
        targets: the tokens to predict, int32 `[rows, positions]`.
        weights: how much each counts in the loss, float32 `[rows, positions]`; 0 where nothing is to predict.
        samples: places of the samples in their split, int64.
        tokens: tokens to predict.
        bytes: of text and code of the samples.
        padding: share of the positions at which no sample is.
    """

    features: dict[str, npt.NDArray[np.generic]]
    targets: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    samples: Indices
    tokens: int
    bytes: int
    padding: float


def of_samples(chosen: Examples, samples: Indices, noise: npt.NDArray[np.int32], *, multiple: int = 1) -> Batch:
    """A batch with a sample a row, as wide as the longest needs.

    Args:
        chosen: its samples.
        samples: their places in their split, int64 `[rows]`.
        noise: of each row, int32 `[rows]`.
        multiple: the width is rounded up to one of this, where each width is costly.
    """
    lengths = chosen.lengths()
    positions = min(-(-(int(lengths.max()) - 1) // multiple) * multiple, chosen.ids.shape[1] - 1)
    ids = chosen.ids[:, : positions + 1]
    targets = ids[:, 1:]
    counts = targets != sequence.PAD
    return Batch(
        features={"ids": ids[:, :-1], "image": chosen.images, "has_image": chosen.has_image, "noise": noise},
        targets=targets,
        weights=np.where(counts, chosen.weights[:, None], np.float32(0)),
        samples=samples,
        tokens=int(counts.sum()),
        bytes=int(chosen.sizes.sum()),
        padding=1 - float(counts.mean()),
    )


def noise(keys: npt.NDArray[np.int64], *, seed: int, step: int) -> npt.NDArray[np.int32]:
    """What the randomness of samples in a step begins with, int32 `[samples]`: a mix of seed, step and the samples' keys.

    By SplitMix64 (Steele, Lea and Flood 2014).
    """
    mixed = keys.astype(np.uint64)
    for number in (seed, step):
        mixed = _splitmix(mixed ^ _splitmix(np.full(1, number, np.int64).astype(np.uint64)))
    return (mixed >> np.uint64(32)).astype(np.uint32).view(np.int32)


def _splitmix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
