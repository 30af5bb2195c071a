"""The regions of a sample: those of its records, in the sample's own text, image and code, checked, and linked by label.

Two regions of different modalities are linked where they bear the same label: a ball in the image, the word for it in
the text, the lines that draw it. Where a label occurs several times they are linked in order, provided that it occurs
as often in both; else which belongs to which is not known, and none is linked.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PIL import Image

from schemas import records
from schemas.regions import Bounds, Region, Size, check, lines_of

DUPLICATE = "duplicate"
"""Why a region is dropped that its record has twice; else the reason is a `schemas.regions.Flaw`."""
_BETWEEN_TEXTS = "\n"


@dataclasses.dataclass(frozen=True)
class RecordPart:
    """A record that a sample is made of.

    Attributes:
        record_id: its id.
        modality: `text`, `image` or `code`.
        content: in standard form.
        regions: of the content.
    """

    record_id: str
    modality: str
    content: bytes
    regions: Sequence[Region]


@dataclasses.dataclass(frozen=True)
class SampleRegion:
    """A region of a sample.

    Attributes:
        record_id: the record that it is from.
        modality: where it is.
        label: what is there.
        bounds: within the sample's own text, image or code; see `schemas.regions`.
    """

    record_id: str
    modality: str
    label: str
    bounds: Bounds


@dataclasses.dataclass(frozen=True)
class RegionLink:
    """Two regions of different modalities that are of the same thing.

    Attributes:
        one: index of a region of the sample.
        other: of another one; the modalities of both are in the order of `schemas.records.MODALITIES`.
    """

    one: int
    other: int


@dataclasses.dataclass(frozen=True)
class SampleRegions:
    """The regions of a sample.

    Attributes:
        regions: by modality, then by place: texts and codes from their beginning, images from the top.
        links: in the order of the regions.
        ambiguous: how many regions bear a label that another modality has as well, but not as often.
        dropped: how many regions of the records were not kept, by reason.
    """

    regions: tuple[SampleRegion, ...] = ()
    links: tuple[RegionLink, ...] = ()
    ambiguous: int = 0
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def to_rows(self) -> list[dict[str, Any]] | None:
        """The field `regions` of the sample; None if there are none. What is linked has the same number."""
        number: dict[int, int] = {}
        for link in self.links:  # in the order of the first region
            number.setdefault(link.other, number.setdefault(link.one, link.one))
        return [
            {**dataclasses.asdict(region), "bounds": list(region.bounds), "link": number.get(index)}
            for index, region in enumerate(self.regions)
        ] or None


def of_sample(parts: Iterable[RecordPart]) -> SampleRegions:
    """The regions of a sample.

    Args:
        parts: the sample's records: its texts in the order in which a line feed between them joins them to the sample's
            text, its image, its code.
    """
    kept: dict[SampleRegion, None] = {}
    dropped: collections.Counter[str] = collections.Counter()
    offset = 0
    for part in parts:
        size = _size(part.modality, part.content) if part.regions or part.modality == "text" else (0,)
        for region in part.regions:
            flaw = check(region, part.modality, size)
            moved = SampleRegion(part.record_id, part.modality, region.label, _shifted(region.bounds, part, offset))
            if flaw is not None or moved in kept:
                dropped[DUPLICATE if flaw is None else flaw.value] += 1
            else:
                kept[moved] = None
        if part.modality == "text":
            offset += size[0] + len(_BETWEEN_TEXTS)
    ordered = tuple(sorted(kept, key=_place))
    links, ambiguous = _linked(ordered)
    return SampleRegions(ordered, links, ambiguous, dict(sorted(dropped.items())))


def _linked(ordered: Sequence[SampleRegion]) -> tuple[tuple[RegionLink, ...], int]:
    """Links, and how many regions could be linked in several ways."""
    by_label: dict[str, dict[str, list[int]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for index, region in enumerate(ordered):
        by_label[region.label][region.modality].append(index)
    links = []
    ambiguous: set[int] = set()
    for of_label in by_label.values():
        for one, other in itertools.combinations(of_label.values(), 2):
            if len(one) == len(other):
                links += [RegionLink(*pair) for pair in zip(one, other, strict=True)]
            else:
                ambiguous.update(one, other)
    return tuple(sorted(links, key=lambda link: (link.one, link.other))), len(ambiguous)


def _place(region: SampleRegion) -> tuple[int, tuple[int, ...], str, str]:
    left, top, right, bottom = region.bounds
    bounds = (top, left, bottom, right) if region.modality == "image" else region.bounds
    return records.MODALITIES.index(region.modality), bounds, region.label, region.record_id


def _shifted(bounds: Bounds, part: RecordPart, offset: int) -> Bounds:
    return (bounds[0] + offset, bounds[1] + offset, *bounds[2:]) if part.modality == "text" else bounds


def _size(modality: str, content: bytes) -> Size:
    if modality == "image":
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            return image.size
    text = content.decode()
    return (lines_of(text),) if modality == "code" else (len(text),)
