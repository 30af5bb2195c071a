"""Images in one standard form: RGB PNG, upright, on white, without metadata; decoded only within limits."""

from __future__ import annotations

import io
import re
import warnings

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault, Reason
from components.cleaning.quality import images as quality

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_COMPRESSION = 6
_UPRIGHT = 1

# Pillow warns of images that it would still decode; here their pixels are counted before that.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def standard_image(content: bytes, config: CleaningConfig) -> bytes | Fault:
    """An image in its standard form, or what is wrong with it.

    The size is read from the header and judged before any pixel is decoded. Its quality is judged here as well, where
    the pixels are at hand.
    """
    if not content:
        return Fault(Reason.EMPTY)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > config.max_image_pixels:
                return _too_many(f"{width}x{height} pixels", config)
            if min(width, height) < config.min_image_side:
                return Fault(Reason.TOO_SMALL, f"{width}x{height} pixels", f"{config.min_image_side} pixels a side")
            image.load()
            standard = on_white(ImageOps.exif_transpose(image))
            return quality.fault(standard, config.quality.image) or encode(standard)
    except UnidentifiedImageError:
        return Fault(Reason.NOT_AN_IMAGE, f"begins with {content[:8]!r}", ", ".join(_FORMATS))
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        return _too_many(f"{pixels.group() if pixels else 'too many'} pixels", config)
    except Exception as error:  # decoders of hostile bytes raise all kinds; each means that the image is broken
        return Fault(Reason.BROKEN_IMAGE, f"{type(error).__name__}: {error}"[:200], "a whole image")


def stored_form(content: bytes) -> tuple[int, int, int]:
    """Width, height and EXIF orientation (1 to 8) of an image that has a standard form, as it is stored."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        image.load()  # some formats have their EXIF behind the pixels
        orientation = image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
        return *image.size, orientation if orientation in range(1, 9) else _UPRIGHT


def on_white(image: Image.Image) -> Image.Image:
    """An image as RGB; what is transparent becomes white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), rgba).convert("RGB")


def encode(image: Image.Image) -> bytes:
    """An RGB image as PNG, pixels only, always with the same settings."""
    pixels = Image.frombytes("RGB", image.size, image.tobytes())  # leaves every piece of metadata behind
    file = io.BytesIO()
    pixels.save(file, "PNG", compress_level=_COMPRESSION)
    return file.getvalue()


def _too_many(measured: str, config: CleaningConfig) -> Fault:
    return Fault(Reason.TOO_MANY_PIXELS, measured, f"{config.max_image_pixels} pixels")
