"""Sharded Parquet, here or on a remote storage: write whole or not at all, read in batches, digest by rows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import storage
from schemas.errors import IntegrityError
from schemas.storage import Location

ROWS_PER_SHARD = 50_000
_GROUP_ROWS = 512
_GROUP_BYTES = 8_000_000
_SHARD = re.compile(r"part-(\d{5,9})\b.*\.parquet")  # Spark and Beam add to the number


def write(directory: Location, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Writes batches, in their order, as `part-NNNNN.parquet` shards; one shard even if there is no row.

    Each shard appears whole or not at all.

    Returns:
        The number of rows written.

    Raises:
        StorageError: the directory cannot be written or the disk is full.
    """
    storage.sweep(directory)
    rest = (batch for batch in batches if batch.num_rows)
    rows = shard = 0
    following: pa.RecordBatch | None = next(rest, None)
    while following is not None or shard == 0:
        in_shard = 0
        with storage.written_whole(shard_location(directory, shard)) as path:
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                while following is not None and in_shard < ROWS_PER_SHARD:
                    writer.write_table(pa.Table.from_batches([following], schema))
                    in_shard += following.num_rows
                    following = next(rest, None)
        rows, shard = rows + in_shard, shard + 1
    return rows


def write_shard(directory: Location, number: int, batch: pa.RecordBatch) -> None:
    """Writes one shard of a table, whole or not at all, for work that is divided by shards; repeating it is harmless.

    Raises:
        StorageError: the directory cannot be written or the disk is full.
    """
    group_rows = min(_GROUP_ROWS, 1 + _GROUP_BYTES * batch.num_rows // max(batch.nbytes, 1))
    with storage.written_whole(shard_location(directory, number)) as path:
        pq.write_table(pa.Table.from_batches([batch]), path, compression="zstd", row_group_size=group_rows)


def shard_location(directory: Location, number: int) -> str:
    """Where a shard of a table lies."""
    return storage.join(directory, f"part-{number:05d}.parquet")


def shards(directory: Location) -> list[pathlib.Path | str]:
    """The shards of a table, in the order of their numbers: paths if they are here, else URIs.

    Raises:
        IntegrityError: the directory holds none, or one of those before the last is missing.
        StorageError: the storage cannot be asked.
    """
    local = storage.local(directory)
    names = [path.name for path in local.glob("part-*.parquet")] if local else []
    if local is None:
        names = [entry.name for entry in storage.listed(directory)]
    found = sorted((int(match[1]), match[0]) for match in map(_SHARD.fullmatch, names) if match)
    if not found:
        raise IntegrityError("no Parquet shard here", where=str(directory), remedy="run the producing node again")
    missing = sorted(set(range(found[-1][0])) - {number for number, _ in found})
    if missing:
        raise IntegrityError(
            f"the table is not whole: part-{missing[0]:05d} is missing"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            where=str(directory),
            remedy="run the producing node again",
        )
    return [local / name if local else storage.join(directory, name) for _, name in found]


def read(directory: Location, *, batch_rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """The rows of a table in their stored order, in batches."""
    for shard in shards(directory):
        yield from read_shard(shard, batch_rows=batch_rows)


def open_shard(shard: Location) -> pq.ParquetFile:
    """A Parquet file, opened."""
    local = storage.local(shard)
    return pq.ParquetFile(storage.open_input(shard) if local is None else local)


def read_shard(shard: Location, *, batch_rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """The rows of one shard in their stored order, in batches.

    Raises:
        IntegrityError: it is not a whole Parquet file.
    """
    with _naming(shard):
        yield from open_shard(shard).iter_batches(batch_size=batch_rows)


def groups(directory: Location) -> list[tuple[str, int]]:
    """The row groups of a table, in order, as shard and number: units of work that are bounded in bytes."""
    return [(shard, group) for shard, group, _ in sized_groups(directory)]


def sized_groups(directory: Location) -> list[tuple[str, int, int]]:
    """The row groups of a table, in order, as shard, number and size in bytes in memory, about."""
    found = []
    for shard in shards(directory):
        with _naming(shard):
            metadata = open_shard(shard).metadata
            for group in range(metadata.num_row_groups):
                found.append((str(shard), group, int(metadata.row_group(group).total_byte_size)))
    return found


def read_group(shard: Location, group: int) -> pa.RecordBatch:
    """One row group of a shard."""
    with _naming(shard):
        return whole(open_shard(shard).read_row_group(group))


def whole(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else from_rows([], table.schema)


def columns(directory: Location, names: list[str]) -> pa.Table:
    """Some columns of a table, whole, in its stored order."""
    parts = []
    for shard in shards(directory):
        with _naming(shard):
            parts.append(open_shard(shard).read(columns=names))
    return pa.concat_tables(parts)


def count(directory: Location) -> int:
    """The number of rows, from the shards' footers."""
    total = 0
    for shard in shards(directory):
        with _naming(shard):
            total += open_shard(shard).metadata.num_rows
    return total


def rows(directory: Location) -> Iterator[dict[str, Any]]:
    """The rows of a table as dicts; maps come as dicts, timestamps as aware datetimes."""
    for batch in read(directory):
        yield from to_rows(batch)


def to_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """A batch as a list of dicts, one a row."""
    maps = [field.name for field in batch.schema if pa.types.is_map(field.type)]
    result: list[dict[str, Any]] = batch.to_pylist()
    for row in result:
        for name in maps:
            if row[name] is not None:
                row[name] = dict(row[name])
    return result


def from_rows(items: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """A list of dicts as one batch of the schema; a missing key is a null."""
    arrays = []
    for field in schema:
        values = [item.get(field.name) for item in items]
        if pa.types.is_map(field.type):
            values = [None if value is None else sorted(value.items()) for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def digest(directory: Location) -> str:
    """The canonical digest of a table: equal for equal rows, whatever their order, sharding or writer.

    Rows are serialised as canonical JSON (binary as its SHA-256), hashed one by one, and the sorted hashes are hashed.
    """
    hashes = []
    for row in rows(directory):
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
        hashes.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


@contextlib.contextmanager
def _naming(shard: Location) -> Iterator[None]:
    try:
        with storage.reading(shard):
            yield
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(
            f"not a whole Parquet file: {error}", where=str(shard), remedy="run the producing node again"
        ) from error


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return str(value)
