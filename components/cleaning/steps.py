"""The cleaning as a chain of steps, the same for every engine.

A step takes a key and all the messages sent to it and sends messages to keys of the next step. An engine only calls
the steps and groups messages by key in between. Contents never travel in messages: they lie in work files, cut by
hash of content, so that results do not depend on how the engine or the input divides the work.

    tasks --standardise--> 0 --divide--> shard --gather--> band --bands--> 0 --blocks--> shard --attach--> bucket
                                                                             --compare--> shard --publish-->
"""

from __future__ import annotations

import bisect
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning import messages, rules, sketches, verdicts
from components.cleaning.config import CleaningConfig
from components.cleaning.near_duplicates import blocks
from schemas import progress, records, storage, tables

NODE = "Clean"
Message = tuple[int, bytes]
Step = Callable[[int, list[bytes]], Iterable[Message]]

_SHARD_BYTES = 64_000_000
_TASK_BYTES = 32_000_000
_LEAST_TASKS = 8
_RANGES = 16  # of hashes, in which work files are cut: a shard reads little more than its own
_BUCKETS = 16  # for blocks of records that may be alike
_SHARDS = "shards.txt"


@dataclasses.dataclass(frozen=True)
class Cleaning:
    """One cleaning: where from, where to and how. Plain values, so that it can be sent to any worker.

    Attributes:
        source: URI of the table of records.
        work: URI of a directory for work files, removed by whoever made it.
        cleaned: URI of the table of survivors to write.
        rejected: URI of the table of rejections to write.
        index: URI of the table of sketches to write; see `sketches.INDEX`.
        earlier: URI of such a table from an earlier cleaning, None if there is none.
        config: the rules and their limits.
        shard_bytes: about how much content a shard of the results holds, uncompressed.
    """

    source: str
    work: str
    cleaned: str
    rejected: str
    index: str
    earlier: str | None
    config: CleaningConfig
    shard_bytes: int = _SHARD_BYTES

    def tasks(self) -> list[Message]:
        """The messages that the first step begins with: row groups of the source, bounded in bytes."""
        sized = tables.sized_groups(self.source)
        most = min(_TASK_BYTES, 1 + sum(size for *_, size in sized) // _LEAST_TASKS)
        parts: list[list[tuple[str, int]]] = []
        room = 0
        for shard, group, size in sized:
            if room < size or not parts:
                parts.append([])
                room = most
            parts[-1].append((shard, group))
            room -= size
        return [(number, json.dumps(part).encode()) for number, part in enumerate(parts)] or [(0, b"[]")]

    def steps(self) -> tuple[Step, ...]:
        """The chain."""
        return (
            self.standardise,
            self.divide,
            self.gather,
            self.bands,
            self.blocks,
            self.attach,
            self.compare,
            self.publish,
        )

    def standardise(self, task: int, values: list[bytes]) -> Iterator[Message]:
        """Applies the rules that look at one record alone; says how much content is left."""
        kept: list[pa.RecordBatch] = []
        dropped: list[pa.RecordBatch] = []
        for shard, group in json.loads(values[0]):
            batch = tables.read_group(shard, group)
            survivors, rejected = rules.standardise(batch, self.config)
            kept.append(survivors)
            dropped.append(rejected)
            progress.advance(NODE, batch.num_rows)
        survivors = _concatenated(kept, records.RECORD)
        messages.write(self._file("standard", task), _in_ranges(survivors), records.RECORD)
        rejected = _concatenated(dropped, records.REJECTED)
        messages.write(self._file("unfit", task), _in_ranges(rejected), records.REJECTED)
        yield 0, json.dumps([task, pc.sum(pc.binary_length(survivors["content"])).as_py() or 0]).encode()

    def divide(self, _: int, values: list[bytes]) -> Iterator[Message]:
        """Decides how many shards there are; each is a range of content hashes."""
        tasks, sizes = zip(*map(json.loads, values), strict=True)
        shards = 1 + sum(sizes) // self.shard_bytes
        with storage.written_whole(f"{self.work}/{_SHARDS}") as path:
            path.write_text(str(shards))
        for shard in range(shards):
            yield shard, json.dumps(sorted(tasks)).encode()

    def gather(self, shard: int, values: list[bytes]) -> Iterator[Message]:
        """Collects a shard, drops exact duplicates, and sketches what is left for the search for near duplicates."""
        tasks, bounds = json.loads(values[0]), _bounds(shard, self._shards())
        together = self._gathered("standard", tasks, bounds, records.RECORD)
        survivors, twice = rules.exact_duplicates(together, self.config)
        survivors = rules.in_order(survivors)
        unfit = self._gathered("unfit", tasks, bounds, records.REJECTED)
        messages.write(self._file("unique", shard), [survivors], records.RECORD)
        messages.write(self._file("dropped", shard), [unfit, twice], records.REJECTED)
        earlier = None if self.earlier is None else _within(sketches.read_index(self.earlier), *bounds)
        sketched = sketches.sketch(survivors, shard, self.config.near_duplicates, earlier)
        messages.write(self._file("sketches", shard), [sketched], sketches.SKETCH)
        yield 0, messages.pack(_keyed([], []))
        for band, keys, ids in sketches.bands(sketched):
            yield band, messages.pack(_keyed(keys, ids))

    def bands(self, _: int, values: list[bytes]) -> Iterator[Message]:
        """Connects the records that share a key of one band."""
        keyed = messages.unpack(values)
        a, b = blocks.star_edges(keyed["key"].to_numpy(), keyed["id"].to_numpy())
        yield 0, messages.pack(_edges(a, b))

    def blocks(self, _: int, values: list[bytes]) -> Iterator[Message]:
        """Connects across bands: what ends up in one block may be alike, all else is not."""
        edges = messages.unpack(values)
        ids, ends = np.unique(np.concatenate([edges["a"], edges["b"]]), return_inverse=True)
        members, labels = blocks.components(*blocks.repeated(ends[: edges.num_rows], ends[edges.num_rows :]))
        owners = sketches.shard_of(ids[members])
        for shard in range(self._shards()):
            own = owners == shard
            yield shard, messages.pack(_edges(ids[members[own]], labels[own]))

    def attach(self, shard: int, values: list[bytes]) -> Iterator[Message]:
        """Sends the sketches of the records in blocks to where their block is compared."""
        blocked = messages.unpack(values)
        [sketched] = messages.read(self._file("sketches", shard))
        chosen = sketches.in_blocks(sketched, blocked["a"].to_numpy(), blocked["b"].to_numpy())
        buckets = chosen["block"].to_numpy() % _BUCKETS
        for bucket in {0, *buckets.tolist()}:
            yield bucket, messages.pack(pc.filter(chosen, pa.array(buckets == bucket)))

    def compare(self, bucket: int, values: list[bytes]) -> Iterator[Message]:
        """Compares the records of each block exactly; of those that are alike one survives."""
        found = verdicts.judge(messages.unpack(values), self.config.near_duplicates)
        owners = sketches.shard_of(found["id"].to_numpy())
        for shard in range(self._shards()) if bucket == 0 else np.unique(owners).tolist():
            yield shard, messages.pack(pc.filter(found, pa.array(owners == shard)))

    def publish(self, shard: int, values: list[bytes]) -> Iterator[Message]:
        """Writes a shard of the survivors, of the rejections and of the index."""
        [unique] = messages.read(self._file("unique", shard))
        survivors, alike = verdicts.apply(unique, messages.unpack(values), self.config.near_duplicates)
        dropped = _concatenated([*messages.read(self._file("dropped", shard)), alike], records.REJECTED)
        tables.write_shard(self.cleaned, shard, survivors)
        tables.write_shard(self.rejected, shard, rules.in_order(dropped))
        [sketched] = messages.read(self._file("sketches", shard))
        kept = survivors["record_id"] if self.config.near_duplicates.incremental else pa.array([], pa.string())
        tables.write_shard(self.index, shard, sketches.to_index(sketched, kept))
        yield from ()

    def _shards(self) -> int:
        with storage.open_stream(f"{self.work}/{_SHARDS}") as file:
            return int(file.read())

    def _gathered(self, name: str, tasks: list[int], bounds: tuple[int, int], schema: pa.Schema) -> pa.RecordBatch:
        low, high = bounds
        ranges = range(low * _RANGES >> 32, ((high - 1) * _RANGES >> 32) + 1)
        parts = [_within(part, low, high) for task in tasks for part in messages.read(self._file(name, task), ranges)]
        return _concatenated(parts, schema)

    def _file(self, name: str, number: int) -> str:
        return f"{self.work}/{name}-{number:06d}.arrow"


def _bounds(part: int, parts: int) -> tuple[int, int]:
    """The content hashes of one part of several: their first 32 bits, from the first up to below the second."""
    low, high = (-(-(number << 32) // parts) for number in (part, part + 1))
    return low, high


def _in_ranges(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    ordered = rules.in_order(batch)
    return [_within(ordered, *_bounds(number, _RANGES)) for number in range(_RANGES)]


def _within(ordered: pa.RecordBatch, low: int, high: int) -> pa.RecordBatch:
    hashes = _Strings(ordered["content_sha256"])
    first = bisect.bisect_left(hashes, f"{low:08x}")
    last = len(hashes) if high == 1 << 32 else bisect.bisect_left(hashes, f"{high:08x}")
    return ordered.slice(first, last - first)


class _Strings:
    """An Arrow array of strings as what `bisect` looks into, without converting what it does not look at."""

    def __init__(self, array: pa.Array):
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: int) -> str:
        value: str = self._array[index].as_py()
        return value


def _keyed(keys: Any, ids: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(keys, pa.uint64()), pa.array(ids, pa.int64())], ["key", "id"])


def _edges(a: Any, b: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(a, pa.int64()), pa.array(b, pa.int64())], ["a", "b"])


def _concatenated(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    return tables.whole(pa.Table.from_batches(batches, schema))
