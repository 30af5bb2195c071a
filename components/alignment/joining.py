"""Joins records into samples, by key or, in data sets that the configuration names, by time.

Records of one data set with one key belong together. Where the sources of a data set are joined by time, so do a record
of the reference and what was joined to it. `components.alignment.samples` makes samples of what belongs together.
"""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Sequence

import pyarrow as pa

from components.alignment import splits, streams
from components.alignment.config import AlignmentConfig, KeyJoin
from components.alignment.report import AlignmentReport, StreamReport
from components.alignment.samples import NODE, Group, Link, Part, Plan, Records, batches, plans
from schemas import records, tables

__all__ = ["NODE", "align"]
_BY_TIME = "timestamp"
_COLUMNS = ("record_id", "content_sha256", "modality", "source", "language", "content", "attributes", "timestamp")


def align(
    records_directory: pathlib.Path, samples_directory: pathlib.Path, config: AlignmentConfig, seed: int
) -> AlignmentReport:
    """Writes the samples, sorted by id, and says how they came about.

    Args:
        seed: of the hash that splits.

    Raises:
        SourceError: there are too few samples to split, too many of one key, or clocks that cannot be related.
    """
    table = tables.columns(records_directory, [*_COLUMNS])
    known = Records(table)
    groups, told = _groups(known, table["timestamp"].cast(pa.int64()), config)
    planned, surplus = [], 0
    for group in groups:
        of_group, rest = plans(group, known, config.keys.get(group.dataset, KeyJoin()))
        planned.extend(of_group)
        surplus += rest
    samples = sorted((plan for plan in planned if plan.learnable), key=lambda plan: plan.sample_id)
    clusters = splits.clusters([sample.marks for sample in samples])
    by_cluster = splits.assign(clusters, config.splits, seed)
    given = [by_cluster[cluster] for cluster in clusters]
    tables.write(samples_directory, batches(samples, clusters, given, known), records.SAMPLE)
    written = tables.columns(samples_directory, ["split"])["split"].to_pylist()
    splits.check([sample.marks for sample in samples], written)
    return _report(planned, samples, surplus, clusters, written, told)


def _groups(
    known: Records, timestamps: pa.ChunkedArray, config: AlignmentConfig
) -> tuple[list[Group], list[StreamReport]]:
    """The records that belong together, and how sources were joined by time."""
    grouped: dict[tuple[str, str, str | None], list[int]] = collections.defaultdict(list)
    for row in sorted(range(len(known)), key=lambda row: (known.sources[row], known.ids[row])):
        own = known.attributes[row]
        source = known.sources[row] if own["dataset"] in config.timestamps else None
        grouped[own["dataset"], own["key"], source].append(row)
    times = timestamps.to_pylist() if config.timestamps else []
    found: list[Group] = []
    things: dict[str, list[streams.Thing]] = {name: [] for name in config.timestamps}
    for (dataset, key, source), rows in grouped.items():
        if source is None:
            found.append(Group(dataset, key, tuple(Part(row, key) for row in rows)))
        else:
            time_us = next((times[row] for row in rows if times[row] is not None), None)
            things[dataset].append(streams.Thing(source, key, tuple(rows), time_us))
    told = []
    for dataset, own_things in sorted(things.items()):
        joined, reports = streams.join(dataset, own_things, config.timestamps[dataset])
        found.extend(_group(dataset, one) for one in joined)
        told.extend(reports)
    return found, told


def _group(dataset: str, joined: streams.Joined) -> Group:
    parts = [Part(row, _name(joined.thing)) for row in joined.thing.rows]
    for partner in joined.partners:
        link = Link(_BY_TIME, partner.score, partner.gap_us, partner.clock_correction_us)
        parts.extend(Part(row, _name(partner.thing), link) for row in partner.thing.rows)
    return Group(dataset, _name(joined.thing), tuple(parts))


def _name(thing: streams.Thing) -> str:
    return f"{thing.source}:{thing.key}"


def _report(
    planned: Sequence[Plan],
    samples: Sequence[Plan],
    surplus: int,
    clusters: Sequence[str],
    split: Sequence[str],
    told: Sequence[StreamReport],
) -> AlignmentReport:
    alone = collections.Counter(plan.modality for plan in planned if plan.modality in records.MODALITIES)
    by_source: dict[str, dict[str, int]] = {}
    for sample, name in zip(samples, split, strict=True):
        counts = by_source.setdefault(sample.dataset, dict.fromkeys(splits.NAMES, 0))
        counts[name] += 1
    sizes = collections.Counter(clusters)
    return AlignmentReport(
        samples=len(samples),
        by_modality=dict(sorted(collections.Counter(sample.modality for sample in samples).items())),
        by_split={name: split.count(name) for name in splits.NAMES},
        by_source=dict(sorted(by_source.items())),
        by_method=dict(sorted(collections.Counter(sample.method for sample in samples).items())),
        unmatched={modality: alone[modality] for modality in records.MODALITIES},
        image_only=len(planned) - len(samples),
        surplus=surplus,
        clusters=len(sizes),
        largest_cluster=max(sizes.values()),
        straddling_clusters=0,
        streams=tuple(told),
    )
