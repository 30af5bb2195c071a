"""Sharded Parquet: write whole or not at all, read in batches, digest by rows and not by bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import IntegrityError, StorageError

ROWS_PER_SHARD = 50_000
_GROUP_ROWS = 512
_GROUP_BYTES = 8_000_000
_PATTERN = "part-*.parquet"


def write(directory: str | os.PathLike[str], batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Writes batches, in their order, as `part-NNNNN.parquet` shards; one shard even if there is no row.

    Each shard is written aside and renamed.

    Returns:
        The number of rows written.

    Raises:
        StorageError: the directory cannot be written or the disk is full.
    """
    directory = pathlib.Path(directory)
    rows = shard = in_shard = 0
    writer: pq.ParquetWriter | None = None
    aside = directory / ".part.tmp"

    def close() -> None:
        nonlocal writer, shard, in_shard
        if writer is not None:
            writer.close()
            aside.replace(directory / f"part-{shard:05d}.parquet")
            writer, shard, in_shard = None, shard + 1, 0

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for batch in batches:
            if batch.num_rows == 0:
                continue
            if writer is None:
                writer = pq.ParquetWriter(aside, schema, compression="zstd")
            writer.write_table(pa.Table.from_batches([batch], schema))
            rows += batch.num_rows
            in_shard += batch.num_rows
            if in_shard >= ROWS_PER_SHARD:
                close()
        if writer is None and shard == 0:
            writer = pq.ParquetWriter(aside, schema, compression="zstd")
        close()
    except OSError as error:
        raise StorageError(
            f"cannot write: {error.strerror or error}", where=str(directory), remedy="free space or fix permissions"
        ) from error
    return rows


def write_shard(directory: str | os.PathLike[str], number: int, batch: pa.RecordBatch) -> None:
    """Writes one shard of a table, aside and renamed, for work that is divided by shards; repeating it is harmless.

    Raises:
        StorageError: the directory cannot be written or the disk is full.
    """
    directory = pathlib.Path(directory)
    group_rows = min(_GROUP_ROWS, 1 + _GROUP_BYTES * batch.num_rows // max(batch.nbytes, 1))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as aside:
            path = pathlib.Path(aside, "shard")
            pq.write_table(pa.Table.from_batches([batch]), path, compression="zstd", row_group_size=group_rows)
            path.replace(directory / f"part-{number:05d}.parquet")
    except OSError as error:
        raise StorageError(
            f"cannot write: {error.strerror or error}", where=str(directory), remedy="free space or fix permissions"
        ) from error


def shards(directory: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The shards of a table, in order.

    Raises:
        IntegrityError: the directory holds none.
    """
    found = sorted(pathlib.Path(directory).glob(_PATTERN))
    if not found:
        raise IntegrityError("no Parquet shard here", where=str(directory), remedy="run the producing node again")
    return found


def read(directory: str | os.PathLike[str], *, batch_rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """The rows of a table in their stored order, in batches."""
    for shard in shards(directory):
        yield from read_shard(shard, batch_rows=batch_rows)


def read_shard(shard: str | os.PathLike[str], *, batch_rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """The rows of one shard in their stored order, in batches.

    Raises:
        IntegrityError: it is not a whole Parquet file.
    """
    with _naming(shard):
        yield from pq.ParquetFile(shard).iter_batches(batch_size=batch_rows)


def groups(directory: str | os.PathLike[str]) -> list[tuple[str, int]]:
    """The row groups of a table, in order, as shard and number: units of work that are bounded in bytes."""
    found = []
    for shard in shards(directory):
        with _naming(shard):
            found += [(str(shard), group) for group in range(pq.ParquetFile(shard).num_row_groups)]
    return found


def read_group(shard: str | os.PathLike[str], group: int) -> pa.RecordBatch:
    """One row group of a shard."""
    with _naming(shard):
        return whole(pq.ParquetFile(shard).read_row_group(group))


def whole(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else from_rows([], table.schema)


def columns(directory: str | os.PathLike[str], names: list[str]) -> pa.Table:
    """Some columns of a table, whole, in its stored order."""
    parts = []
    for shard in shards(directory):
        with _naming(shard):
            parts.append(pq.ParquetFile(shard).read(columns=names))
    return pa.concat_tables(parts)


def count(directory: str | os.PathLike[str]) -> int:
    """The number of rows, from the shards' footers."""
    total = 0
    for shard in shards(directory):
        with _naming(shard):
            total += pq.ParquetFile(shard).metadata.num_rows
    return total


def rows(directory: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
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


def digest(directory: str | os.PathLike[str]) -> str:
    """The canonical digest of a table: equal for equal rows, whatever their order, sharding or writer.

    Rows are serialised as canonical JSON (binary as its SHA-256), hashed one by one, and the sorted hashes are hashed.
    """
    hashes = []
    for row in rows(directory):
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
        hashes.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


@contextlib.contextmanager
def _naming(shard: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(
            f"not a whole Parquet file: {error}", where=str(shard), remedy="run the producing node again"
        ) from error


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return str(value)
