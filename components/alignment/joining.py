"""Joins records by key into samples.

Records of one data set with one key make one sample. Where a key has several records of a modality, in the order of
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

from components.alignment import splits
from components.alignment.config import AlignmentConfig
from components.alignment.report import AlignmentReport
from components.cleaning.attributes import NEAR_DUPLICATES
from schemas import progress, records, tables

NODE = "Align"
_METHOD = "key"
_CERTAIN = 1.0  # two records with one key belong together by definition
_BATCH_ROWS = 512
_BATCH_BYTES = 8_000_000


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
    """

    dataset: str
    key: str
    texts: tuple[int, ...]
    image: int | None
    code: int | None
    surplus: int
    marks: frozenset[splits.Mark]

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
        SourceError: there are too few samples to split.
    """
    names = ["record_id", "content_sha256", "modality", "source", "content", "attributes"]
    table = tables.columns(records_directory, names)
    joins = _joins(table)
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
    return _report(joins, samples, clusters, written)


def _joins(table: pa.Table) -> list[_Join]:
    ids, sources, modalities, shas = (
        table[name].to_pylist() for name in ("record_id", "source", "modality", "content_sha256")
    )
    attributes = [dict(pairs) for pairs in table["attributes"].to_pylist()]
    grouped: dict[tuple[str, str], list[int]] = collections.defaultdict(list)
    for row in sorted(range(table.num_rows), key=lambda row: (sources[row], ids[row])):
        grouped[attributes[row]["dataset"], attributes[row]["key"]].append(row)
    joins = []
    for (dataset, key), rows in grouped.items():
        texts = {shas[row]: row for row in reversed(rows) if modalities[row] == "text"}
        images = [row for row in rows if modalities[row] == "image"]
        codes = [row for row in rows if modalities[row] == "code"]
        joins.append(
            _Join(
                dataset=dataset,
                key=key,
                texts=tuple(sorted(texts.values(), key=rows.index)),
                image=images[0] if images else None,
                code=codes[0] if codes else None,
                surplus=len(images[1:]) + len(codes[1:]),
                marks=frozenset(
                    [("cluster", attributes[row].get("cluster", f"{dataset}:{key}")) for row in rows]
                    + [("content", shas[row]) for row in (*images[:1], *codes[:1])]
                    + [
                        ("near_duplicates", attributes[row][NEAR_DUPLICATES])
                        for row in rows
                        if NEAR_DUPLICATES in attributes[row]
                    ]
                ),
            )
        )
    return joins


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
                "method": _METHOD,
                "score": _CERTAIN,
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
    joins: Sequence[_Join], samples: Sequence[_Join], clusters: Sequence[str], split: Sequence[str]
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
        by_method={_METHOD: len(samples)},
        unmatched={modality: alone[modality] for modality in records.MODALITIES},
        image_only=len(joins) - len(samples),
        surplus=sum(join.surplus for join in joins),
        clusters=len(sizes),
        largest_cluster=max(sizes.values()),
        straddling_clusters=0,
    )
