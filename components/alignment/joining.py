"""Joins records into samples, gives each a split, and writes them.

`components.alignment.grouping` says which records belong together, `components.alignment.samples` makes samples of them.
"""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Sequence

import pyarrow as pa

from components.alignment import splits
from components.alignment.config import AlignmentConfig, KeyJoin
from components.alignment.grouping import Encoders, Grouped, grouped
from components.alignment.report import AlignmentReport
from components.alignment.samples import NODE, Plan, Records, RegionCounts, batches, plans
from schemas import records, tables

__all__ = ["NODE", "align"]
_COLUMNS = (
    "record_id",
    "content_sha256",
    "modality",
    "source",
    "language",
    "content",
    "regions",
    "attributes",
    "timestamp",
)


def align(
    records_directory: pathlib.Path,
    samples_directory: pathlib.Path,
    config: AlignmentConfig,
    seed: int,
    encoders: Encoders = Encoders(),  # noqa: B008 (frozen)
) -> AlignmentReport:
    """Writes the samples, sorted by id, and says how they came about.

    Args:
        seed: of the hash that splits.
        encoders: what joins by meaning may use.

    Raises:
        SourceError: there are too few samples to split, too many of one key, clocks that cannot be related, or nothing
            to tell images by.
        ConfigError: an encoder's package is missing, or labels cannot be read.
    """
    table = tables.columns(records_directory, [*_COLUMNS])
    known = Records(table)
    told = grouped(known, table["timestamp"].cast(pa.int64()).to_pylist(), config, encoders)
    planned, surplus = [], 0
    for group in told.groups:
        of_group, rest = plans(group, known, config.keys.get(group.dataset, KeyJoin()))
        planned.extend(of_group)
        surplus += rest
    samples = sorted((plan for plan in planned if plan.learnable), key=lambda plan: plan.sample_id)
    clusters = splits.clusters([sample.marks for sample in samples])
    by_cluster = splits.assign(clusters, config.splits, seed)
    given = [by_cluster[cluster] for cluster in clusters]
    regions = RegionCounts()
    tables.write(samples_directory, batches(samples, clusters, given, known, regions), records.SAMPLE)
    written = tables.columns(samples_directory, ["split"])["split"].to_pylist()
    splits.check([sample.marks for sample in samples], written)
    return _report(planned, samples, surplus, clusters, written, told, regions)


def _report(
    planned: Sequence[Plan],
    samples: Sequence[Plan],
    surplus: int,
    clusters: Sequence[str],
    split: Sequence[str],
    told: Grouped,
    regions: RegionCounts,
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
        streams=tuple(told.streams),
        associations=tuple(told.associations),
        regions={name: number for name, number in sorted(regions.items()) if number},
    )
