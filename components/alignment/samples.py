"""Samples out of groups of records that belong together: what each takes of its group, and its row of the table.

Of a group with several records of a modality `components.alignment.config.KeyJoin` says what becomes. Records come in the
order of their sources' names and then of their ids, of those joined by time the nearest first. A sample must have a text
or a code; images alone cannot be learnt from.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from components.alignment import splits
from components.alignment.config import KeyJoin
from components.alignment.regions import RecordPart, of_sample
from components.cleaning.attributes import DROPPED_REGIONS, NEAR_DUPLICATES, REDACTED
from schemas import progress, records, tables
from schemas.errors import SourceError
from schemas.regions import from_rows

NODE = "Align"
BY_KEY = "key"
CERTAIN = 1.0
"""How sure a join by key is: two records with one key belong together by definition."""
_MOST_SAMPLES = 1000
_BATCH_ROWS = 512
_BATCH_BYTES = 8_000_000
_OF_THE_RECORD = frozenset({"dataset", "key", "cluster", "origin", NEAR_DUPLICATES, REDACTED, DROPPED_REGIONS})
"""Attributes that say where a record comes from and what it is like, not what it is about."""


@dataclasses.dataclass(frozen=True)
class Link:
    """How a record came to its group, where that was not by a common key.

    Attributes:
        method: `timestamp` or `semantic`.
        score: the probability that it belongs there.
        gap_us: how far its time is from that of the group's first, on the reference's clock; None without times.
        clock_correction_us: what was added to its time.
    """

    method: str
    score: float
    gap_us: int | None = None
    clock_correction_us: int | None = None


@dataclasses.dataclass(frozen=True)
class Part:
    """A record in a group.

    Attributes:
        row: of the table of records.
        name: of what it is a part of, within the data set.
        link: how it came to the group; None by a common key.
    """

    row: int
    name: str
    link: Link | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """Records that belong together.

    Attributes:
        dataset: the data set.
        key: the group's name within it.
        parts: in order.
    """

    dataset: str
    key: str
    parts: tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be one sample.

    Attributes:
        sample_id: its id.
        dataset: the data set, which becomes the sample's source.
        texts: parts, in order.
        image: part, or None.
        code: part, or None.
        marks: what it may share with other samples, so that they must share a split.
    """

    sample_id: str
    dataset: str
    texts: tuple[Part, ...]
    image: Part | None
    code: Part | None
    marks: frozenset[splits.Mark]

    @property
    def learnable(self) -> bool:
        """Whether there is anything to predict."""
        return bool(self.texts) or self.code is not None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Texts, image and code."""
        return (*self.texts, *(part for part in (self.image, self.code) if part is not None))

    @property
    def modality(self) -> str:
        """For instance `text+image`."""
        present = {"text": bool(self.texts), "image": self.image is not None, "code": self.code is not None}
        return "+".join(name for name in records.MODALITIES if present[name])

    @property
    def links(self) -> tuple[Link, ...]:
        """Of its parts, where they have any."""
        return tuple(part.link for part in self.parts if part.link is not None)

    @property
    def method(self) -> str:
        """How its records were joined."""
        return self.links[0].method if self.links else BY_KEY

    @property
    def score(self) -> float:
        """How sure that is: that of the least sure of them."""
        return min((link.score for link in self.links), default=CERTAIN)


class Records:
    """The columns of a table of records that decide what is joined, as Python values.

    Args:
        table: with at least `record_id`, `content_sha256`, `modality`, `source`, `language`, `content`, `regions`,
            `attributes`.
    """

    def __init__(self, table: pa.Table):
        self.ids, self.shas, self.modalities, self.sources, self.languages = (
            table[name].to_pylist() for name in ("record_id", "content_sha256", "modality", "source", "language")
        )
        self.attributes: list[dict[str, str]] = [dict(pairs) for pairs in table["attributes"].to_pylist()]
        self._contents, self._regions = table["content"], table["regions"]

    def __len__(self) -> int:
        return len(self.ids)

    def content(self, row: int) -> bytes:
        """The content of a record."""
        content: bytes = self._contents[row].as_py()
        return content

    def part(self, row: int) -> RecordPart:
        """A record with its regions."""
        regions = from_rows(self._regions[row].as_py())
        return RecordPart(self.ids[row], self.modalities[row], self.content(row), regions)


def plans(group: Group, known: Records, rules: KeyJoin) -> tuple[list[Plan], int]:
    """The samples of a group, and how many of its images, codes and texts are surplus.

    Raises:
        SourceError: `each` makes too many of it.
    """
    nearest = sorted(group.parts, key=lambda part: abs(part.link.gap_us or 0) if part.link else 0)
    of = {name: [part for part in nearest if known.modalities[part.row] == name] for name in records.MODALITIES}
    # In the group's own order, and each different text once.
    texts = list({known.shas[part.row]: part for part in reversed(group.parts) if part in of["text"]}.values())[::-1]
    text_choices = [tuple(texts)] if rules.texts == "all" else _choices(texts, rules.texts)
    image_choices, code_choices = _choices(of["image"], rules.images), _choices(of["code"], rules.codes)
    number = len(text_choices) * len(image_choices) * len(code_choices)
    if number > _MOST_SAMPLES:
        raise SourceError(
            f"{number:,} samples of the one key `{group.key}`, more than {_MOST_SAMPLES:,}",
            where=f"alignment.keys.{group.dataset}",
            remedy="say `first` instead of `each`, or give the records keys of their own",
        )
    each = [name for name, rule in zip(records.MODALITIES, (rules.texts, rules.images, rules.codes), strict=True)
            if rule == "each"]  # fmt: skip
    found = []
    for chosen_texts, chosen_image, chosen_code in itertools.product(text_choices, image_choices, code_choices):
        image, code = (chosen[0] if chosen else None for chosen in (chosen_image, chosen_code))
        chosen = {"text": chosen_texts, "image": chosen_image, "code": chosen_code}
        own = [known.ids[part.row] for name in each for part in chosen[name]]
        found.append(
            Plan(
                sample_id=_sample_id(group, own),
                dataset=group.dataset,
                texts=tuple(chosen_texts),
                image=image,
                code=code,
                marks=_marks(group, [part for part in (image, code) if part is not None], known),
            )
        )
    taken = {part.row for plan in found for part in plan.parts}
    rest = [part for part in (*of["image"], *of["code"], *texts) if part.row not in taken]
    return found, len(rest)


class RegionCounts(collections.Counter[str]):
    """How many regions samples have (`kept`), how many of them are `linked`, or would be were it not `ambiguous`, and how
    many were dropped, by reason."""


def batches(
    samples: Sequence[Plan], clusters: Sequence[str], split: Sequence[str], known: Records, regions: RegionCounts
) -> Iterator[pa.RecordBatch]:
    """The rows of samples as batches of `schemas.records.SAMPLE`, in their order.

    Args:
        samples: n of them.
        clusters: the cluster of each.
        split: the split of each.
        known: the records.
        regions: to which the regions are added.
    """
    rows: list[dict[str, Any]] = []
    size = 0
    for sample, cluster, name in zip(samples, clusters, split, strict=True):
        own = of_sample(known.part(part.row) for part in sample.parts)
        linked = {end for link in own.links for end in (link.one, link.other)}
        regions.update({"kept": len(own.regions), "linked": len(linked), "ambiguous": own.ambiguous, **own.dropped})
        row = _row(sample, known) | {"cluster": cluster, "split": name, "regions": own.to_rows()}
        rows.append(row)
        size += sum(len(row[modality] or b"") for modality in records.MODALITIES)
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield tables.from_rows(rows, records.SAMPLE)
            progress.advance(NODE, len(rows))
            rows, size = [], 0
    yield tables.from_rows(rows, records.SAMPLE)
    progress.advance(NODE, len(rows))


def _choices(parts: Sequence[Part], rule: str) -> list[tuple[Part, ...]]:
    """What the samples of a group take of a modality: each of them one or nothing."""
    ordered: list[tuple[Part, ...]] = [(part,) for part in parts]
    ordered = ordered or [()]
    return ordered if rule == "each" else ordered[:1]


def _sample_id(group: Group, own: Sequence[str]) -> str:
    """Of the data set and the key; where a key makes several samples also of what tells them apart."""
    return hashlib.sha256("\0".join((group.dataset, group.key, *own)).encode()).hexdigest()[:32]


def _marks(group: Group, pictured: Sequence[Part], known: Records) -> frozenset[splits.Mark]:
    attributes = known.attributes
    return frozenset(
        [("cluster", attributes[part.row].get("cluster", f"{group.dataset}:{part.name}")) for part in group.parts]
        + [("content", known.shas[part.row]) for part in pictured]
        + [
            ("near_duplicates", attributes[part.row][NEAR_DUPLICATES])
            for part in group.parts
            if NEAR_DUPLICATES in attributes[part.row]
        ]
    )


def _row(sample: Plan, known: Records) -> dict[str, Any]:
    image, code = sample.image, sample.code
    texts = [known.content(part.row).decode() for part in sample.texts]
    return {
        "sample_id": sample.sample_id,
        "text": "\n".join(texts) if texts else None,
        "image": None if image is None else known.content(image.row),
        "code": None if code is None else known.content(code.row).decode(),
        "source": sample.dataset,
        "record_ids": [known.ids[part.row] for part in sample.parts],
        "method": sample.method,
        "score": sample.score,
        "weight": 1.0,
        "joins": [
            {"record_id": known.ids[part.row], **dataclasses.asdict(part.link)} for part in sample.parts if part.link
        ]
        or None,
        "attributes": _attributes(sample, known),
    }


def _attributes(sample: Plan, known: Records) -> Mapping[str, str]:
    """What the records say of themselves, the first to say something being right; and their languages by modality."""
    found: dict[str, str] = {}
    for part in sample.parts:
        for name, value in known.attributes[part.row].items():
            if name not in _OF_THE_RECORD:
                found.setdefault(name, value)
        if known.languages[part.row] is not None:
            found.setdefault(f"{known.modalities[part.row]}_language", known.languages[part.row])
    return found
