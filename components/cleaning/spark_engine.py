"""The chain of steps on Spark: a step is a `mapInArrow`, and between steps lies a shuffle by key."""

from __future__ import annotations

import sys
import zipimport
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import SparkSession, functions

from components.cleaning.steps import Message, Step

_SCHEMA = "place long, key long, value binary"
_ARROW = pa.schema([("place", pa.int64()), ("key", pa.int64()), ("value", pa.binary())])
_PARTITIONS_PER_CORE = 2  # keys are unequal; spare partitions even that out


def run(session: SparkSession, tasks: Sequence[Message], steps: Sequence[Step]) -> None:
    """Runs the chain as one Spark job; its results are the files that the steps write.

    A task that fails, or whose worker is lost, is run again by Spark: steps may be repeated.
    """
    partitions = max(_PARTITIONS_PER_CORE * session.sparkContext.defaultParallelism, 1)
    places = _places(session, partitions)
    scattered = session.sparkContext.parallelize([(0, key, value) for key, value in tasks], max(len(tasks), 1))
    messages = session.createDataFrame(scattered, _SCHEMA).mapInArrow(_applying(steps[0], places), _SCHEMA)
    for step in steps[1:]:
        grouped = messages.repartition(partitions, "place").sortWithinPartitions("key")
        messages = grouped.mapInArrow(_applying(step, places), _SCHEMA)
    messages.write.format("noop").mode("overwrite").save()


def _places(session: SparkSession, partitions: int) -> list[int]:
    """For each partition a number that Spark's hash puts into it: keys are few, and by their own hashes would collide."""
    found: dict[int, int] = {}
    numbers = range(0)
    while len(found) < partitions:
        numbers = range(numbers.stop, numbers.stop + 16 * partitions)
        hashed = session.range(numbers.start, numbers.stop).select(
            "id", functions.expr(f"pmod(hash(id), {partitions})")
        )
        for number, partition in hashed.collect():
            found.setdefault(partition, number)
    return [found[partition] for partition in range(partitions)]


def _applying(step: Step, places: list[int]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def apply(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _forget_archives()
        for key, values in _grouped(batches):
            for to, value in step(key, values):
                row = (places[to % len(places)], to, value)
                columns = [pa.array([cell], kind) for cell, kind in zip(row, _ARROW.types, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema=_ARROW)

    return apply


def _forget_archives() -> None:
    """Takes archives out of the import path of this worker.

    A worker invalidates the import caches before each task, and since Python 3.10 that reads the directory of each
    archive again: 0.2 s a task for Spark's own (its Python code, which is installed here as a package as well, and its jar).
    """
    archives = {path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimport.zipimporter)}
    sys.path[:] = [path for path in sys.path if path not in archives]
    for path in archives:
        del sys.path_importer_cache[path]


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, list[bytes]]]:
    """The messages of a partition, sorted by key, as each key with its values."""
    current: int | None = None
    values: list[bytes] = []
    for batch in batches:
        for key, value in zip(batch["key"].to_pylist(), batch["value"].to_pylist(), strict=True):
            if key != current:
                if current is not None:
                    yield current, values
                current, values = key, []
            values.append(value)
    if current is not None:
        yield current, values
