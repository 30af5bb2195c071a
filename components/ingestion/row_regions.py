"""The field `regions` of a user's row: boxes, spans and line ranges, each for the image, the text or the code of the row.

What cannot be taken is rejected by itself, under the row's position and the region's number; its record stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.ingestion.items import Reason, Rejection
from schemas import regions
from schemas.regions import Flaw, Region

_SHAPES = {"box": ("image", 4), "span": ("text", 2), "lines": ("code", 2)}
_ALLOWED = "a label and one of box [left, top, right, bottom], span [start, end], lines [first, last], in whole numbers"
_MOST_PIXELS = 1 << 31  # a side; no format has larger ones, and the image's own are known when it is decoded
_LIMITS = {
    Flaw.LABEL: f"1 to {regions.LONGEST_LABEL} characters",
    Flaw.EMPTY: "at least one pixel, character or line",
    Flaw.OUTSIDE: "within the content",
}


class RowRegions:
    """The regions of a row.

    Args:
        value: what the row has in the field.
        position: of the row.
    """

    def __init__(self, value: Any, position: str):
        self._position = position
        self._rejections: list[Rejection] = []
        self._by_modality: dict[str, list[tuple[int, Region]]] = {}
        if value is None:
            return
        if not isinstance(value, list):
            self._reject("regions", type(value).__name__, "a list")
        elif len(value) > regions.MOST_REGIONS:
            self._reject("regions", f"{len(value)} regions", f"{regions.MOST_REGIONS} regions")
        else:
            for number, one in enumerate(value):
                self._read(number, one)

    def taken(self, modality: str, content: bytes) -> tuple[Region, ...]:
        """Those of the row's document of a modality that lie within it, and are not rejected any more.

        Args:
            modality: of the document.
            content: its content, UTF-8 but for an image.
        """
        kept = []
        own = self._by_modality.pop(modality, [])
        size = _size(modality, content) if own else (0,)
        for number, region in own:
            flaw = regions.check(region, modality, size)
            if flaw is None:
                kept.append(region)
            else:
                measured = f"{flaw.value}: {_told(region, modality)}"
                self._reject(f"regions:{number}", measured, _LIMITS.get(flaw, _ALLOWED), modality)
        return tuple(kept)

    def rejections(self) -> Iterator[Rejection]:
        """Of all that was not taken."""
        for modality, own in self._by_modality.items():
            for number, _ in own:
                self._reject(f"regions:{number}", f"no {modality}", f"the row's own {modality}", modality)
        yield from self._rejections

    def _read(self, number: int, value: Any) -> None:
        shapes = [name for name in _SHAPES if isinstance(value, Mapping) and value.get(name) is not None]
        if len(shapes) != 1:
            found = " and ".join(shapes) or (f"{list(value)!r:.200}" if isinstance(value, Mapping) else _type(value))
            return self._reject(f"regions:{number}", found, _ALLOWED)
        modality, length = _SHAPES[shapes[0]]
        label, bounds = value.get("label"), value[shapes[0]]
        if value.get("modality") not in (None, modality):
            return self._reject(f"regions:{number}", f"{shapes[0]} in {value['modality']!r:.100}", f"in {modality}")
        if not isinstance(label, str) or not _encodable(label):
            return self._reject(f"regions:{number}", f"label: {_type(label)}", "a string in UTF-8", modality)
        numbers = [_whole(number) for number in bounds] if isinstance(bounds, list) and len(bounds) == length else []
        if not numbers or None in numbers:
            return self._reject(f"regions:{number}", f"{shapes[0]}: {bounds!r:.100}", _ALLOWED, modality)
        left, top, right, bottom = [number or 0 for number in numbers] + [0] * (4 - length)
        self._by_modality.setdefault(modality, []).append((number, Region(label, (left, top, right, bottom))))
        return None

    def _reject(self, place: str, measured: str, limit: str, modality: str = "") -> None:
        self._rejections.append(Rejection(f"{self._position}:{place}", Reason.BAD_REGION, measured, limit, modality))


def _size(modality: str, content: bytes) -> regions.Size:
    if modality == "image":
        return _MOST_PIXELS, _MOST_PIXELS
    text = content.decode()
    return (regions.lines_of(text),) if modality == "code" else (len(text),)


def _told(region: Region, modality: str) -> str:
    return str(list(region.bounds if modality == "image" else region.bounds[:2]))


def _whole(value: Any) -> int | None:
    """A number without a fraction that fits into 64 bits, as what it is; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -(2**62) < value < 2**62:
        return None
    return int(value) if value == int(value) else None


def _encodable(label: str) -> bool:
    try:
        label.encode()
    except UnicodeEncodeError:
        return False
    return True


def _type(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
