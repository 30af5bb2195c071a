"""Joins records into samples, by key or, in data sets that the configuration names, by time.

Records of one data set with one key make one sample. Where the sources of a data set are joined by time, a record of
the reference makes one, with what was joined to it; of several images or codes of a source the nearest comes first.

Where a key has several records of a modality, in the order of
their sources' names and then of their ids: the texts are all taken, each once, a line apart; of images and of codes
the first is taken and the others are surplus. A sample must have a text or a code; images alone cannot be learnt from.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from components.alignment import splits, streams
from components.alignment.config import AlignmentConfig
from components.alignment.report import AlignmentReport, StreamReport
from components.cleaning.attributes import NEAR_DUPLICATES
from schemas import progress, records, tables

NODE = "Align"
_BY_KEY = "key"
_BY_TIME = "timestamp"
_CERTAIN = 1.0  # two records with one key belong together by definition
_BATCH_ROWS = 512
_BATCH_BYTES = 8_000_000


@dataclasses.dataclass(frozen=True)
class _Group:
    """Rows of the table of records that belong together.

    Attributes:
        dataset: the data set.
        key: what the rows share.
        rows: rows, in order.
        method: how they were joined.
        score: how sure that is.
        names: for each row the name of what it is a part of, within the data set.
        gaps_us: for rows that were joined by time how far they are from the first.
    """

    dataset: str
    key: str
    rows: tuple[int, ...]
    method: str
    score: float
    names: tuple[str, ...]
    gaps_us: dict[int, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class _Join:
    """What will be one sample: rows of the table of records.

    Attributes:
        dataset: the data set, which becomes the sample's source.
        key: what the rows share.
        texts: rows, in order.
        image: row, or None.
        code: row, or None.
        surplus: how many rows are left out.
        marks: what it may share with other samples, so that they must share a split.
        method: how the rows were joined.
        score: how sure that is.
    """

    dataset: str
    key: str
    texts: tuple[int, ...]
    image: int | None
    code: int | None
    surplus: int
    marks: frozenset[splits.Mark]
    method: str
    score: float

    @property
    def sample_id(self) -> str:
        return hashlib.sha256(f"{self.dataset}\0{self.key}".encode()).hexdigest()[:32]

    @property
    def learnable(self) -> bool:
        return bool(self.texts) or self.code is not None

    @property
    def rows(self) -> tuple[int, ...]:
        return (*self.texts, *(row for row in (self.image, self.code) if row is not None))

    @property
    def modality(self) -> str:
        present = {"text": bool(self.texts), "image": self.image is not None, "code": self.code is not None}
        return "+".join(name for name in records.MODALITIES if present[name])


def align(
    records_directory: pathlib.Path, samples_directory: pathlib.Path, config: AlignmentConfig, seed: int
) -> AlignmentReport:
    """Writes the samples, sorted by id, and says how they came about.

    Args:
        seed: of the hash that splits.

    Raises:
        SourceError: there are too few samples to split, or clocks that cannot be related.
    """
    names = ["record_id", "content_sha256", "modality", "source", "content", "attributes"]
    table = tables.columns(records_directory, [*names, *(["timestamp"] if config.timestamps else [])])
    joins, told = _joins(table, config)
    samples = sorted((join for join in joins if join.learnable), key=lambda join: join.sample_id)
    clusters = splits.clusters([sample.marks for sample in samples])
    by_cluster = splits.assign(clusters, config.splits, seed)
    tables.write(
        samples_directory,
        _batches(samples, clusters, [by_cluster[cluster] for cluster in clusters], table),
        records.SAMPLE,
    )
    written = tables.columns(samples_directory, ["split"])["split"].to_pylist()
    splits.check([sample.marks for sample in samples], written)
    return _report(joins, samples, clusters, written, told)


def _joins(table: pa.Table, config: AlignmentConfig) -> tuple[list[_Join], list[StreamReport]]:
    modalities, shas = (table[name].to_pylist() for name in ("modality", "content_sha256"))
    attributes = [dict(pairs) for pairs in table["attributes"].to_pylist()]
    groups, told = _groups(table, attributes, config)
    joins = []
    for group in groups:
        dataset, rows = group.dataset, group.rows
        place = {row: index for index, row in enumerate(rows)}
        texts = {shas[row]: row for row in reversed(rows) if modalities[row] == "text"}
        nearest = sorted(rows, key=lambda row: abs(group.gaps_us.get(row, 0)))
        images = [row for row in nearest if modalities[row] == "image"]
        codes = [row for row in nearest if modalities[row] == "code"]
        joins.append(
            _Join(
                dataset=dataset,
                key=group.key,
                texts=tuple(sorted(texts.values(), key=place.__getitem__)),
                image=images[0] if images else None,
                code=codes[0] if codes else None,
                surplus=len(images[1:]) + len(codes[1:]),
                marks=frozenset(
                    [
                        ("cluster", attributes[row].get("cluster", f"{dataset}:{name}"))
                        for row, name in zip(rows, group.names, strict=True)
                    ]
                    + [("content", shas[row]) for row in (*images[:1], *codes[:1])]
                    + [
                        ("near_duplicates", attributes[row][NEAR_DUPLICATES])
                        for row in rows
                        if NEAR_DUPLICATES in attributes[row]
                    ]
                ),
                method=group.method,
                score=group.score,
            )
        )
    return joins, told


def _groups(
    table: pa.Table, attributes: Sequence[dict[str, str]], config: AlignmentConfig
) -> tuple[list[_Group], list[StreamReport]]:
    """The rows that belong together, and how sources were joined by time."""
    ids, sources = (table[name].to_pylist() for name in ("record_id", "source"))
    grouped: dict[tuple[str, str, str | None], list[int]] = collections.defaultdict(list)
    for row in sorted(range(table.num_rows), key=lambda row: (sources[row], ids[row])):
        dataset = attributes[row]["dataset"]
        grouped[dataset, attributes[row]["key"], sources[row] if dataset in config.timestamps else None].append(row)
    times = table["timestamp"].cast(pa.int64()).to_pylist() if config.timestamps else []
    found: list[_Group] = []
    things: dict[str, list[streams.Thing]] = {name: [] for name in config.timestamps}
    for (dataset, key, source), rows in grouped.items():
        if source is None:
            found.append(_Group(dataset, key, tuple(rows), _BY_KEY, _CERTAIN, (key,) * len(rows)))
        else:
            time_us = next((times[row] for row in rows if times[row] is not None), None)
            things[dataset].append(streams.Thing(source, key, tuple(rows), time_us))
    told = []
    for dataset, own in sorted(things.items()):
        joined, reports = streams.join(dataset, own, config.timestamps[dataset])
        found.extend(_group(dataset, one) for one in joined)
        told.extend(reports)
    return found, told


def _group(dataset: str, joined: streams.Joined) -> _Group:
    parts = [(joined.thing, 0), *((partner.thing, partner.gap_us) for partner in joined.partners)]
    return _Group(
        dataset=dataset,
        key=_name(joined.thing),
        rows=tuple(row for thing, _ in parts for row in thing.rows),
        method=_BY_TIME if joined.partners else _BY_KEY,
        score=min((partner.score for partner in joined.partners), default=_CERTAIN),
        names=tuple(_name(thing) for thing, _ in parts for _ in thing.rows),
        gaps_us={row: gap for thing, gap in parts for row in thing.rows},
    )


def _name(thing: streams.Thing) -> str:
    return f"{thing.source}:{thing.key}"


def _batches(
    samples: Sequence[_Join], clusters: Sequence[str], split: Sequence[str], table: pa.Table
) -> Iterator[pa.RecordBatch]:
    contents, ids = table["content"], table["record_id"]
    rows: list[dict[str, Any]] = []
    size = 0
    for sample, cluster, name in zip(samples, clusters, split, strict=True):
        texts = [contents[row].as_py().decode() for row in sample.texts]
        image = None if sample.image is None else contents[sample.image].as_py()
        code = None if sample.code is None else contents[sample.code].as_py().decode()
        rows.append(
            {
                "sample_id": sample.sample_id,
                "text": "\n".join(texts) if texts else None,
                "image": image,
                "code": code,
                "source": sample.dataset,
                "record_ids": [ids[row].as_py() for row in sample.rows],
                "method": sample.method,
                "score": sample.score,
                "cluster": cluster,
                "split": name,
            }
        )
        size += sum(map(len, texts)) + len(image or b"") + len(code or "")
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield tables.from_rows(rows, records.SAMPLE)
            progress.advance(NODE, len(rows))
            rows, size = [], 0
    yield tables.from_rows(rows, records.SAMPLE)
    progress.advance(NODE, len(rows))


def _report(
    joins: Sequence[_Join],
    samples: Sequence[_Join],
    clusters: Sequence[str],
    split: Sequence[str],
    told: Sequence[StreamReport],
) -> AlignmentReport:
    alone = collections.Counter(join.modality for join in joins if join.modality in records.MODALITIES)
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
        image_only=len(joins) - len(samples),
        surplus=sum(join.surplus for join in joins),
        clusters=len(sizes),
        largest_cluster=max(sizes.values()),
        straddling_clusters=0,
        streams=tuple(told),
    )
