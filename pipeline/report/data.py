"""The data funnel: how raw records became examples, from the nodes' own reports."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from components.alignment.report import AlignmentReport
from components.cleaning.report import CleaningReport
from pipeline.report import facts, joins
from pipeline.report.outputs import NotThereError, Outputs
from schemas import tables

_MODALITIES = ("text", "image", "code")
_SPLITS = ("train", "eval", "test")
_LANGUAGES = 12


def read(outputs: Outputs) -> facts.Funnel:
    """The funnel as far as the run came.

    Raises:
        NotThereError: not even records were ingested.
    """
    outputs.artifact("Ingest", "records")
    cleaning = _cleaning(outputs)
    alignment = _alignment(outputs)
    return facts.Funnel(
        stages=tuple(_stages(outputs)),
        ingested=_ingested(cleaning) if cleaning else None,
        rejections=_rejections(outputs, cleaning),
        samples=_samples(alignment) if alignment else None,
        modalities=_most_first(alignment.by_modality) if alignment else None,
        notes=tuple(_notes(alignment)) if alignment else (),
        cleaning=_told(cleaning) if cleaning else None,
        tables=(*(_joined(alignment) if alignment else ()), *_copies(outputs)),
    )


def _stages(outputs: Outputs) -> Iterable[facts.Stage]:
    aligned = outputs.rows("Align", "samples")
    for node, key, unit in (
        ("Ingest", "records", "records"),
        ("Clean", "cleaned", "records"),
        ("Align", "samples", "samples"),
        ("Augment", "augmented", "samples"),
        ("ExampleGen", "examples", "examples"),
    ):
        rows = outputs.rows(node, key)
        if rows is not None:
            added = node == "Augment" and aligned is not None
            yield facts.Stage(node, rows, unit, f"{rows - (aligned or 0):,} of them augmented copies" if added else "")


def _joined(alignment: AlignmentReport) -> Iterable[facts.Table]:
    for tables_of in (joins.joins, joins.associations, joins.regions):
        yield from tables_of(alignment)


def _copies(outputs: Outputs) -> Iterable[facts.Table]:
    try:
        return joins.copies(outputs.artifact("Augment", "augmented").properties)
    except NotThereError:
        return ()


def _cleaning(outputs: Outputs) -> CleaningReport | None:
    try:
        return CleaningReport.read(outputs.directory("Clean", "report"))
    except NotThereError:
        return None


def _told(cleaning: CleaningReport) -> facts.Cleaning:
    near = cleaning.near_duplicates
    tables_of = (
        facts.Counts("Clusters of near duplicates", "records in it", "clusters", _doubling(near.clusters)),
        facts.Counts("Near duplicates dropped", "source -> what is kept", "records", tuple(near.dropped.items())),
        facts.Counts("Sensitive values redacted", "kind", "values", _most_first(cleaning.redacted)),
        facts.Counts("Texts by language", "language", "texts", _most_first(cleaning.languages)[:_LANGUAGES]),
    )
    return facts.Cleaning(
        counts=tuple(counts for counts in tables_of if counts.rows),
        lengths=tuple(
            facts.Lengths(row.modality, row.when, row.records, row.low, row.median, row.high)
            for row in sorted(cleaning.lengths, key=lambda row: (_MODALITIES.index(row.modality), row.when == "after"))
        ),
        examples=tuple(
            facts.RejectedRecord(row.reason, row.origin, row.measured, row.limit) for row in cleaning.examples
        ),
    )


def _doubling(by_size: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Counts by size as counts by ranges of sizes, each twice as wide as the one before."""
    counts: collections.Counter[int] = collections.Counter()
    for size, count in by_size.items():
        counts[int(size).bit_length()] += count
    return tuple((f"{1 << bits - 1} to {(1 << bits) - 1}", counts[bits]) for bits in sorted(counts))


def _alignment(outputs: Outputs) -> AlignmentReport | None:
    try:
        return AlignmentReport.read(outputs.directory("Align", "report"))
    except NotThereError:
        return None


def _ingested(cleaning: CleaningReport) -> facts.Grid:
    cells = {(funnel.source, funnel.modality): funnel.records_in for funnel in cleaning.funnels}
    return facts.Grid(_in_order({source for source, _ in cells}), _in_order({m for _, m in cells}, _MODALITIES), cells)


def _rejections(outputs: Outputs, cleaning: CleaningReport | None) -> tuple[facts.Rejections, ...]:
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    try:
        rejected = tables.columns(outputs.directory("Ingest", "rejected"), ["stage", "reason"])
        counts.update(zip(rejected["stage"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    except NotThereError:
        pass  # then the funnel tells of what Clean dropped
    if cleaning:
        counts.update({("cleaning", reason): number for reason, number in cleaning.dropped.items()})
    return tuple(facts.Rejections(stage, reason, number) for (stage, reason), number in _most_first(counts))


def _samples(alignment: AlignmentReport) -> facts.Grid:
    cells = {
        (source, split): number for source, splits in alignment.by_source.items() for split, number in splits.items()
    }
    return facts.Grid(_in_order(alignment.by_source), _in_order({split for _, split in cells}, _SPLITS), cells)


def _notes(alignment: AlignmentReport) -> Iterable[str]:
    straddling = alignment.straddling_clusters
    yield (
        f"{alignment.clusters:,} clusters of alike samples, the largest of {alignment.largest_cluster:,}; "
        f"{'none is' if not straddling else f'{straddling:,} are'} in more than one split."
    )
    if alignment.image_only or alignment.surplus:
        yield (
            f"Left out: {alignment.image_only:,} things with an image alone, and {alignment.surplus:,} records that "
            "were a second image or code of one thing."
        )


def _most_first(counts: dict[str, int] | collections.Counter) -> tuple:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _in_order(names: Iterable[str], known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Known names in their own order, then the others by the alphabet."""
    return tuple(sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name)))
