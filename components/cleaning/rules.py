"""The rules, as pure functions over Arrow batches of records: (survivors, rejected). Engines only move batches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning import own_rules, regions
from components.cleaning.attributes import REDACTED, told
from components.cleaning.config import CleaningConfig
from components.cleaning.decontamination import ngrams
from components.cleaning.faults import Fault, Reason
from components.cleaning.images import standard_image
from components.cleaning.quality import judging
from components.cleaning.sensitive import redaction
from components.cleaning.texts import standard_code, standard_text
from schemas import records, tables
from schemas.regions import Edit, Region

_STANDARD = {"text": standard_text, "code": standard_code, "image": standard_image}
_Pass = Callable[[pa.RecordBatch, CleaningConfig], tuple[pa.RecordBatch, Sequence["Fault | None"]]]


def standardise(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Applies, in this order, every rule that looks at one record alone.

    Standard form, quality, sensitive data, decontamination, the user's own rules. What one rejects the next does not
    see.
    """
    dropped = []
    for rule in _PASSES:
        changed, faults = rule(batch, config)
        batch, rejected = divide(changed, faults)
        dropped.append(rejected)
    return batch, tables.whole(pa.Table.from_batches(dropped, records.REJECTED))


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
    return divide(batch, faults)


def in_order(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The records sorted by content and id: an order that does not depend on how they came."""
    order = pc.sort_indices(
        pa.Table.from_batches([batch]), sort_keys=[("content_sha256", "ascending"), ("record_id", "ascending")]
    )
    return pc.take(batch, order)


def divide(batch: pa.RecordBatch, faults: Sequence[Fault | None]) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The records without a fault, and those with one as a batch of `schemas.records.REJECTED`."""
    if not any(faults):
        return batch, tables.from_rows([], records.REJECTED)
    kept = pa.array([fault is None for fault in faults], pa.bool_())
    dropped = pc.filter(batch, pc.invert(kept))
    rows = tables.to_rows(pa.RecordBatch.from_arrays([dropped[name] for name in _IDENTITY], _IDENTITY))
    for row, fault in zip(rows, filter(None, faults), strict=True):
        row |= {
            "origin": row["attributes"].get("origin", ""),
            "stage": "cleaning",
            "reason": fault.name,
            "measured": fault.measured,
            "limit": fault.limit,
        }
    return pc.filter(batch, kept), tables.from_rows(rows, records.REJECTED)


def replace(batch: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """The batch with some columns replaced."""
    arrays = [columns.get(name, batch[name]) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


_IDENTITY = ["record_id", "content_sha256", "source", "modality", "attributes"]


def _standard_form(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, Sequence[Fault | None]]:
    """The standard form of each record's modality."""
    outcomes = [
        _STANDARD[modality](content, config)
        for modality, content in zip(batch["modality"].to_pylist(), batch["content"].to_pylist(), strict=True)
    ]
    faults = [outcome if isinstance(outcome, Fault) else None for outcome in outcomes]
    contents = [
        raw if isinstance(outcome, Fault) else outcome
        for raw, outcome in zip(batch["content"].to_pylist(), outcomes, strict=True)
    ]
    is_image = pc.and_(pc.equal(batch["modality"], "image"), pa.array([fault is None for fault in faults], pa.bool_()))
    changed = _with_contents(batch, contents)
    changed = replace(changed, **regions.columns(changed, faults, functools.partial(_regions_in_form, batch, config)))
    return replace(changed, media_type=pc.if_else(is_image, "image/png", batch["media_type"])), faults


def _regions_in_form(
    batch: pa.RecordBatch, config: CleaningConfig, row: int, own: Sequence[Region]
) -> list[regions.Outcome]:
    return regions.in_standard_form(own, batch["modality"][row].as_py(), batch["content"][row].as_py(), config)


def _quality(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, Sequence[Fault | None]]:
    judgement = judging.judge(batch, config.quality)
    known = {"language": judgement.languages, "license": judgement.licenses}
    return replace(batch, **{name: pa.array(values, pa.string()) for name, values in known.items()}), judgement.faults


def _sensitive(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, Sequence[Fault | None]]:
    contents: list[bytes] = batch["content"].to_pylist()
    modalities = batch["modality"].to_pylist()
    attributes = batch["attributes"].to_pylist()
    faults: list[Fault | None] = [None] * batch.num_rows
    passes: dict[int, Sequence[Sequence[Edit]]] = {}
    for modality in ("text", "code"):
        rows = [row for row, other in enumerate(modalities) if other == modality]
        texts = [contents[row].decode() for row in rows]
        for row, outcome in zip(rows, redaction.redact(texts, config.sensitive, code=modality == "code"), strict=True):
            faults[row] = outcome.fault
            if outcome.fault is None and outcome.found:
                contents[row] = outcome.text.encode()
                passes[row] = outcome.passes
                attributes[row] = sorted({**dict(attributes[row]), REDACTED: told(dict(outcome.found))}.items())
    changed = _with_contents(replace(batch, attributes=pa.array(attributes, batch["attributes"].type)), contents)
    moved = regions.columns(changed, faults, functools.partial(_regions_after, batch, passes))
    return replace(changed, **moved), faults


def _regions_after(
    batch: pa.RecordBatch, passes: Mapping[int, Sequence[Sequence[Edit]]], row: int, own: Sequence[Region]
) -> Sequence[regions.Outcome]:
    if row not in passes:
        return own
    return regions.redacted(own, batch["modality"][row].as_py(), batch["content"][row].as_py().decode(), passes[row])


def _decontamination(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, Sequence[Fault | None]]:
    index = ngrams.index_of(config.decontamination)
    if index is None:
        return batch, [None] * batch.num_rows
    documents = np.flatnonzero(pc.not_equal(batch["modality"], "image").to_numpy(zero_copy_only=False))
    faults: list[Fault | None] = [None] * batch.num_rows
    texts = [content.decode() for content in pc.take(batch["content"], pa.array(documents)).to_pylist()]
    for row, fault in zip(documents.tolist(), index.faults(texts), strict=True):
        faults[row] = fault
    return batch, faults


def _own(batch: pa.RecordBatch, config: CleaningConfig) -> tuple[pa.RecordBatch, Sequence[Fault | None]]:
    faults: list[Fault | None] = [None] * batch.num_rows
    for rule in config.rules:
        faults = [earlier or own for earlier, own in zip(faults, own_rules.load(rule)(batch), strict=True)]
    return batch, faults


_PASSES: tuple[_Pass, ...] = (_standard_form, _quality, _sensitive, _decontamination, _own)


def _with_contents(batch: pa.RecordBatch, contents: list[bytes]) -> pa.RecordBatch:
    return replace(
        batch,
        content=pa.array(contents, pa.binary()),
        content_sha256=pa.array([records.content_sha256(content) for content in contents], pa.string()),
    )
