"""What a cleaning says about itself: `report.json` of the artifact CleaningReport."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning.attributes import DROPPED_REGIONS, NEAR_DUPLICATES, REDACTED, counted
from components.cleaning.faults import Reason
from components.cleaning.steps import Cleaning
from schemas import storage, tables
from schemas.errors import IntegrityError

FILE_NAME = "report.json"
_EXAMPLES = 5
_QUANTILES = (0.05, 0.5, 0.95)


@dataclasses.dataclass(frozen=True)
class Funnel:
    """What became of the records of one source and modality.

    Attributes:
        source: the source's name.
        modality: text, image or code.
        records_in: how many came.
        records_out: how many stayed.
        dropped: how many did not, by reason (`components.cleaning.faults.Reason` and those of the rules).
    """

    source: str
    modality: str
    records_in: int
    records_out: int
    dropped: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Example:
    """One rejected record, without its content.

    Attributes:
        reason: why it was rejected.
        record_id: which it is.
        origin: where it came from.
        measured: what was found.
        limit: what is allowed.
    """

    reason: str
    record_id: str
    origin: str
    measured: str
    limit: str


@dataclasses.dataclass(frozen=True)
class Lengths:
    """How long the records of a modality are, in bytes.

    Attributes:
        modality: text, image or code.
        when: before or after the cleaning.
        records: how many.
        total: all together.
        low: 5% are shorter.
        median: half are shorter.
        high: 95% are shorter.
    """

    modality: str
    when: str
    records: int
    total: int
    low: int
    median: int
    high: int


@dataclasses.dataclass(frozen=True)
class NearDuplicates:
    """What was found to be alike.

    Attributes:
        clusters: how many clusters of records that are alike, by their size.
        dropped: how many records were dropped, by their source and the source of what survives for them.
    """

    clusters: dict[str, int]
    dropped: dict[str, int]


@dataclasses.dataclass(frozen=True)
class CleaningReport:
    """The funnel of a cleaning; `records_in` is always `records_out` plus all that was dropped.

    Attributes:
        records_in: how many records came.
        records_out: how many stayed.
        dropped: how many did not, by reason.
        funnels: the same by source and modality, sorted.
        near_duplicates: what was found to be alike.
        redacted: how many values were redacted, by kind.
        languages: how many texts stayed, by language.
        lengths: by modality, before and after.
        examples: some of each reason, the first by content.
        engine: what moved the records.
        seconds: how long it took.
        dropped_regions: how many regions of records that stayed could not be kept, by reason.
    """

    records_in: int
    records_out: int
    dropped: dict[str, int]
    funnels: tuple[Funnel, ...]
    near_duplicates: NearDuplicates
    redacted: dict[str, int]
    languages: dict[str, int]
    lengths: tuple[Lengths, ...]
    examples: tuple[Example, ...]
    engine: str
    seconds: float
    dropped_regions: dict[str, int] = dataclasses.field(default_factory=dict)

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        with storage.written_whole(storage.join(directory, FILE_NAME)) as path:
            path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> CleaningReport:
        """The report in a directory."""
        with storage.open_stream(storage.join(directory, FILE_NAME)) as file:
            values = json.loads(file.read())
        return cls(
            funnels=tuple(Funnel(**funnel) for funnel in values.pop("funnels")),
            near_duplicates=NearDuplicates(**values.pop("near_duplicates")),
            lengths=tuple(Lengths(**lengths) for lengths in values.pop("lengths")),
            examples=tuple(Example(**example) for example in values.pop("examples")),
            **values,
        )


def tell(cleaning: Cleaning, *, seconds: float) -> CleaningReport:
    """Counts the tables of a finished cleaning against each other.

    Raises:
        IntegrityError: of some source and modality there came not as many records as stayed and were rejected.
    """
    came, stayed, rejected = _Seen(cleaning.source), _Seen(cleaning.cleaned), list(tables.rows(cleaning.rejected))
    funnels = tuple(_funnels(came.counts, stayed.counts, rejected))
    totals: collections.Counter[str] = collections.Counter()
    for funnel in funnels:
        totals.update(funnel.dropped)
    return CleaningReport(
        records_in=sum(came.counts.values()),
        records_out=sum(stayed.counts.values()),
        dropped=dict(sorted(totals.items())),
        funnels=funnels,
        near_duplicates=_near_duplicates(stayed, rejected),
        redacted=dict(sorted(stayed.redacted.items())),
        languages=_most_first(stayed.languages),
        lengths=(*came.lengths("before"), *stayed.lengths("after")),
        examples=tuple(_examples(rejected)),
        engine=cleaning.config.engine,
        seconds=seconds,
        dropped_regions=dict(sorted(stayed.dropped_regions.items())),
    )


class _Seen:
    """What a table of records holds, read group by group."""

    def __init__(self, uri: str):
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.languages: collections.Counter[str] = collections.Counter()
        self.redacted: collections.Counter[str] = collections.Counter()
        self.dropped_regions: collections.Counter[str] = collections.Counter()
        self.sources: dict[str, str] = {}
        self.clusters: collections.Counter[str] = collections.Counter()
        self._sizes: dict[str, list[Any]] = {}
        for shard, group in tables.groups(uri):
            self._see(tables.read_group(shard, group))

    def lengths(self, when: str) -> Iterator[Lengths]:
        """The lengths, modality by modality."""
        for modality, parts in sorted(self._sizes.items()):
            sizes = np.concatenate(parts)
            quantiles = np.quantile(sizes, _QUANTILES, method="lower").tolist()
            yield Lengths(modality, when, len(sizes), int(sizes.sum()), *map(int, quantiles))

    def _see(self, batch: pa.RecordBatch) -> None:
        modalities = batch["modality"].to_pylist()
        self.counts.update(zip(batch["source"].to_pylist(), modalities, strict=True))
        texts = pc.filter(batch["language"], pc.equal(batch["modality"], "text"))
        self.languages.update(language or "und" for language in texts.to_pylist())
        sizes = pc.binary_length(batch["content"])
        for modality in set(modalities):
            own = pc.filter(sizes, pc.equal(batch["modality"], modality))
            self._sizes.setdefault(modality, []).append(own.to_numpy())
        rows = zip(batch["record_id"].to_pylist(), batch["source"].to_pylist(), batch["attributes"], strict=True)
        for record_id, source, packed in rows:
            attributes = dict(packed.as_py())
            self.redacted += counted(attributes.get(REDACTED, ""))
            self.dropped_regions += counted(attributes.get(DROPPED_REGIONS, ""))
            if NEAR_DUPLICATES in attributes:
                self.clusters[attributes[NEAR_DUPLICATES]] += 1
                self.sources[record_id] = source


def _funnels(
    came: collections.Counter[tuple[str, str]],
    stayed: collections.Counter[tuple[str, str]],
    rejected: list[dict[str, Any]],
) -> Iterator[Funnel]:
    dropped = collections.Counter((row["source"], row["modality"], row["reason"]) for row in rejected)
    for key in sorted(came.keys() | stayed.keys() | {(source, modality) for source, modality, _ in dropped}):
        reasons = {reason: number for (*other, reason), number in sorted(dropped.items()) if tuple(other) == key}
        if came[key] != stayed[key] + sum(reasons.values()):
            raise IntegrityError(
                f"{came[key]} records came, but {stayed[key]} stayed and {sum(reasons.values())} were rejected",
                where=f"Clean, {' '.join(key)} records",
                remedy="run Clean again; if this stays, it is a defect of its engine",
            )
        yield Funnel(key[0], key[1], came[key], stayed[key], reasons)


def _near_duplicates(stayed: _Seen, rejected: list[dict[str, Any]]) -> NearDuplicates:
    sizes = collections.Counter(stayed.clusters)
    dropped: collections.Counter[str] = collections.Counter()
    for row in rejected:
        if row["reason"] == Reason.NEAR_DUPLICATE.value:
            survivor = row["measured"].split()[-1]
            sizes[survivor] += 1
            dropped[f"{row['source']} -> {stayed.sources.get(survivor, 'earlier data')}"] += 1
    by_size = collections.Counter(sizes.values())
    return NearDuplicates({str(size): by_size[size] for size in sorted(by_size)}, _most_first(dropped))


def _examples(rejected: list[dict[str, Any]]) -> Iterator[Example]:
    shown: collections.Counter[str] = collections.Counter()
    for row in sorted(rejected, key=lambda row: row["reason"]):
        shown[row["reason"]] += 1
        if shown[row["reason"]] <= _EXAMPLES:
            yield Example(row["reason"], row["record_id"], row["origin"], row["measured"] or "", row["limit"] or "")


def _most_first(counts: collections.Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
