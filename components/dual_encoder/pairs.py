"""Pairs of text and image out of aligned samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.dual_encoder import features
from components.dual_encoder.config import TowersConfig
from schemas import tables
from schemas.errors import SourceError

_COLUMNS = ("sample_id", "text", "image", "split", "cluster", "parent")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Texts with their images, in the order of the samples' ids.

    Attributes:
        texts: n of them.
        images: uint8 `[n, size, size, 3]`.
        clusters: n names; samples of one cluster are variants of one thing.
    """

    texts: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    clusters: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def together(cls, parts: Sequence[Pairs]) -> Pairs:
        """All of several, at least one, with images of one size."""
        return cls(
            texts=tuple(text for part in parts for text in part.texts),
            images=np.concatenate([part.images for part in parts]),
            clusters=tuple(cluster for part in parts for cluster in part.clusters),
        )

    def take(self, rows: Sequence[int]) -> Pairs:
        """Some of them."""
        return Pairs(
            tuple(self.texts[row] for row in rows), self.images[list(rows)], tuple(self.clusters[row] for row in rows)
        )

    def one_a_cluster(self) -> Pairs:
        """The first of each cluster."""
        first: dict[str, int] = {}
        for row, cluster in enumerate(self.clusters):
            first.setdefault(cluster, row)
        return self.take(list(first.values()))


def read(samples: str, split: str, towers: TowersConfig, *, limit: int) -> Pairs:
    """The samples of a split that have a text and an image, but no augmented copies.

    Args:
        samples: directory of `schemas.records.SAMPLE`.
        split: its name.
        towers: says what images are scaled to.
        limit: how many at most, the first ones by id.

    Raises:
        SourceError: an image cannot be read.
        IntegrityError: the table is not whole.
    """
    found: dict[str, tuple[str, npt.NDArray[np.uint8], str]] = {}
    for shard, group in tables.groups(samples):
        for row in pa.Table.from_batches([tables.read_group(shard, group)]).select(_COLUMNS).to_pylist():
            if row["split"] == split and row["text"] and row["image"] and row["parent"] is None:
                name = row["sample_id"]
                try:
                    [pixels] = features.of_images([row["image"]], size=towers.image_size)
                except SourceError as error:
                    raise SourceError(error.what, where=f"sample {name}", remedy=error.remedy) from error
                found[name] = (row["text"], pixels, row["cluster"])
                if len(found) >= 2 * limit:  # no more is held than that, however many there are
                    found = _first(found, limit)
    chosen = list(_first(found, limit).values())
    size = towers.image_size
    return Pairs(
        texts=tuple(text for text, _, _ in chosen),
        images=np.array([pixels for _, pixels, _ in chosen], np.uint8).reshape(-1, size, size, 3),
        clusters=tuple(cluster for _, _, cluster in chosen),
    )


def _first(found: dict[str, T], limit: int) -> dict[str, T]:
    return {name: found[name] for name in sorted(found)[:limit]}
