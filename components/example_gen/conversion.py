"""A sample as a `tf.train.Example`: the features that `schemas/examples.pbtxt` describes."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from schemas import progress, tables

SPLITS = ("train", "eval", "test")
_OPTIONAL = ("text", "image", "code", "parent")


def modality(sample: Mapping[str, Any]) -> str:
    """Which modalities a sample has, for instance `text+image+code`."""
    return "+".join(name for name in ("text", "image", "code") if sample[name] is not None)


def to_example(sample: Mapping[str, Any]) -> tf.train.Example:
    """A row of `schemas.records.SAMPLE` as an Example; an absent modality is an absent feature."""
    features = {
        "sample_id": sample["sample_id"],
        "source": sample["source"],
        "modality": modality(sample),
        **{name: sample[name] for name in _OPTIONAL if sample[name] is not None},
    }
    weight = tf.train.Feature(float_list=tf.train.FloatList(value=[sample["weight"]]))
    encoded = {name: _bytes(value) for name, value in features.items()} | {"weight": weight}
    if sample["attributes"]:
        said = [f"{name}={value}".encode() for name, value in sorted(sample["attributes"].items())]
        encoded["attributes"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=said))
    return tf.train.Example(features=tf.train.Features(feature=encoded))


def write_shard(numbered: tuple[int, str], directory: str, shards: int) -> int:
    """Writes the samples of one Parquet shard as one gzipped TFRecord file a split, aside and then renamed.

    Args:
        numbered: the number of the shard, and the path of its Parquet file.
        directory: the root of the Examples artifact; files land in its `Split-NAME` folders.
        shards: how many shards there are in all.

    Returns:
        The number of samples written.
    """
    index, shard = numbered
    names = {split: pathlib.Path(directory, f"Split-{split}") for split in SPLITS}
    asides, writers = {}, {}
    for split, folder in names.items():
        folder.mkdir(parents=True, exist_ok=True)
        asides[split] = folder / f".data-{index:05d}.tmp"
        writers[split] = tf.io.TFRecordWriter(str(asides[split]), "GZIP")
    written = 0
    for batch in tables.read_shard(shard):
        for sample in tables.to_rows(batch):
            writers[sample["split"]].write(to_example(sample).SerializeToString(deterministic=True))
        written += batch.num_rows
        progress.advance("ExampleGen", batch.num_rows)
    for split, writer in writers.items():
        writer.close()
        os.replace(asides[split], names[split] / f"data_tfrecord-{index:05d}-of-{shards:05d}.gz")
    return written


def _bytes(value: str | bytes) -> tf.train.Feature:
    encoded = value if isinstance(value, bytes) else value.encode()
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
