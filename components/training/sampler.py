"""Which samples a step sees: a function of seed and step alone, so that resuming needs no iterator's state.

Within an epoch every sample comes once (but for a remainder smaller than a batch). Samples of like length share a
batch, since a batch is as long as its longest sample: windows of some batches are sorted by length, and the batches
are shuffled.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

_WINDOW_BATCHES = 8
_ORDER, _BATCHES = 0, 1  # streams of randomness
Indices = npt.NDArray[np.int64]


class Sampler:
    """See the module.

    Args:
        lengths: tokens of each sample, int64 `[samples]`.
        batch_size: samples in a batch; where there are fewer samples, some come more than once in a batch.
        seed: of the shuffling.
    """

    def __init__(self, lengths: Indices, *, batch_size: int, seed: int):
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = functools.lru_cache(maxsize=2)(self._plan)

    def batch(self, step: int) -> Indices:
        """The samples of a step, from 0 on; int64 `[batch_size]`."""
        epoch, place = divmod(step, max(1, len(self._lengths) // self._batch_size))
        return self._epoch(epoch)[place]

    def _plan(self, epoch: int) -> list[Indices]:
        order = self._random(epoch, _ORDER).permutation(len(self._lengths))
        if len(order) < self._batch_size:
            return [np.resize(order, self._batch_size)]
        window = self._batch_size * _WINDOW_BATCHES
        batches = []
        for start in range(0, len(order), window):
            near = order[start : start + window]
            near = near[np.argsort(self._lengths[near], kind="stable")]
            batches += [
                near[at : at + self._batch_size] for at in range(0, len(near) - self._batch_size + 1, self._batch_size)
            ]
        return [batches[place] for place in self._random(epoch, _BATCHES).permutation(len(batches))]

    def _random(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, 2 * epoch + stream]))
