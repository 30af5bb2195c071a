"""The two emoji packages: independent of each other, joined by code points."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from components.ingestion import packages
from components.ingestion.items import Document, Item, Reason, Rejection

_SKIN_TONES = frozenset({"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"})
_VARIATION_SELECTOR = "FE0F"
_SVG_FOLDER = "color/svg/"
_OPENMOJI_TABLE = "data/openmoji.json"
_PNG_FOLDER = "img/google/64/"
_DATASOURCE_TABLE = "emoji.json"


def key_of(code_points: str) -> str:
    """The key of an emoji: its code points as upper-case hex joined by `-`, without the variation selector FE0F."""
    return "-".join(point for point in code_points.upper().split("-") if point != _VARIATION_SELECTOR)


def cluster_of(key: str) -> str:
    """The thing that an emoji is a variant of: its key without skin tones."""
    plain = "-".join(point for point in key.split("-") if point not in _SKIN_TONES)
    return f"emoji:{plain or key}"


def chosen(keys: Iterable[str], limit: int | None) -> frozenset[str]:
    """At most `limit` of the keys, by the hash of their cluster: the same emoji from every package, with variants."""
    ordered = sorted(keys, key=lambda key: (hashlib.sha256(cluster_of(key).encode()).digest(), key))
    return frozenset(ordered[:limit])


def read_openmoji(archive: pathlib.Path, *, max_file_bytes: int, limit: int | None) -> Iterator[Item]:
    """For each emoji its annotation and tags as text, and its drawing as SVG code, both with its date."""
    rows, files = _read(archive, _OPENMOJI_TABLE, _SVG_FOLDER)
    by_key = {key_of(row["hexcode"]): row for row in rows}
    for key in sorted(chosen(by_key, limit)):
        row = by_key[key]
        document = functools.partial(
            Document,
            key=key,
            cluster=cluster_of(key),
            timestamp=_midnight(row["openmoji_date"]),
            license=packages.OPENMOJI.license,
            attributes={"group": row["group"], "subgroup": row["subgroups"], "skin_tone": str(row["skintone"])},
        )
        lines = [row["annotation"], row["tags"] or row["openmoji_tags"]]
        yield document(
            position=f"{_OPENMOJI_TABLE}:{row['hexcode']}",
            modality="text",
            media_type="text/plain",
            content="\n".join(filter(None, lines)).encode(),
            language="en",
        )
        position = f"{_SVG_FOLDER}{row['hexcode']}.svg"
        drawing = _take(files, position, "code", max_file_bytes)
        if isinstance(drawing, bytes):
            yield document(
                position=position, modality="code", media_type="image/svg+xml", content=drawing, language="svg"
            )
        else:
            yield drawing


def read_emoji_datasource(archive: pathlib.Path, *, max_file_bytes: int, limit: int | None) -> Iterator[Item]:
    """For each emoji its name as text (a variant bears the name of what it is a variant of), and its image."""
    rows, files = _read(archive, _DATASOURCE_TABLE, _PNG_FOLDER)
    variants = [(row, variant) for row in rows for variant in [row, *row.get("skin_variations", {}).values()]]
    by_key = {key_of(variant["unified"]): (row, variant) for row, variant in variants}
    for key in sorted(chosen(by_key, limit)):
        row, variant = by_key[key]
        document = functools.partial(
            Document,
            key=key,
            cluster=cluster_of(key),
            license=packages.EMOJI_DATASOURCE.license,
            attributes={"group": row["category"], "subgroup": row["subcategory"]},
        )
        yield document(
            position=f"{_DATASOURCE_TABLE}:{variant['unified']}",
            modality="text",
            media_type="text/plain",
            content=row["name"].encode(),
            language="en",
        )
        position = f"{_PNG_FOLDER}{variant['image']}"
        image = _take(files, position, "image", max_file_bytes)
        if isinstance(image, bytes):
            yield document(position=position, modality="image", media_type="image/png", content=image)
        else:
            yield image


def _read(archive: pathlib.Path, table: str, folder: str) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    files = dict(packages.members(archive, (table, folder)))
    return json.loads(files.pop(table)), files


def _take(files: dict[str, bytes], position: str, modality: str, max_file_bytes: int) -> bytes | Rejection:
    content = files.get(position)
    if content is None:
        return Rejection(position, Reason.UNREADABLE, "not in the package", modality=modality)
    if len(content) > max_file_bytes:
        return Rejection(position, Reason.TOO_LARGE, f"{len(content)} bytes", f"{max_file_bytes} bytes", modality)
    return content


def _midnight(date: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc)
