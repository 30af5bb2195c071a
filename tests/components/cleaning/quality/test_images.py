import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from components.cleaning.quality import images
from components.cleaning.quality.config import ImageQuality
from components.cleaning.quality.reasons import Reason

CONFIG = ImageQuality()
SENTENCE = "The river rises in a narrow valley and turns to the east below the old mill."


def noise(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def page(lines, size=14, ink=(10, 10, 10), paper=(250, 250, 250)):
    image = Image.new("RGB", (640, 480), paper)
    draw = ImageDraw.Draw(image)
    for number in range(lines):
        draw.text((10, 10 + number * (size + 8)), SENTENCE, fill=ink, font=ImageFont.load_default(size))
    return image


def test_a_picture_passes():
    assert images.fault(noise(64, 48), CONFIG) is None


def test_an_image_of_one_colour_is_blank():
    fault = images.fault(Image.new("RGB", (40, 30), (200, 90, 10)), CONFIG)
    assert fault is not None
    assert (fault.reason, fault.measured) == (Reason.BLANK, "deviation of 0 grey levels")


def test_blank_has_a_limit():
    image = Image.new("RGB", (64, 64), "white")
    image.paste((251, 255, 255), (0, 0, 32, 64))  # half of the red values are 4 lower: deviation 2
    assert images.blank(images.Picture(image), CONFIG) is None
    image.paste((252, 255, 255), (0, 0, 32, 64))
    fault = images.blank(images.Picture(image), CONFIG)
    assert fault is not None and fault.measured == "deviation of 1.5 grey levels"


@pytest.mark.parametrize("box", [(31, 31, 33, 33), (8, 31, 56, 33), (4, 4, 60, 60)])
def test_a_small_figure_on_white_is_not_blank(box):
    image = Image.new("RGB", (64, 64), "white")
    image.paste((250, 200, 0), box)
    assert images.fault(image, CONFIG) is None


@pytest.mark.parametrize("turned", [False, True])
def test_an_extreme_aspect_is_rejected(turned):
    within, beyond = ((100, 10), (101, 10)) if not turned else ((10, 100), (10, 101))
    assert images.fault(noise(*within), CONFIG) is None
    fault = images.fault(noise(*beyond), CONFIG)
    assert fault is not None
    assert (fault.reason, fault.measured, fault.limit) == (Reason.EXTREME_ASPECT, "10.1 to 1", "10 to 1")


def test_few_colours_are_rejected_when_asked_for():
    image = Image.new("RGB", (20, 20), "white")
    for place in range(4):
        image.putpixel((place, 0), (place * 50, 0, 0))
    assert images.fault(image, CONFIG) is None
    assert images.fault(image, ImageQuality(min_colors=5)) is None
    fault = images.fault(image, ImageQuality(min_colors=6))
    assert fault is not None and (fault.reason, fault.measured) == (Reason.FEW_COLORS, "5 colours")


@pytest.mark.parametrize("size", [12, 16])
@pytest.mark.parametrize(("ink", "paper"), [((10, 10, 10), (250, 250, 250)), ((240, 240, 240), (20, 20, 20))])
def test_pages_of_text_are_rejected_dark_on_light_and_light_on_dark(size, ink, paper):
    assert images.fault(page(5, size, ink, paper), CONFIG) is None
    fault = images.fault(page(6, size, ink, paper), CONFIG)
    assert fault is not None
    assert (fault.reason, fault.measured, fault.limit) == (Reason.TEXT_ONLY, "6 lines of text", "5 lines of text")


def test_text_beside_a_picture_is_kept():
    image = page(12)
    image.paste(noise(300, 200), (300, 260))
    assert images.fault(image, CONFIG) is None


def test_drawings_of_two_tones_are_kept():
    board = Image.fromarray((np.indices((320, 320)).sum(0) // 20 % 2 * 255).astype(np.uint8)).convert("RGB")
    stripes = Image.fromarray(np.repeat(np.arange(320) // 10 % 2 * 255, 320).reshape(320, 320).astype(np.uint8))
    circle = Image.new("RGB", (320, 320), "white")
    ImageDraw.Draw(circle).ellipse((40, 40, 280, 280), outline="black", width=3)
    bars = Image.new("RGB", (320, 320), "white")
    for number in range(10):
        bars.paste((0, 0, 0), (20, 10 + 30 * number, 60 + 20 * number, 24 + 30 * number))
    for image in (board, stripes.convert("RGB"), circle, bars):
        assert images.fault(image, CONFIG) is None


def test_a_page_with_a_coloured_picture_in_a_corner_is_kept():
    image = page(12)
    image.paste((200, 30, 30), (560, 400, 640, 480))
    assert images.fault(image, CONFIG) is None


def test_a_limit_of_null_switches_its_rule_off():
    off = ImageQuality(min_deviation=None, max_aspect=None, max_text_lines=None)
    for image in (Image.new("RGB", (8, 8)), noise(400, 9), page(12)):
        assert images.fault(image, CONFIG) is not None
        assert images.fault(image, off) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 9), st.integers(1, 256))
def test_no_image_makes_a_rule_raise(width, height, seed, values):
    pixels = np.random.default_rng(seed).integers(0, values, (height, width, 3)).astype(np.uint8)
    fault = images.fault(Image.fromarray(pixels), ImageQuality(min_colors=3))
    assert fault is None or fault.measured
