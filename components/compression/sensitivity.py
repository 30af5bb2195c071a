"""Which operations quantise badly, and which of them are worth leaving in float.

Each operation with weights, and all others of a kind together, are quantised alone, and the loss is measured: the error of
a tensor says little, since a range that a mask of -1e9 has set leaves nothing of the scores beside it and is small as a
relative error. What is lost together is taken for the sum of what is lost alone, as in HAWQ (Dong et al. 2019).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from components.compression import convert, variants
from components.compression.config import VariantName
from components.compression.representative import Ranges
from components.compression.variants import Unit
from schemas import progress


@dataclasses.dataclass(frozen=True)
class Found:
    """What is lost when a unit alone is quantised; bits per byte, infinite where nothing is left."""

    unit: Unit
    rise: float


def scan(
    unique: bytes,
    name: VariantName,
    units: Sequence[Unit],
    *,
    ranges: Ranges | None,
    bits_per_byte: Callable[[bytes], float],
    node: str,
) -> list[Found]:
    """What each unit loses, worst first.

    Args:
        unique: the float model; its tensors have names of their own.
        units: what the variant quantises of it.
        ranges: of activations, for a static variant.
        bits_per_byte: the loss of a model.
    """
    progress.start(node, f"finding what quantises badly, {name}", total=len(units), unit="operations")
    before = bits_per_byte(unique)
    found = []
    for unit in units:
        try:
            rise = bits_per_byte(convert.apply(unique, variants.recipe_of(name, unit), name, ranges)) - before
        except convert.ConversionError:
            rise = math.inf  # what cannot be quantised alone can be left out
        found.append(Found(unit, rise if math.isfinite(rise) else math.inf))
        progress.advance(node)
    return sorted(found, key=lambda item: (-item.rise, item.unit.kind, item.unit.layer))


def left_in_float(found: Sequence[Found], *, limit: float, operations: int) -> list[Unit]:
    """What to leave in float: the worst, until what the others lose is within a limit.

    Args:
        found: worst first.
        limit: of the rise, bits per byte.
        operations: most that may be left in float; a unit that is too large for what is left of it is passed over.
    """
    chosen: list[Unit] = []
    rest = sum(max(item.rise, 0.0) for item in found if math.isfinite(item.rise))
    hopeless = sum(not math.isfinite(item.rise) for item in found)
    for item in found:
        if item.rise <= 0 or (not hopeless and rest <= limit):
            break
        size = len(item.unit.layers)
        if size > operations:
            continue
        operations -= size
        chosen.append(item.unit)
        if math.isfinite(item.rise):
            rest -= item.rise
        else:
            hopeless -= 1
    return chosen
