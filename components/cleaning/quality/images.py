"""Rules of quality for images: each says what it objects to, or nothing.

Limits are in `components.cleaning.quality.config`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from components.cleaning.faults import Fault
from components.cleaning.quality.config import ImageQuality
from components.cleaning.quality.reasons import Reason

# Text-only: what a page of text looks like, in grey levels and pixels.
_LONGEST_SIDE = 2000  # larger images are halved until they fit
_TONE = 64  # grey levels: a pixel of the paper differs less from its most frequent level
_GREY = 32  # levels that the colour channels of a colourless pixel differ by, at most
_COLORLESS = 0.99  # of pixels
_PAPER = 0.6  # of pixels, at least
_LINE_HEIGHTS = (5, 0.1)  # pixels at least, and of the image's height at most
_CROSSINGS = 10  # changes between paper and ink along a row through a line of text, at least: five strokes


class Picture:
    """An image and its pixels.

    Attributes:
        image: RGB.
    """

    def __init__(self, image: Image.Image):
        self.image = image

    @functools.cached_property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """uint8 [height, width, 3]."""
        return np.asarray(self.image)


Rule = Callable[[Picture, ImageQuality], "Fault | None"]


def fault(image: Image.Image, config: ImageQuality) -> Fault | None:
    """The first objection of a rule to an image in standard form (RGB)."""
    picture = Picture(image)
    return next(filter(None, (rule(picture, config) for rule in RULES)), None)


def extreme_aspect(picture: Picture, config: ImageQuality) -> Fault | None:
    """Banners and rules."""
    short, long = sorted(picture.image.size)
    if config.max_aspect is None or long <= config.max_aspect * short:
        return None
    return Fault(Reason.EXTREME_ASPECT, f"{long / short:.3g} to 1", f"{config.max_aspect:g} to 1")


def blank(picture: Picture, config: ImageQuality) -> Fault | None:
    """Nearly one colour. A small figure on a plain ground is not blank."""
    limit = config.min_deviation
    if limit is None:
        return None
    deviation = 0.0
    for histogram in np.array(picture.image.histogram(), np.float64).reshape(3, 256):
        mean = histogram @ _LEVELS / histogram.sum()
        deviation = max(deviation, float(np.sqrt(histogram @ (_LEVELS - mean) ** 2 / histogram.sum())))
    if deviation >= limit:
        return None
    return Fault(Reason.BLANK, f"deviation of {deviation:.3g} grey levels", f"at least {limit:g} grey levels")


def few_colors(picture: Picture, config: ImageQuality) -> Fault | None:
    """Fewer different colours than asked for."""
    limit = config.min_colors
    if limit is None:
        return None
    found = picture.image.getcolors(limit)
    if found is None or len(found) >= limit:
        return None
    return Fault(Reason.FEW_COLORS, f"{len(found)} colours", f"{limit} colours")


def text_only(picture: Picture, config: ImageQuality) -> Fault | None:
    """Pages of text without a picture.

    Found are upright, colourless images, dark on light or light on dark, whose rows alternate between empty ones and
    lines of text: bands of some pixels' height whose rows cross many strokes. Not found are photographs of pages,
    pages that are askew, text in several columns out of step, coloured text, and text around a picture. Sheet music,
    tables and bar charts are told from text by their unbroken lines and by the height of their bands only.
    """
    limit = config.max_text_lines
    if limit is None:
        return None
    lines = text_lines(picture.pixels)
    return Fault(Reason.TEXT_ONLY, f"{lines} lines of text", f"{limit} lines of text") if lines > limit else None


RULES: tuple[Rule, ...] = (extreme_aspect, blank, few_colors, text_only)
"""All rules, cheap ones first."""


def text_lines(pixels: npt.NDArray[np.uint8]) -> int:
    """The lines of text in an image that is nothing but text; 0 for any other image.

    Args:
        pixels: uint8 [height, width, 3].
    """
    while max(pixels.shape[:2]) > _LONGEST_SIDE:
        pixels = pixels[::2, ::2]
    sample = pixels[::4, ::4].astype(np.int16)  # most pictures are told by their colours
    if np.mean(np.ptp(sample, axis=2) <= _GREY) < _COLORLESS:
        return 0
    grey = pixels[:, :, 1]
    ground = int(np.bincount(grey.ravel(), minlength=256).argmax())
    ink = np.abs(grey.astype(np.int16) - ground) >= _TONE
    if 1 - np.mean(ink) < _PAPER:
        return 0
    crossings = np.count_nonzero(ink[:, 1:] != ink[:, :-1], axis=1)
    return _bands(np.any(ink, axis=1), crossings)


def _bands(inked: npt.NDArray[np.bool_], crossings: npt.NDArray[np.int64]) -> int:
    """Runs of inked rows that look like lines of text; 0 if most of the inked rows are something else."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    least, most = _LINE_HEIGHTS[0], max(_LINE_HEIGHTS[1] * len(inked), 40)
    lines = rows = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if least <= end - start <= most and np.median(crossings[start:end]) >= _CROSSINGS:
            lines += 1
            rows += end - start
    return lines if 2 * rows > np.count_nonzero(inked) else 0


_LEVELS = np.arange(256, dtype=np.float64)
