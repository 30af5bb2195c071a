"""Samples and varied copies of some of them. A copy depends on its parent and the seed alone."""

from __future__ import annotations

import hashlib
import itertools
import pathlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from components.augmentation.config import AugmentationConfig
from components.augmentation.images import vary
from schemas import progress, records, tables

NODE = "Augment"
_SPLIT = "train"


def augment(
    samples_directory: pathlib.Path, augmented_directory: pathlib.Path, config: AugmentationConfig, seed: int
) -> int:
    """Writes all samples in their order, and then the copies in the order of their parents.

    Only samples of the training split with an image get copies; each names its parent.

    Returns:
        The number of rows written.
    """
    batches = itertools.chain(_read(samples_directory), _copies(samples_directory, config, seed))
    return tables.write(augmented_directory, batches, records.SAMPLE)


def copy_of(sample_id: str, seed: int, fraction: float) -> np.random.Generator | None:
    """The random numbers for the copy of a sample; None if it gets none."""
    key = hashlib.sha256(f"augment\0{seed}\0{sample_id}".encode()).digest()
    random = np.random.Generator(np.random.Philox(key=np.frombuffer(key[:16], np.uint64)))
    return random if random.uniform() < fraction else None


def _read(directory: pathlib.Path) -> Iterator[pa.RecordBatch]:
    for shard, group in tables.groups(directory):
        batch = tables.read_group(shard, group)
        progress.advance(NODE, batch.num_rows)
        yield batch


def _copies(directory: pathlib.Path, config: AugmentationConfig, seed: int) -> Iterator[pa.RecordBatch]:
    for batch in _read(directory):
        copies = []
        for sample in tables.to_rows(batch):
            if sample["split"] != _SPLIT or sample["image"] is None:
                continue
            random = copy_of(sample["sample_id"], seed, config.fraction)
            if random is not None:
                copies.append(
                    {
                        **sample,
                        "sample_id": records.record_id(sample["sample_id"], "copy 1"),
                        "parent": sample["sample_id"],
                        "image": vary(sample["image"], config, random),
                    }
                )
        yield tables.from_rows(copies, records.SAMPLE)
