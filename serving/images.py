"""Encoded images to the pixels that a model sees, outside a TensorFlow graph.

The same picture as `components.transform.preprocessing` makes inside the Transform graph, within one step of 255 (a
test compares them).
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from serving.instance import InstanceError

MAX_PIXELS = 4096 * 4096


def pixels(encoded: bytes, size: int) -> npt.NDArray[np.float32]:
    """A PNG as the model sees it.

    Args:
        encoded: the file's bytes.
        size: the side of the square it is resized to, whatever its shape.

    Returns:
        float32 `[size, size, 3]` in 0..1; transparent parts are white.

    Raises:
        InstanceError: the bytes are not a PNG, or one of more than `MAX_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InstanceError(f"image of {image.width}x{image.height} pixels is over the limit of {MAX_PIXELS}")
            rgba = np.asarray(_eight_bits(image).convert("RGBA"), np.float32)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InstanceError(f"not a PNG image: {error}", remedy="send the bytes of a PNG file") from error
    alpha = rgba[..., 3:] / 255
    over_white = np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha))
    # As floats, one channel at a time: as bytes, Pillow would round twice.
    channels = [Image.fromarray(over_white[..., channel]) for channel in range(3)]
    small = [np.asarray(channel.resize((size, size), Image.Resampling.BILINEAR)) for channel in channels]
    seen: npt.NDArray[np.float32] = np.rint(np.clip(np.stack(small, -1), 0, 255)) / np.float32(255)
    return seen


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen-bit grey as eight-bit, as TensorFlow's decoder does; Pillow would clip it to white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return image
