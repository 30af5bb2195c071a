"""A varied copy of an image: one resampling, one change of colours."""

from __future__ import annotations

import dataclasses
import io
import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from components.augmentation.image import amounts
from components.augmentation.image.amounts import Amounts
from components.augmentation.image.boxes import Box, moved
from components.augmentation.image.config import ImageAugmentation
from components.cleaning.images import encode

_WORD = re.compile(r"[^\W_]+")


@dataclasses.dataclass(frozen=True)
class Varied:
    """A copy.

    Attributes:
        content: RGB PNG of the same size.
        boxes: where each box is now, in the order given; None if it left the frame.
    """

    content: bytes
    boxes: tuple[Box | None, ...] = ()

    @property
    def dropped(self) -> int:
        """How many boxes left the frame."""
        return self.boxes.count(None)


def vary(
    content: bytes, boxes: Sequence[Box], config: ImageAugmentation, random: np.random.Generator, *, flip: bool
) -> Varied:
    """A turned, cropped, perhaps mirrored and recoloured copy of a standard image.

    Args:
        content: RGB PNG, as `components.cleaning.images` makes it.
        boxes: what moves along.
        config: the most that each change may be.
        random: where the amounts come from; the same number is drawn for every image.
        flip: whether it may be mirrored, see `may_be_flipped`.
    """
    of = drawn(config, random, flip=flip)
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        varied = changed(image, of)
    width, height = varied.size
    places = amounts.places(of, width, height, math.cos, math.sin)
    return Varied(encode(varied), tuple(moved(box, places, width, height, config.least_box_share) for box in boxes))


def may_be_flipped(words: Iterable[str], config: ImageAugmentation) -> bool:
    """Whether an image that these texts are about (values of attributes, a label, a name) means the same mirrored."""
    said = {word for text in words for word in _WORD.findall(text.lower())}
    return said.isdisjoint(word.lower() for word in config.never_flipped)


def drawn(config: ImageAugmentation, random: np.random.Generator, *, flip: bool) -> Amounts:
    """Random amounts."""
    uniform = random.uniform(size=amounts.DRAWN).tolist()
    return amounts.amounts(uniform, float(flip and uniform[amounts.FLIP] < config.flip), config)


def changed(image: Image.Image, of: Amounts) -> Image.Image:
    """An RGB image of the same size, changed by these amounts."""
    width, height = image.size
    places = amounts.places(of, width, height, math.cos, math.sin)
    white = (amounts.WHITE,) * 3
    varied = image.transform(
        (width, height), Image.Transform.AFFINE, places, Image.Resampling.BILINEAR, fillcolor=white
    )
    matrix, added = amounts.colours(of, _brightness(varied), math.cos, math.sin)
    return varied.convert(
        "RGB", tuple(number for row in range(3) for number in (*matrix[3 * row : 3 * row + 3], added))
    )


def _brightness(image: Image.Image) -> float:
    """The mean brightness, of whole numbers summed, so the same everywhere; columns first, which is faster."""
    columns = np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, -1).sum(axis=0, dtype=np.int64)
    sums = columns.reshape(-1, 3).sum(axis=0).tolist()
    total = sum(share * of_colour for share, of_colour in zip(amounts.LUMINANCE, sums, strict=True))
    return total / (image.width * image.height)
