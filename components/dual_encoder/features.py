"""What the towers see of texts and images: arrays of hashed words, and of pixels."""

from __future__ import annotations

import io
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from schemas.errors import SourceError

PADDING = 0
"""The feature that is none."""
MAX_CHARACTERS = 4000
"""Of a text, what is looked at."""
MAX_PIXELS = 16_000_000
"""Of an image, above which it is refused."""

_REMEDY = "bring images that Clean has put into their standard form"
_WORD = re.compile(r"[^\W_]+")


def of_texts(texts: Sequence[str], *, buckets: int, limit: int) -> npt.NDArray[np.int32]:
    """The words and the character trigrams of each word, `<` before it and `>` after, hashed by CRC-32.

    Those are the subword features of Bojanowski and others 2017 (fastText), of one length.

    Args:
        texts: n of them.
        buckets: how many different features there are.
        limit: how many of a text are kept, the first ones.

    Returns:
        int32 `[n, limit]` in 1..buckets, padded with `PADDING`.
    """
    found = np.full((len(texts), limit), PADDING, np.int32)
    for row, text in enumerate(texts):
        kept = list(itertools.islice(_features(text[:MAX_CHARACTERS].lower()), limit))
        found[row, : len(kept)] = [
            1 + zlib.crc32(feature.encode("utf-8", "surrogatepass")) % buckets for feature in kept
        ]
    return found


def of_images(images: Sequence[bytes], *, size: int) -> npt.NDArray[np.uint8]:
    """Images as RGB on white, scaled to a square.

    Args:
        images: n PNG files.
        size: side of the square, pixels.

    Returns:
        uint8 `[n, size, size, 3]`.

    Raises:
        SourceError: one is no PNG, is broken or has too many pixels; it is named by its number.
    """
    found = np.empty((len(images), size, size, 3), np.uint8)
    for row, content in enumerate(images):
        try:
            found[row] = _pixels(content, size)
        except SourceError as error:
            raise SourceError(error.what, where=f"image {row}", remedy=error.remedy) from error
    return found


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word
        marked = f"<{word}>"
        for start in range(len(marked) - 2):
            yield f"#{marked[start : start + 3]}"


def _pixels(content: bytes, size: int) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise SourceError(
                    f"{image.width}x{image.height} pixels are more than {MAX_PIXELS:,}", remedy="scale it down before"
                )
            rgba = image.convert("RGBA")
    except UnidentifiedImageError as error:
        raise SourceError(f"no PNG image: it begins with {content[:8]!r}", remedy=_REMEDY) from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise SourceError(f"not a whole PNG image: {error}", remedy=_REMEDY) from error
    white = Image.new("RGBA", rgba.size, "white")
    flat = Image.alpha_composite(white, rgba).convert("RGB")
    if flat.size != (size, size):
        flat = flat.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(flat)
