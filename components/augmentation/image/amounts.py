"""What is done to an image, as numbers, and the two linear maps that do it: one of places, one of colours.

Everything here is arithmetic on whatever has operators: floats, or tensors of a batch. So the copies that are stored and
those that are made on the fly follow the same formulas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from components.augmentation.image.config import ImageAugmentation

DRAWN = 9
"""So many uniform numbers make the amounts of one copy."""
FLIP = 4
"""Which of them is below the share of the copies that are mirrored, if the copy is."""
WHITE = 255
"""What comes into view from beyond the frame: `components.cleaning.images` puts everything on white."""

_RADIANS = 3.141592653589793 / 180

# Of red, green and blue in the brightness, and the matrices of a turn of the hue that keeps it: W3C Filter Effects
# Module Level 1, feColorMatrix, hueRotate and saturate.
LUMINANCE = (0.213, 0.715, 0.072)
_GREY = (LUMINANCE, LUMINANCE, LUMINANCE)
_OFF_GREY = tuple(tuple((row == column) - LUMINANCE[column] for column in range(3)) for row in range(3))
_TURNED = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))


@dataclasses.dataclass(frozen=True)
class Amounts:
    """What is done to an image; each a float, or a float32 tensor `[batch]`.

    Attributes:
        angle: of the turn about the middle, in radians.
        part: of each side that is kept.
        left: the part of the width that is cut off at the left.
        top: the part of the height that is cut off at the top.
        flipped: 1 if it is mirrored left to right, 0 if not.
        brightness: factor.
        contrast: factor.
        saturation: factor.
        hue: of the turn of the hue, in radians.
    """

    angle: Any = 0.0
    part: Any = 1.0
    left: Any = 0.0
    top: Any = 0.0
    flipped: Any = 0.0
    brightness: Any = 1.0
    contrast: Any = 1.0
    saturation: Any = 1.0
    hue: Any = 0.0


def amounts(uniform: Sequence[Any], flips: Any, config: ImageAugmentation) -> Amounts:
    """The amounts that random numbers stand for.

    Args:
        uniform: `DRAWN` numbers (or tensors) from 0 to below 1.
        flips: 1 if the image is mirrored, 0 if not: what came of the number `FLIP`.
        config: the most that each change may be.
    """
    angle, crop, left, top, _, brightness, contrast, saturation, hue = uniform
    cut = crop * config.crop
    return Amounts(
        angle=_either_way(angle) * (config.rotation_degrees * _RADIANS),
        part=1 - cut,
        left=left * cut,
        top=top * cut,
        flipped=flips,
        brightness=1 + _either_way(brightness) * config.brightness,
        contrast=1 + _either_way(contrast) * config.contrast,
        saturation=1 + _either_way(saturation) * config.saturation,
        hue=_either_way(hue) * (config.hue_degrees * _RADIANS),
    )


def places(
    of: Amounts, width: float, height: float, cos: Callable[[Any], Any], sin: Callable[[Any], Any]
) -> tuple[Any, ...]:
    """Where each place of the copy lies in the image: (a, b, c, d, e, f) of x' = ax + by + c, y' = dx + ey + f.

    Places are in pixels from the top left corner of the frame; the middle of the first pixel is (0.5, 0.5). The image is
    turned, then cropped and scaled, then mirrored.
    """
    mirror = 1 - 2 * of.flipped
    across = of.part * mirror
    right = of.left * width + of.flipped * of.part * width - width / 2
    down = of.top * height - height / 2
    cosine, sine = cos(of.angle), sin(of.angle)
    return (
        cosine * across,
        -sine * of.part,
        cosine * right - sine * down + width / 2,
        sine * across,
        cosine * of.part,
        sine * right + cosine * down + height / 2,
    )


def colours(
    of: Amounts, mean: Any, cos: Callable[[Any], Any], sin: Callable[[Any], Any]
) -> tuple[tuple[Any, ...], Any]:
    """The 9 numbers, row by row, that a colour is multiplied by, and the number that is added to red, green and blue.

    Brightness, then contrast, then saturation, then hue; nothing is cut off at black or white in between.

    Args:
        of: the amounts.
        mean: the mean of the image's brightness, 0 to 255.
        cos: cosine.
        sin: sine.
    """
    scale = of.brightness * of.contrast
    straight, turned = of.saturation * cos(of.hue), of.saturation * sin(of.hue)
    matrix = tuple(
        scale * (_GREY[row][column] + straight * _OFF_GREY[row][column] + turned * _TURNED[row][column])
        for row in range(3)
        for column in range(3)
    )
    return matrix, (1 - of.contrast) * of.brightness * mean


def _either_way(uniform: Any) -> Any:
    return 2 * uniform - 1
