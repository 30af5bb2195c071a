"""Small changes to an image that leave what it shows."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance

from components.augmentation.config import AugmentationConfig
from components.cleaning.images import encode

_CHANGES = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def vary(content: bytes, config: AugmentationConfig, random: np.random.Generator) -> bytes:
    """A rotated, cropped and recoloured copy of a standard image (RGB PNG), of the same size.

    Args:
        content: the image.
        config: the most that each change may be.
        random: where the amounts come from; always the same number is drawn.
    """
    angle, crop, left, top, *changes = random.uniform(size=4 + len(_CHANGES))
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        width, height = image.size
        varied = image.rotate(
            (2 * angle - 1) * config.rotation_degrees, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255)
        )
    part = 1 - crop * config.crop
    x, y = left * (1 - part) * width, top * (1 - part) * height
    varied = varied.resize((width, height), Image.Resampling.BICUBIC, box=(x, y, x + part * width, y + part * height))
    for enhance, change in zip(_CHANGES, changes, strict=True):
        varied = enhance(varied).enhance(1 + (2 * change - 1) * config.colour)
    return encode(varied)
