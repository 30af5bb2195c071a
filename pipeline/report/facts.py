"""What the report of a run shows, as plain values: the contract between collecting and drawing.

Every part of a run is either there or `Missing`, with the reason: a run that failed halfway has a report too.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from components.compression.report import Report as Compression
from components.evaluation.report import Report as Evaluation
from components.infra_validation.report import Report as Serving
from components.release.report import Report as Release
from pipeline.runs import Failure, Outcome, Status

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Missing:
    """A part that is not there.

    Attributes:
        why: a clause in plain words, for instance 'Train did not run'.
    """

    why: str


Part: TypeAlias = T | Missing


@dataclasses.dataclass(frozen=True)
class Node:
    """One node of the DAG in this run.

    Attributes:
        upstream: the nodes that it waits for.
        outcome: what became of it; None where the run ended before that was known.
        started_s: seconds from the start of the run; None if it did not start.
        seconds: wall time, all attempts together.
        reason: why, in a few words.
        log: the file name of its log, if it logged.
        failure: the whole story, if it failed or was refused.
    """

    id: str
    upstream: tuple[str, ...] = ()
    outcome: Outcome | None = None
    started_s: float | None = None
    seconds: float | None = None
    attempts: int = 0
    reason: str = ""
    log: str | None = None
    failure: Failure | None = None


@dataclasses.dataclass(frozen=True)
class Run:
    """The run as a whole.

    Attributes:
        command: what was typed.
        started: None if even that is not known.
        seconds: wall time until it ended, or until the last that is known of it.
        reason: why it was interrupted.
        machine: facts about where it ran, by name.
        versions: of Python and of the libraries that results depend on, by name.
        go_on: the literal command that goes on from where it stopped.
        directory: where its logs are.
        logs: file names in that directory.
    """

    run_id: str
    status: Status
    command: str
    config_digest: str
    started: datetime.datetime | None
    seconds: float
    reason: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    go_on: str
    directory: str
    logs: tuple[str, ...]
    nodes: tuple[Node, ...]

    @property
    def failures(self) -> tuple[Node, ...]:
        """The nodes that failed or were refused."""
        return tuple(node for node in self.nodes if node.failure)


@dataclasses.dataclass(frozen=True)
class Grid:
    """Counts in two dimensions. A pair that is not among the cells counts zero."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], int]

    def at(self, row: str, column: str) -> int:
        """One count."""
        return self.cells.get((row, column), 0)

    def of_row(self, row: str) -> int:
        """The sum of a row."""
        return sum(self.at(row, column) for column in self.columns)

    def of_column(self, column: str) -> int:
        """The sum of a column."""
        return sum(self.at(row, column) for row in self.rows)

    @property
    def total(self) -> int:
        """The sum of all."""
        return sum(self.cells.values())


@dataclasses.dataclass(frozen=True)
class Rejections:
    """How many records a stage dropped for one reason."""

    stage: str
    reason: str
    records: int


@dataclasses.dataclass(frozen=True)
class Counts:
    """A table of what there is how often, most important first.

    Attributes:
        caption: what the table tells.
        what: what is counted by.
        unit: what is counted.
        rows: names and numbers.
    """

    caption: str
    what: str
    unit: str
    rows: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of words; the first column names its row.

    Attributes:
        caption: what the table tells.
        columns: what each column holds.
        rows: as many words each as there are columns.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Lengths:
    """How long the records of a modality are, in bytes: 5% are shorter than `low`, half than `median`, 95% than `high`."""

    modality: str
    when: str
    records: int
    low: int
    median: int
    high: int


@dataclasses.dataclass(frozen=True)
class RejectedRecord:
    """One rejected record: why, where it came from, what was found and what is allowed."""

    reason: str
    origin: str
    measured: str
    limit: str


@dataclasses.dataclass(frozen=True)
class Cleaning:
    """What cleaning did beyond counting.

    Attributes:
        counts: near duplicates, redactions, languages; empty tables are left out.
        lengths: by modality, before and after.
        examples: some rejected records of each reason.
    """

    counts: tuple[Counts, ...]
    lengths: tuple[Lengths, ...]
    examples: tuple[RejectedRecord, ...]


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of the funnel: what it is called, how much is left after it, of what, and what else is to be said."""

    name: str
    count: int
    unit: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Funnel:
    """How raw records became examples. A part of it is None where its node left nothing.

    Attributes:
        stages: as far as the run came.
        ingested: records by source and modality.
        rejections: by stage and reason, most first.
        samples: aligned samples by data set and split.
        modalities: aligned samples by the modalities that they have, most first.
        notes: further facts about the data, in sentences.
        cleaning: what cleaning did beyond counting.
        tables: of joins without a key, and of copies.
    """

    stages: tuple[Stage, ...]
    ingested: Grid | None = None
    rejections: tuple[Rejections, ...] | None = None
    samples: Grid | None = None
    modalities: tuple[tuple[str, int], ...] | None = None
    notes: tuple[str, ...] = ()
    cleaning: Cleaning | None = None
    tables: tuple[Table, ...] = ()


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image that may be shown.

    Attributes:
        data: `data:image/png;base64,...`.
        note: what is to be said about it, for instance that it is shown smaller.
    """

    data: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Sample:
    """A sample as it is shown; long text and code are cut, and say so at their end."""

    sample_id: str
    source: str
    split: str
    text: str | None = None
    code: str | None = None
    picture: Picture | Missing | None = None


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Samples as they come, and one augmented beside the sample it was made from."""

    samples: tuple[Sample, ...]
    pair: tuple[Sample, Sample] | None = None


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval, over so many samples."""

    mean: float
    low: float
    high: float
    samples: int


@dataclasses.dataclass(frozen=True)
class Training:
    """How training went; losses in bits per byte.

    Attributes:
        architecture: the network's name.
        parameters: trainable weights.
        samples: of the split that it learnt from.
        steps: optimizer steps done.
        seconds: wall time of the last attempt.
        tokens_per_s: over that attempt; None where it had no step left to do.
        padding: share of the positions of those steps at which no sample was; None likewise.
        train: training loss by step.
        held_out: held-out loss by step, on some samples.
        final: held-out loss at the end, on all samples.
        unigram: of a byte unigram on the same bytes.
        trigram: of an interpolated Kneser-Ney byte 3-gram on the same bytes.
        image_effect: nats that a sample costs more with another sample's image; None where images are too few.
        resumed_from: the step of the checkpoint that it went on from.
        notes: what went wrong on the way and was mended.
    """

    architecture: str
    parameters: int
    samples: int
    steps: int
    seconds: float
    tokens_per_s: float | None
    padding: float | None
    train: tuple[tuple[int, float], ...]
    held_out: tuple[tuple[int, float], ...]
    final: float
    unigram: float
    trigram: float
    image_effect: Interval | None
    resumed_from: int | None = None
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Lineage:
    """The ancestors of an artifact as a text tree."""

    of: str
    tree: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """Everything that the page shows."""

    run: Run
    funnel: Part[Funnel]
    gallery: Part[Gallery]
    training: Part[Training]
    evaluation: Part[Evaluation]
    compression: Part[Compression]
    serving: Part[Serving]
    release: Part[Release]
    lineage: Part[Lineage]
