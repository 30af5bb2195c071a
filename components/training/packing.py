"""Rows that are filled with several samples each, so that little of a batch is padding.

A sample takes the positions of its image's patches and then those of its tokens. Each sees itself alone: `documents` says
which positions are of one. The row of a packed batch:

    documents  1 1 1 1 1 1 1 2 2 2 2 2 2 0 0
    patches    1 2 3 4 0 0 0 5 6 7 8 0 0 0 0    which of the row's patches stands there, from 1; 0: a token
    places     0 0 0 0 0 1 2 0 0 0 0 0 1 0 0    place of the token in its sample
    ids                a b c         d e        the tokens
"""

from __future__ import annotations

import bisect
import functools

import numpy as np
import numpy.typing as npt

from components.training.batches import Batch, Indices
from components.training.examples import Examples
from schemas.errors import ConfigError

_WINDOW = 1024
"""Samples that are spread over rows together: enough to fill rows well, few enough that the order stays random."""
_ORDER, _ROWS = 0, 1  # streams of randomness


class PackedSampler:
    """Which samples each row of a step holds: a function of seed and step alone.

    Within an epoch every sample comes once, but for those of the rows that are left over after the last whole batch.

    Args:
        lengths: positions that each sample takes, int64 `[samples]`.
        row: positions in a row.
        rows: rows in a batch; where an epoch has fewer, some come more than once.
        seed: of the shuffling.

    Raises:
        ConfigError: a sample is longer than a row.
    """

    def __init__(self, lengths: Indices, *, row: int, rows: int, seed: int):
        longest = int(lengths.max())
        if longest > row:
            raise ConfigError(
                f"a sample takes {longest} positions and a row has {row}",
                where="training.packed_length",
                remedy=f"set it to {longest} or more, or leave it out",
            )
        self._lengths, self._row, self._rows, self._seed = lengths, row, rows, seed
        self._plan = functools.lru_cache(maxsize=2)(self._planned)
        self._ends: list[int] = []  # of each epoch, in batches from the beginning on

    def batch(self, step: int) -> list[Indices]:
        """The samples of each row of a step, from 0 on."""
        while not self._ends or self._ends[-1] <= step:
            self._ends.append((self._ends[-1] if self._ends else 0) + len(self._plan(len(self._ends))))
        epoch = bisect.bisect_right(self._ends, step)
        return self._plan(epoch)[step - (self._ends[epoch - 1] if epoch else 0)]

    def _planned(self, epoch: int) -> list[list[Indices]]:
        order = self._random(epoch, _ORDER).permutation(len(self._lengths))
        rows: list[Indices] = []
        for start in range(0, len(order), _WINDOW):
            rows += packed(self._lengths, order[start : start + _WINDOW], self._row)
        rows = [rows[place] for place in self._random(epoch, _ROWS).permutation(len(rows))]
        if len(rows) < self._rows:
            rows = [rows[place % len(rows)] for place in range(self._rows)]
        return [rows[at : at + self._rows] for at in range(0, len(rows) - self._rows + 1, self._rows)]

    def _random(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, 2 * epoch + stream]))


def packed(lengths: Indices, samples: Indices, row: int) -> list[Indices]:
    """Samples spread over rows: the longest first, each into the fullest row that has room for it (best fit decreasing).

    Args:
        lengths: positions that each sample takes.
        samples: which to spread.
        row: positions in a row.
    """
    rows: list[list[int]] = []
    with_room: list[tuple[int, int]] = []  # (positions that are free, number of the row), sorted
    for sample in samples[np.argsort(-lengths[samples], kind="stable")].tolist():
        needed = int(lengths[sample])
        place = bisect.bisect_left(with_room, (needed, -1))
        if place == len(with_room):
            rows.append([])
            room, number = row, len(rows) - 1
        else:
            room, number = with_room.pop(place)
        rows[number].append(sample)
        bisect.insort(with_room, (room - needed, number))
    return [np.array(sorted(own), np.int64) for own in rows]


def of_rows(
    chosen: Examples,
    samples: Indices,
    ends: Indices,
    noise: npt.NDArray[np.int32],
    *,
    row: int,
    patches: int,
    most: int,
) -> Batch:
    """A packed batch.

    Args:
        chosen: its samples, row after row.
        samples: their places in their split, int64.
        ends: where in `chosen` each row ends, int64 `[rows]`.
        noise: of each row, int32 `[rows]`.
        row: positions in a row.
        patches: positions that an image takes.
        most: samples in a row at most.
    """
    shape = (len(ends), row)
    ids, documents, places, sources, targets = (np.zeros(shape, np.int32) for _ in range(5))
    weights = np.zeros(shape, np.float32)
    images = np.zeros((len(ends), most, *chosen.images.shape[1:]), np.uint8)
    has_image = np.zeros((len(ends), most), np.float32)
    lengths = chosen.lengths()
    number, place, at = 0, 0, 0
    for sample, length in enumerate(lengths.tolist()):
        if sample == ends[number]:
            number, place, at = number + 1, 0, 0
        tokens = chosen.ids[sample, :length]
        first, end = at + patches, at + patches + length - 1  # the last token is predicted, not looked at
        documents[number, at:end] = place + 1
        sources[number, at:first] = np.arange(place * patches, (place + 1) * patches) + 1
        ids[number, first:end] = tokens[:-1]
        places[number, first:end] = np.arange(length - 1)
        targets[number, first:end] = tokens[1:]
        weights[number, first:end] = chosen.weights[sample]
        images[number, place], has_image[number, place] = chosen.images[sample], chosen.has_image[sample]
        place, at = place + 1, end
    features = {"ids": ids, "documents": documents, "places": places, "patches": sources}
    return Batch(
        features={**features, "image": images, "has_image": has_image, "noise": noise},
        targets=targets,
        weights=weights,
        samples=samples,
        tokens=int((lengths - 1).sum()),
        bytes=int(chosen.sizes.sum()),
        padding=1 - float((documents > 0).mean()),
    )
