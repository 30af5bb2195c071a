"""The rules on Beam: row groups in, sorted shards out, one shuffle by content."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning import rules
from components.cleaning.config import CleaningConfig
from schemas import progress, records, tables

NODE = "Clean"
_SHARD_BYTES = 64_000_000
_REJECTED = "rejected"


def clean(
    pipeline: beam.Pipeline, source: str, config: CleaningConfig, records_directory: str, rejected_directory: str
) -> None:
    """Adds to the pipeline what reads the records at `source` and writes survivors and rejections.

    Rows are sorted by content within and across shards, so that the tables do not depend on how Beam divides the work.
    """
    groups = tables.groups(source)
    shards = 1 + sum(pathlib.Path(shard).stat().st_size for shard in {shard for shard, _ in groups}) // _SHARD_BYTES
    standardised = (
        pipeline
        | "RowGroups" >> beam.Create(groups)
        | "Spread" >> beam.Reshuffle()
        | "Standardise" >> beam.ParDo(_Standardise(config, shards)).with_outputs(_REJECTED, main="kept")
    )
    # Every shard gets an empty part, so that it is written even where no record falls into it.
    empty_records = [(number, _pack(tables.from_rows([], records.RECORD))) for number in range(shards)]
    empty_rejected = [(0, _pack(tables.from_rows([], records.REJECTED)))]
    deduplicated = (
        (standardised.kept, pipeline | "NoRecords" >> beam.Create(empty_records))
        | "AllKept" >> beam.Flatten()
        | "ByContent" >> beam.GroupByKey()
        | "Deduplicate" >> beam.ParDo(_Deduplicate(config, records_directory)).with_outputs(_REJECTED, main="written")
    )
    _ = (
        (standardised[_REJECTED], deduplicated[_REJECTED], pipeline | "NoRejected" >> beam.Create(empty_rejected))
        | "AllRejected" >> beam.Flatten()
        | "Together" >> beam.GroupByKey()
        | "WriteRejected" >> beam.Map(_write_rejected, rejected_directory)
    )


class _Standardise(beam.DoFn):
    """(shard, row group) -> (number of an output shard, records as Arrow IPC)."""

    def __init__(self, config: CleaningConfig, shards: int):
        self._config = config
        self._shards = shards

    def process(self, element: tuple[str, int]) -> Iterator[object]:
        batch = tables.read_group(*element)
        survivors, rejected = rules.standardise(batch, self._config)
        progress.advance(NODE, batch.num_rows)
        numbers = [int(sha[:8], 16) * self._shards >> 32 for sha in survivors["content_sha256"].to_pylist()]
        for number in sorted(set(numbers)):
            yield number, _pack(pc.filter(survivors, pa.array([other == number for other in numbers])))
        yield beam.pvalue.TaggedOutput(_REJECTED, (0, _pack(rejected)))


class _Deduplicate(beam.DoFn):
    """(number, all its records) -> the number, its shard written."""

    def __init__(self, config: CleaningConfig, directory: str):
        self._config = config
        self._directory = directory

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[object]:
        number, packed = element
        survivors, rejected = rules.exact_duplicates(_unpack(packed), self._config)
        tables.write_shard(self._directory, number, rules.in_order(survivors))
        yield number
        yield beam.pvalue.TaggedOutput(_REJECTED, (0, _pack(rejected)))


def _write_rejected(element: tuple[int, Iterable[bytes]], directory: str) -> None:
    number, packed = element
    tables.write_shard(directory, number, rules.in_order(_unpack(packed)))


def _pack(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _unpack(packed: Iterable[bytes]) -> pa.RecordBatch:
    streams = [pa.ipc.open_stream(pa.py_buffer(part)).read_all() for part in packed]
    return tables.whole(pa.concat_tables(streams))
