"""The rules, as pure functions over Arrow batches of records: (survivors, rejected). Engines only move batches."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault, Reason
from components.cleaning.images import standard_image
from components.cleaning.texts import standard_code, standard_text
from schemas import records, tables

_STANDARD = {"text": standard_text, "code": standard_code, "image": standard_image}


def standardise(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Brings each record into the standard form of its modality; rejects what has none."""
    outcomes = [
        _STANDARD[modality](content, config)
        for modality, content in zip(batch["modality"].to_pylist(), batch["content"].to_pylist(), strict=True)
    ]
    faults = [outcome if isinstance(outcome, Fault) else None for outcome in outcomes]
    survivors, rejected = _divide(batch, faults)
    contents = [outcome for outcome in outcomes if not isinstance(outcome, Fault)]
    is_image = pc.equal(survivors["modality"], "image")
    return _replace(
        survivors,
        content=pa.array(contents, pa.binary()),
        content_sha256=pa.array([records.content_sha256(content) for content in contents], pa.string()),
        media_type=pc.if_else(is_image, "image/png", survivors["media_type"]),
    ), rejected


def exact_duplicates(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Of records with equal content and modality keeps the first by source and id.

    Args:
        batch: holds either all records of a content or none.
    """
    first: dict[tuple[str, str], tuple[str, str]] = {}
    keys = list(zip(batch["modality"].to_pylist(), batch["content_sha256"].to_pylist(), strict=True))
    names = list(zip(batch["source"].to_pylist(), batch["record_id"].to_pylist(), strict=True))
    sizes = pc.binary_length(batch["content"]).to_pylist()
    for key, name in zip(keys, names, strict=True):
        first[key] = min(first.get(key, name), name)
    faults = [
        None
        if first[key] == name or (key[0] == "text" and size < config.min_duplicate_bytes)
        else Fault(Reason.EXACT_DUPLICATE, first[key][1])
        for key, name, size in zip(keys, names, sizes, strict=True)
    ]
    return _divide(batch, faults)


def in_order(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The records sorted by content and id: an order that does not depend on how they came."""
    order = pc.sort_indices(
        pa.Table.from_batches([batch]), sort_keys=[("content_sha256", "ascending"), ("record_id", "ascending")]
    )
    return pc.take(batch, order)


def _divide(batch: pa.RecordBatch, faults: Sequence[Fault | None]) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    kept = pa.array([fault is None for fault in faults], pa.bool_())
    dropped = pc.filter(batch, pc.invert(kept))
    rows = tables.to_rows(pa.RecordBatch.from_arrays([dropped[name] for name in _IDENTITY], _IDENTITY))
    for row, fault in zip(rows, filter(None, faults), strict=True):
        row |= {
            "origin": row["attributes"].get("origin", ""),
            "stage": "cleaning",
            "reason": fault.reason.value,
            "measured": fault.measured,
            "limit": fault.limit,
        }
    return pc.filter(batch, kept), tables.from_rows(rows, records.REJECTED)


_IDENTITY = ["record_id", "content_sha256", "source", "modality", "attributes"]


def _replace(batch: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    arrays = [columns.get(name, batch[name]) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
