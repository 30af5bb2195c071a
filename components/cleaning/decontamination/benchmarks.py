"""Reads benchmarks: the texts of a file's items, each with its place."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import storage
from schemas.errors import ConfigError, SourceError


class Item(NamedTuple):
    """A text of a benchmark.

    Attributes:
        path: the benchmark's file.
        place: where in it, for instance `line 12`.
        text: the text.
    """

    path: str
    place: str
    text: str


def read(path: str, fields: Sequence[str]) -> list[Item]:
    """The texts of a benchmark, in its order.

    Args:
        path: path or URI; its extension tells the format.
        fields: those of JSON lines and Parquet that hold texts; none means all strings and lists of strings.

    Raises:
        ConfigError: the extension is not known.
        SourceError: the file is missing or corrupt, or holds no text.
        StorageError: it cannot be read.
    """
    extension = pathlib.PurePosixPath(path).suffix.lower()
    if extension not in _READERS:
        raise ConfigError(
            f"a benchmark with the extension {extension or 'none'!r}", where=path, remedy=f"use {', '.join(_READERS)}"
        )
    with storage.failing(path), storage.open_input(storage.location(path)) as file:
        content: bytes = file.read()
    items = [Item(path, place, text) for place, text in _READERS[extension](path, content, fields) if text.strip()]
    if not items:
        wanted = f" in the fields {', '.join(fields)}" if fields and extension not in (".txt", ".md") else ""
        raise SourceError(f"no text in this benchmark{wanted}", where=path, remedy=_REMEDY)
    return items


_REMEDY = "correct cleaning.decontamination, or take the file out of it"
_Texts = Iterator[tuple[str, str]]


def _paragraphs(path: str, content: bytes, _: Sequence[str]) -> _Texts:
    lines: list[str] = []
    start = 1
    for number, line in enumerate([*_decoded(path, content).split("\n"), ""], 1):
        if line.strip():
            start = start if lines else number
            lines.append(line)
        elif lines:
            yield f"line {start}", "\n".join(lines)
            lines = []


def _json_lines(path: str, content: bytes, fields: Sequence[str]) -> _Texts:
    for number, line in enumerate(_decoded(path, content).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"not JSON: {error}", where=f"{path}, line {number}", remedy=_REMEDY) from error
        if not isinstance(row, dict):
            raise SourceError("not a JSON object", where=f"{path}, line {number}", remedy=_REMEDY)
        for text in _strings(row, fields):
            yield f"line {number}", text


def _parquet(path: str, content: bytes, fields: Sequence[str]) -> _Texts:
    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"not a whole Parquet file: {error}", where=path, remedy=_REMEDY) from error
    for number, row in enumerate(rows, 1):
        for text in _strings(row, fields):
            yield f"row {number}", text


def _strings(row: dict[str, Any], fields: Sequence[str]) -> Iterator[str]:
    for name in fields or row:
        value = row.get(name)
        yield from (part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str))


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8 at offset {error.start}", where=path, remedy=_REMEDY) from error


_READERS = {
    ".txt": _paragraphs,
    ".md": _paragraphs,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
