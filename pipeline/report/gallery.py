"""Samples for the eye: a few of each kind, and one augmented beside the sample that it was made from."""

from __future__ import annotations

import base64
import collections
import io
import itertools
import pathlib
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq

from pipeline.report import facts
from schemas import tables

SHOWN = 12
_GROUPS = 6
_TEXT_CHARACTERS, _CODE_CHARACTERS, _CODE_LINES = 400, 1200, 30
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES, _THUMBNAIL_SIDE = 40_000, 160
_MOST_PIXELS = 16_000_000

Row = Mapping[str, Any]


def read(directory: pathlib.Path) -> facts.Gallery:
    """Chooses from a table of `schemas.records.SAMPLE`; the same table gives the same choice.

    Only some of a large table's row groups are looked at.
    """
    groups = tables.groups(directory)
    step = max(len(groups) // _GROUPS, 1)
    seen = [row for shard, group in groups[::step][:_GROUPS] for row in tables.to_rows(tables.read_group(shard, group))]
    samples = _mixed([row for row in seen if row["parent"] is None])
    return facts.Gallery(tuple(_sample(row) for row in samples[:SHOWN]), _pair(groups))


def _mixed(rows: Iterable[Row]) -> list[Row]:
    """One of each kind (source, split, modalities) in turn, kinds by the alphabet; none more than once."""
    kinds: dict[tuple[Any, ...], list[Row]] = collections.defaultdict(list)
    for row in rows:
        present = tuple(row[name] is None for name in ("image", "text", "code"))
        kinds[(present, row["source"], row["split"] != "train", row["split"])].append(row)
    turns = itertools.zip_longest(*(kinds[kind] for kind in sorted(kinds)))
    return [row for turn in turns for row in turn if row is not None]


def _pair(groups: list[tuple[str, int]]) -> tuple[facts.Sample, facts.Sample] | None:
    """A sample and an augmented copy of it, looked for from the end of the table, where copies are."""
    for shard, group in reversed(groups):
        parents = _column(shard, group, "parent")
        found = next(((index, parent) for index, parent in enumerate(parents) if parent is not None), None)
        if found is not None:
            at, parent = found
            original = _find(groups, parent)
            copy = tables.to_rows(tables.read_group(shard, group).slice(at, 1))[0]
            return (_sample(original), _sample(copy)) if original else None
    return None


def _find(groups: list[tuple[str, int]], sample_id: str) -> Row | None:
    for shard, group in groups:
        ids = _column(shard, group, "sample_id")
        if sample_id in ids:
            return tables.to_rows(tables.read_group(shard, group).slice(ids.index(sample_id), 1))[0]
    return None


def _column(shard: str, group: int, name: str) -> list[str | None]:
    column: list[str | None] = pq.ParquetFile(shard).read_row_group(group, columns=[name])[name].to_pylist()
    return column


def _sample(row: Row) -> facts.Sample:
    return facts.Sample(
        sample_id=row["sample_id"],
        source=row["source"],
        split=row["split"] if row["parent"] is None else f"{row['split']}, augmented",
        text=_cut(row["text"], _TEXT_CHARACTERS),
        code=_cut(row["code"], _CODE_CHARACTERS, _CODE_LINES),
        picture=None if row["image"] is None else picture(row["image"]),
    )


def picture(image: bytes) -> facts.Part[facts.Picture]:
    """An image as it may stand in a page: a PNG, and not a large one."""
    if not image.startswith(_PNG) or len(image) < 24:
        return facts.Missing("it is not a PNG")
    width, height = struct.unpack(">II", image[16:24])
    if width * height > _MOST_PIXELS:
        return facts.Missing(f"{width:,} by {height:,} pixels are too many")
    note = ""
    if len(image) > _MOST_BYTES:
        try:
            image = _thumbnail(image)
        except (OSError, ValueError, SyntaxError):
            return facts.Missing("it cannot be decoded")
        note = f"shown smaller, {width:,} by {height:,} pixels"
    return facts.Picture("data:image/png;base64," + base64.b64encode(image).decode(), note)


def _thumbnail(image: bytes) -> bytes:
    from PIL import Image  # not needed by most pages

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(image), formats=["PNG"]) as opened:
        opened.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        opened.save(buffer, "PNG")
    return buffer.getvalue()


def _cut(text: str | None, characters: int, lines: int | None = None) -> str | None:
    """The beginning of a text, which says so if it is not all."""
    if text is None:
        return None
    shown = text[:characters]
    if lines is not None:
        shown = "".join(shown.splitlines(keepends=True)[:lines])
    left = len(text) - len(shown)
    return f"{shown}… ({left:,} more characters)" if left else shown
