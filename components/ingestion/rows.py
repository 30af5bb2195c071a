"""Rows of a user's JSONL or Parquet files, here or on a remote storage: each gives up to one document a modality."""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
import json
import pathlib
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import fs

from components.ingestion.files import read_bounded
from components.ingestion.items import Document, Item, Reason, Rejection
from components.ingestion.row_regions import RowRegions
from schemas import storage, tables
from schemas.errors import SourceError
from schemas.times import DoubtfulTimeError, LocalTimes

_COLUMNS = ("text", "image", "code", "key", "cluster", "timestamp", "language", "license", "regions")
_PARQUET_ROWS = 64
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # a second
_UTC = LocalTimes()
_DOUBTFUL = "a time with an offset, or a rule of the source: ambiguous_times, missing_times"


class _FieldError(Exception):
    """A field of a row cannot be taken; carries its rejection without the position."""

    def __init__(self, reason: Reason, measured: str, limit: str, modality: str = ""):
        super().__init__(reason, measured, limit, modality)
        self.details = (reason, measured, limit, modality)


def row_files(path: pathlib.Path | str, extension: str) -> list[pathlib.Path | str]:
    """The file itself, or those with the extension in the directory, sorted: paths, or URIs on a remote storage.

    Raises:
        SourceError: there is nothing at the path.
        StorageError: the remote storage cannot be asked.
    """
    found: list[pathlib.Path | str]
    if path.is_dir() if isinstance(path, pathlib.Path) else storage.kind(path) == fs.FileType.Directory:
        if isinstance(path, pathlib.Path):
            found = sorted(file for file in path.glob(f"*.{extension}") if file.is_file())
        else:
            found = [entry.uri for entry in storage.listed(path) if entry.name.endswith(f".{extension}")]
        if not found:
            raise SourceError(
                f"no *.{extension} in this directory", where=str(path), remedy="correct the source's path or kind"
            )
        return found
    if isinstance(path, str):
        return [storage.entry(path).uri]
    if not path.is_file():
        raise SourceError(
            "no such file",
            where=str(path),
            remedy="correct the source's path; relative paths start at the working directory",
        )
    return [path]


def row_file_states(path: pathlib.Path | str, extension: str) -> list[list[str | int]]:
    """Name, size and modification time of each of the `row_files`: what says whether they have changed."""
    entries = [storage.entry(file) for file in row_files(path, extension)]
    return [[entry.name, entry.size_bytes, entry.modified_ns] for entry in entries]


def read_jsonl(
    path: pathlib.Path | str, *, max_file_bytes: int, license_: str | None, local_times: LocalTimes = _UTC
) -> Iterator[Item]:
    """The documents of JSONL files. An `image` is a path relative to its file, which it may not lead out of."""
    for file, line_number, row in _lines(path, max_file_bytes):
        position = f"{_name_of(file)}:{line_number}"
        if isinstance(row, Rejection):
            yield row
            continue
        yield from _documents(row, position, _folder_of(file), max_file_bytes, license_, local_times)


def read_parquet(
    path: pathlib.Path | str, *, max_file_bytes: int, license_: str | None, local_times: LocalTimes = _UTC
) -> Iterator[Item]:
    """The documents of Parquet files. An `image` is encoded bytes, or a struct with such a field `bytes`."""
    for file in row_files(path, "parquet"):
        number = 0
        name, folder = _name_of(file), _folder_of(file)
        try:
            with storage.reading(file):
                table = tables.open_shard(file)
                columns = [column for column in _COLUMNS if column in table.schema_arrow.names]
                for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=columns):
                    for row in _rows(batch):
                        number += 1
                        position = f"{name}:{number}"
                        yield from _documents(row, position, folder, max_file_bytes, license_, local_times)
        except (pa.ArrowException, OSError) as error:
            message = str(error).splitlines()[0]
            yield Rejection(f"{name}:{number + 1}", Reason.UNREADABLE, message, "Parquet")


def referenced_images(path: pathlib.Path | str, *, max_file_bytes: int) -> Iterator[tuple[str, str]]:
    """The images that JSONL files refer to, as path and status (size and modification time, or that it is missing)."""
    for file, _, row in _lines(path, max_file_bytes, containing=b'"image"'):
        if isinstance(row, dict) and isinstance(row.get("image"), str):
            folder, image = _folder_of(file), row["image"]
            try:
                image = storage.entry(storage.join(folder, image) if isinstance(folder, str) else folder / image)
                yield row["image"], f"{image.size_bytes} {image.modified_ns}"
            except (SourceError, ValueError):
                yield row["image"], "missing"


def _lines(
    path: pathlib.Path | str, max_file_bytes: int, containing: bytes = b""
) -> Iterator[tuple[pathlib.Path | str, int, dict[str, Any] | Rejection]]:
    longest = 4 * max_file_bytes  # a text, a code and an image in base64 (4/3) at their limits
    for file in row_files(path, "jsonl"):
        with storage.reading(file), storage.open_stream(file) as lines:
            number = 0
            while line := lines.readline(longest + 1):
                number += 1
                position = f"{_name_of(file)}:{number}"
                if len(line) > longest:
                    while line and not line.endswith(b"\n"):
                        line = lines.readline(longest)
                    yield (
                        file,
                        number,
                        Rejection(position, Reason.TOO_LARGE, f"over {longest} bytes", f"{longest} bytes"),
                    )
                elif line.strip() and containing in line:
                    yield file, number, _parse(line, position)


