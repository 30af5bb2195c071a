"""How sources without a common key were joined, and which copies were made: tables for the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.alignment.report import AlignmentReport, StreamReport
from pipeline.report import facts


def joins(alignment: AlignmentReport) -> Iterator[facts.Table]:
    """What the alignment says of joins by time: how, on what evidence, and what is in doubt."""
    for stream in alignment.streams:
        yield facts.Table(f"{stream.source} joined to {stream.reference} by time", ("", ""), tuple(_facts(stream)))
        doubts = stream.doubts
        if doubts.ambiguous_examples:
            yield facts.Table(
                f"{doubts.ambiguous:,} of these pairs could nearly as well be others, for instance",
                (stream.reference, stream.source, "apart", "or with", "apart"),
                tuple(
                    (one.reference, one.key, _seconds(one.gap_s), one.rival, _seconds(one.rival_gap_s))
                    for one in doubts.ambiguous_examples
                ),
            )
        alone = (*doubts.unmatched_examples, *doubts.unmatched_reference_examples)
        if alone:
            number = stream.unmatched + stream.unmatched_reference
            yield facts.Table(
                f"{number:,} have no partner, for instance",
                ("source", "key", "time", "nearest", "apart"),
                tuple((one.source, one.key, one.time, one.nearest or "nothing", _seconds(one.gap_s)) for one in alone),
            )


def associations(alignment: AlignmentReport) -> Iterator[facts.Table]:
    """What the alignment says of joins by meaning: how sure, and what is in doubt."""
    for one in alignment.associations:
        rows = [
            ("how", f"{one.how.replace('_', ' ')}, {one.encoder.replace('_', ' ')}, score at least {one.min_score:g}"),
            ("pairs", f"{one.pairs:,}, of which {one.expected_wrong:.1f} are wrong by their scores"),
            ("without a partner", f"{one.unmatched:,} of {one.source}, {one.unmatched_reference:,} of {one.reference}"),
            ("could belong to several", f"{one.ambiguous:,} of {one.reference}"),
            ("pairs by tenths of the score", ", ".join(f"{number:,}" for number in one.scores)),
        ]
        yield facts.Table(f"{one.source} joined to {one.reference} by what they say", ("", ""), tuple(rows))
        doubtful = (*one.least_sure, *one.ambiguous_examples)
        if doubtful:
            yield facts.Table(
                "Those least sure, and some that could belong to several and were not joined",
                (one.reference, one.source, "score"),
                tuple(
                    (pair.reference, " or ".join(pair.keys), "" if pair.score is None else f"{pair.score:.3f}")
                    for pair in doubtful
                ),
            )


def regions(alignment: AlignmentReport) -> Iterator[facts.Table]:
    """How many parts of images, texts and codes there are, and how many were dropped."""
    if alignment.regions:
        rows = tuple((name.replace("_", " "), f"{number:,}") for name, number in alignment.regions.items())
        yield facts.Table("Regions of samples", ("", "regions"), rows)


def copies(properties: Mapping[str, Any]) -> Iterator[facts.Table]:
    """How many copies were made of each kind, and why there are not more; from the properties of the artifact."""
    made, skipped = (json.loads(str(properties.get(name, "{}"))) for name in ("copies", "skipped"))
    rows = [(kind, f"{number:,}") for kind, number in made.items()]
    rows += [(f"none, {reason.replace('_', ' ')}", f"{number:,}") for reason, number in skipped.items()]
    if rows:
        yield facts.Table("Copies of training samples", ("kind", "samples"), tuple(rows))


def _facts(stream: StreamReport) -> Iterator[tuple[str, str]]:
    yield "how", f"{stream.how.replace('_', ' ')}, within {_seconds(stream.tolerance_s)}"
    yield "pairs", f"{stream.pairs:,}"
    yield (
        "without a partner",
        f"{stream.unmatched:,} of {stream.source}, {stream.unmatched_reference:,} of {stream.reference}",
    )
    if stream.untimed:
        yield "without a time", f"{stream.untimed:,}"
    if stream.offset_s is not None:
        yield (
            "its clock is ahead by",
            f"{_seconds(stream.offset_s)} ± {_seconds(stream.offset_error_s)} at {stream.origin}",
        )
        yield "and gains", f"{stream.drift_ppm:.3f} ± {stream.drift_error_ppm:.3f} µs a second"
    if stream.gaps_s:
        yield "gaps", ", ".join(f"{name} {_seconds(gap)}" for name, gap in stream.gaps_s.items())


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.6g} s"
