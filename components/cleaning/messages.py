"""What steps send each other and leave in the work directory: record batches as Arrow IPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from schemas import storage, tables


def pack(batch: pa.RecordBatch) -> bytes:
    """A batch as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(packed: Iterable[bytes]) -> pa.RecordBatch:
    """Packed batches of one schema as one; at least one is needed."""
    return tables.whole(pa.concat_tables([pa.ipc.open_stream(pa.py_buffer(part)).read_all() for part in packed]))


def write(uri: str, batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> None:
    """Writes a work file, aside and renamed: repeating it is harmless, and nobody sees half of it.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    with storage.written_whole(uri) as path, pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for batch in batches:
            file.write_batch(batch)


def read(uri: str, numbers: Iterable[int] | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of a work file, by their numbers; all of them if None. Local files are mapped, not copied."""
    path = storage.local(uri)
    with storage.open_input(uri) if path is None else pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        for number in range(file.num_record_batches) if numbers is None else numbers:
            yield file.get_batch(number)