def _parse(line: bytes, position: str) -> dict[str, Any] | Rejection:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Rejection(position, Reason.NOT_UTF8, f"byte 0x{line[error.start]:02x} at {error.start}", "UTF-8")
    except (ValueError, RecursionError) as error:
        return Rejection(position, Reason.NOT_JSON, str(error), "a JSON object")
    if not isinstance(row, dict):
        return Rejection(position, Reason.NOT_JSON, type(row).__name__, "a JSON object")
    return row


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows, with times that keep to what the file says: the instant, whatever the zone's name, or what is shown.

    Arrow itself fails for the whole batch at the name of a zone that it does not know, or a time before the year 1.
    """
    place = batch.schema.get_field_index("timestamp")
    if place < 0 or not pa.types.is_timestamp(batch.schema.field(place).type):
        return batch.to_pylist()
    kind = batch.schema.field(place).type
    columns = [column.cast(pa.int64()) if at == place else column for at, column in enumerate(batch.columns)]
    rows = pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist()
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc if kind.tz else None)
    for row in rows:
        count = row["timestamp"]
        if count is not None:
            try:
                row["timestamp"] = start + datetime.timedelta(microseconds=count * 1_000_000 // _UNITS[kind.unit])
            except OverflowError:
                row["timestamp"] = f"{count} {kind.unit} since 1970"
    return rows


def _documents(
    row: Mapping[str, Any],
    position: str,
    folder: pathlib.Path | str,
    max_bytes: int,
    license_: str | None,
    local_times: LocalTimes,
) -> Iterator[Item]:
    try:
        document = functools.partial(
            Document,
            key=_name(row, "key") or position,
            cluster=_name(row, "cluster"),
            timestamp=_timestamp(row.get("timestamp"), local_times),
            license=_name(row, "license") or license_,
        )
        language = _name(row, "language")
    except _FieldError as error:
        yield Rejection(position, *error.details)
        return
    own = RowRegions(row.get("regions"), position)
    empty = True
    for modality, media_type, read in (
        ("text", "text/plain", _text),
        ("code", "text/plain", _text),
        ("image", "application/octet-stream", functools.partial(_image, folder=folder)),
    ):
        place = f"{position}:{modality}"
        try:
            content = read(row, modality, max_bytes)
            if content is not None and len(content) > max_bytes:
                raise _FieldError(Reason.TOO_LARGE, f"{len(content)} bytes", f"{max_bytes} bytes", modality)
        except _FieldError as error:
            empty = False
            yield Rejection(place, *error.details)
            continue
        if content is not None:
            empty = False
            spoken = language if modality == "code" or (modality == "text" and row.get("code") is None) else None
            yield document(
                position=place,
                modality=modality,
                media_type=media_type,
                content=content,
                language=spoken,
                regions=own.taken(modality, content),
            )
    yield from own.rejections()
    if empty:
        yield Rejection(position, Reason.NO_CONTENT, "none", "one of text, image, code")


def _text(row: Mapping[str, Any], name: str, max_bytes: int) -> bytes | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _FieldError(Reason.BAD_FIELD, f"{name}: {type(value).__name__}", "a string", name)
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise _FieldError(Reason.NOT_UTF8, f"surrogate at character {error.start}", "UTF-8", name) from error


def _image(row: Mapping[str, Any], name: str, max_bytes: int, folder: pathlib.Path | str) -> bytes | None:
    value = row.get("image")
    if isinstance(value, Mapping):
        value = value.get("bytes")
    encoded = row.get("image_base64")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _FieldError(Reason.BAD_FIELD, f"image_base64: {error}", "base64", name) from error
    if value is None or isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise _FieldError(Reason.BAD_FIELD, f"image: {type(value).__name__}", "a path or bytes", name)
    path = _beside(folder, value, name)
    content = read_bounded(path, value, name, max_bytes)
    if isinstance(content, Rejection):
        limit = content.limit or "a file below that of the row"
        raise _FieldError(content.reason, f"{value}: {content.measured}", limit, name)
    return content


def _beside(folder: pathlib.Path | str, value: str, name: str) -> pathlib.Path | str:
    """The file that a row names relative to its own; never one that is not below that one's folder."""
    if isinstance(folder, str):
        relative = posixpath.normpath(value)
        if relative.startswith(("/", "../")) or relative == "..":
            raise _FieldError(Reason.LINK, value, "a file below that of the row", name)
        return storage.join(folder, relative)
    try:
        path = (folder / value).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise _FieldError(Reason.BAD_FIELD, f"image: {error}", "a path", name) from error
    if not path.is_relative_to(folder.resolve()):
        raise _FieldError(Reason.LINK, value, "a file below that of the row", name)
    if not path.is_file():
        raise _FieldError(Reason.UNREADABLE, f"{value}: no such file", "a file below that of the row", name)
    return path


def _name(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _FieldError(Reason.BAD_FIELD, f"{name}: {type(value).__name__}", "a string or a whole number")
    return str(value).encode("utf-8", "backslashreplace").decode()


def _timestamp(value: Any, local_times: LocalTimes) -> datetime.datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            value = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        if isinstance(value, datetime.datetime):
            return value.astimezone(datetime.timezone.utc) if value.tzinfo else local_times.to_utc(value)
    except DoubtfulTimeError as error:
        raise _FieldError(Reason.BAD_FIELD, f"timestamp: {error}", _DOUBTFUL) from error
    except (ValueError, OverflowError, OSError) as error:
        raise _FieldError(Reason.BAD_FIELD, f"timestamp: {error}", "ISO 8601 or seconds since 1970") from error
    raise _FieldError(Reason.BAD_FIELD, f"timestamp: {type(value).__name__}", "ISO 8601 or seconds since 1970")


def _name_of(file: pathlib.Path | str) -> str:
    return file.rpartition("/")[2] if isinstance(file, str) else file.name


def _folder_of(file: pathlib.Path | str) -> pathlib.Path | str:
    return file.rpartition("/")[0] if isinstance(file, str) else file.parent
