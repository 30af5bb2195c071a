import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault, Reason
from components.cleaning.images import standard_image

CONFIG = CleaningConfig()


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode="RGB", size=(16, 12)):
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8)).convert(mode)


def opened(content):
    assert isinstance(content, bytes), content
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_every_known_format_becomes_rgb_png(kind):
    image = opened(standard_image(encoded(noise(), kind), CONFIG))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (16, 12))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_mode_becomes_rgb(mode):
    image = Image.fromarray(np.arange(192, dtype=np.uint16).reshape(12, 16)) if mode == "I;16" else noise(mode)
    assert opened(standard_image(encoded(image), CONFIG)).mode == "RGB"


def test_pixels_of_an_rgb_image_stay():
    before = noise()
    assert opened(standard_image(encoded(before), CONFIG)).tobytes() == before.tobytes()


def test_transparency_becomes_white():
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    image.putpixel((3, 3), (10, 20, 30, 255))
    standard = opened(standard_image(encoded(image), CONFIG))
    assert standard.getpixel((0, 0)) == (255, 255, 255)
    assert standard.getpixel((3, 3)) == (10, 20, 30)


def test_metadata_is_left_behind():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "somebody private")
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    raw = encoded(noise(), pnginfo=notes, exif=exif, dpi=(300, 300), icc_profile=b"profile of a camera")
    assert {"Author", "exif", "dpi", "icc_profile"} <= opened(raw).info.keys()
    assert opened(standard_image(raw, CONFIG)).info == {}


def test_a_photograph_on_its_side_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to view
    assert opened(standard_image(encoded(noise(), "JPEG", exif=exif), CONFIG)).size == (12, 16)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(5000, 5000), (12_000, 12_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_rejected_before_it_is_decoded(size):
    raw = bomb(*size)
    assert len(raw) < 200
    fault = standard_image(raw, CONFIG)
    assert isinstance(fault, Fault) and fault.reason is Reason.TOO_MANY_PIXELS
    assert str(size[0]) in fault.measured or str(size[0] * size[1]) in fault.measured
    assert fault.limit == "16000000 pixels"


def test_a_truncated_image_is_rejected():
    raw = encoded(noise(size=(64, 64)))
    fault = standard_image(raw[: len(raw) // 2], CONFIG)
    assert isinstance(fault, Fault) and fault.reason is Reason.BROKEN_IMAGE
    assert "truncated" in fault.measured


def test_a_flipped_bit_is_found_by_the_checksum():
    raw = bytearray(encoded(noise(size=(64, 64))))
    raw[len(raw) // 2] ^= 1
    fault = standard_image(bytes(raw), CONFIG)
    assert isinstance(fault, Fault) and fault.reason is Reason.BROKEN_IMAGE


def test_what_is_no_image_is_rejected():
    assert standard_image(b"<svg/>", CONFIG).reason is Reason.NOT_AN_IMAGE
    assert standard_image(b"", CONFIG).reason is Reason.EMPTY
    assert standard_image(encoded(noise(), "TIFF"), CONFIG).reason is Reason.NOT_AN_IMAGE, "a format that is not known"


def test_a_tiny_image_is_rejected_with_measure_and_limit():
    fault = standard_image(encoded(noise(size=(20, 7))), CONFIG)
    assert fault == Fault(Reason.TOO_SMALL, "20x7 pixels", "8 pixels a side")


def test_a_standard_image_stays_as_it_is_byte_for_byte():
    once = standard_image(encoded(noise("RGBA")), CONFIG)
    assert standard_image(once, CONFIG) == once


@given(st.data())
def test_hostile_bytes_never_raise(data):
    raw = bytearray(encoded(noise(), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(standard_image(bytes(raw[: data.draw(st.integers(1, len(raw)))]), CONFIG), (bytes, Fault))
