import dataclasses
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.augmentation.image import amounts, varying
from components.augmentation.image.amounts import Amounts
from components.augmentation.image.config import ImageAugmentation
from components.cleaning.images import encode

STILL = ImageAugmentation(
    rotation_degrees=0.0, crop=0.0, flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue_degrees=0.0
)
WILD = ImageAugmentation(
    rotation_degrees=180.0,
    crop=0.6,
    flip=0.5,
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    hue_degrees=0.0,
    least_box_share=0.0,
)
SIZES = st.tuples(st.integers(8, 48), st.integers(8, 48))


def noise(size=(24, 16), seed=0):
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def marked(size, box):
    """Black on white."""
    left, top, right, bottom = box
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    pixels[top:bottom, left:right] = 0
    return encode(Image.fromarray(pixels))


def pixels_of(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def vary(content, boxes=(), config=ImageAugmentation(), seed=0, flip=True):  # noqa: B008 (frozen)
    return varying.vary(content, boxes, config, np.random.default_rng(seed), flip=flip)


@st.composite
def frames_and_boxes(draw):
    width, height = draw(SIZES)
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return (width, height), (left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@settings(max_examples=60, deadline=None)
@given(frames_and_boxes(), st.integers(0, 2**32))
def test_what_a_box_shows_stays_within_the_box(frame_and_box, seed):
    size, box = frame_and_box
    varied = vary(marked(size, box), [box], WILD, seed)
    rows, columns = np.nonzero(pixels_of(varied.content)[:, :, 0] < 127)
    (moved,) = varied.boxes
    if not len(rows):
        return
    left, top, right, bottom = moved
    assert left <= columns.min() and columns.max() < right
    assert top <= rows.min() and rows.max() < bottom


@settings(max_examples=60, deadline=None)
@given(frames_and_boxes(), st.integers(0, 2**32))
def test_a_moved_box_is_in_the_frame_and_no_larger_than_needed(frame_and_box, seed):
    (width, height), box = frame_and_box
    (moved,) = vary(marked((width, height), box), [box], WILD, seed).boxes
    if moved is not None:
        left, top, right, bottom = moved
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        diagonal = math.hypot(box[2] - box[0], box[3] - box[1]) / (1 - WILD.crop)
        assert max(right - left, bottom - top) <= diagonal + 2


@given(frames_and_boxes(), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_no_change_is_no_change(frame_and_box, seed):
    size, box = frame_and_box
    content = encode(noise(size, seed))
    assert vary(content, [box], STILL, seed) == varying.Varied(content, (box,))


def test_the_same_random_numbers_give_the_same_bytes():
    content = encode(noise((64, 64)))
    assert vary(content, [(3, 3, 30, 30)], seed=5) == vary(content, [(3, 3, 30, 30)], seed=5)
    assert vary(content, seed=5) != vary(content, seed=6)


def test_as_many_random_numbers_are_drawn_whatever_is_configured():
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    varying.drawn(STILL, one, flip=False)
    varying.drawn(WILD, other, flip=True)
    assert one.uniform() == other.uniform()


@pytest.mark.parametrize("change", ["rotation_degrees", "crop", "flip", "brightness", "contrast", "saturation"])
def test_each_change_changes_the_image(change):
    content = encode(noise())
    assert vary(content, config=dataclasses.replace(STILL, **{change: 0.5}), seed=3).content != content


def test_a_turn_of_the_hue_keeps_the_brightness():
    of = Amounts(hue=2.0)
    matrix, added = amounts.colours(of, 100.0, math.cos, math.sin)
    kept = np.reshape(matrix, (3, 3)).T @ amounts.LUMINANCE
    assert kept == pytest.approx(amounts.LUMINANCE, abs=2e-3)
    assert np.reshape(matrix, (3, 3)) @ (1, 1, 1) == pytest.approx((1, 1, 1))
    assert added == 0


def test_changes_of_colour_do_what_their_names_say():
    pixels = np.full((8, 8, 3), 100, np.uint8)
    pixels[:, 4:] = (180, 60, 20)

    def after(**changes):
        changed = np.asarray(varying.changed(Image.fromarray(pixels), Amounts(**changes))).astype(int)
        return changed[0, 0].tolist(), changed[0, 7].tolist()

    assert after(brightness=0.5) == ([50, 50, 50], [90, 30, 10])
    assert after(saturation=0.0) == ([100, 100, 100], [83, 83, 83])
    assert after(contrast=0.0) == ([91, 91, 91], [91, 91, 91])


def test_places_are_cropped_and_mirrored_as_told():
    """Of 20 columns the kept half starts at the fourth part: 5 to 15, mirrored."""
    of = Amounts(part=0.5, left=0.25, top=0.5, flipped=1.0)
    a, b, c, d, e, f = amounts.places(of, 20, 10, math.cos, math.sin)
    assert (a * 0 + b * 0 + c, d * 0 + e * 0 + f) == (15, 5)
    assert (a * 20 + b * 10 + c, d * 20 + e * 10 + f) == (5, 10)


def test_what_turns_into_view_is_white():
    black = encode(Image.new("RGB", (32, 32)))
    turned = dataclasses.replace(STILL, rotation_degrees=45.0)
    assert pixels_of(vary(black, config=turned).content)[0, 0].tolist() == [255, 255, 255]


def test_a_crop_shows_nothing_from_beyond_the_frame():
    black = encode(Image.new("RGB", (32, 32)))
    for seed in range(10):
        assert vary(black, config=dataclasses.replace(STILL, crop=0.5), seed=seed).content == black


def test_a_box_that_leaves_the_frame_is_dropped_and_counted():
    content, box = marked((40, 40), (0, 0, 2, 40)), (0, 0, 2, 40)
    cropped = dataclasses.replace(STILL, crop=0.9)
    dropped = [vary(content, [box], cropped, seed).boxes[0] for seed in range(20)].count(None)
    assert dropped > 0
    assert vary(content, [(0, 0, 40, 40), (4, 4, 4, 9), (9, 4, 4, 9)], STILL).dropped == 2, "empty boxes"


def test_the_share_that_must_stay_is_configured():
    half_out = [(-20, 0, 20, 40)]
    content = encode(noise((40, 40)))
    assert vary(content, half_out, dataclasses.replace(STILL, least_box_share=0.5)).boxes == ((0, 0, 20, 40),)
    assert vary(content, half_out, dataclasses.replace(STILL, least_box_share=0.51)).boxes == (None,)


@pytest.mark.parametrize(
    "words",
    [
        ("flags", "country-flag"),
        ("Symbols", "keycap"),
        ("objects", "left arrow"),
        ("people-body", "backhand index pointing right"),
        ("WAXING CRESCENT MOON SYMBOL",),
        ("Travel & Places", "time"),
    ],
)
def test_what_means_something_else_mirrored_is_not_mirrored(words):
    assert not varying.may_be_flipped(words, ImageAugmentation())


@pytest.mark.parametrize("words", [("smileys-emotion", "face-smiling"), ("food-drink", "leftovers"), ()])
def test_other_images_may_be_mirrored(words):
    assert varying.may_be_flipped(words, ImageAugmentation())


def test_an_image_is_mirrored_only_if_it_may_be():
    content = encode(noise())
    always = dataclasses.replace(STILL, flip=1.0)
    mirrored = vary(content, [(1, 2, 5, 6)], always)
    assert np.array_equal(pixels_of(mirrored.content), pixels_of(content)[:, ::-1])
    assert mirrored.boxes == ((19, 2, 23, 6),)
    assert vary(content, config=always, flip=False).content == content
