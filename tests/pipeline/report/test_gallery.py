"""What of a sample may stand in a page."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pipeline.report import facts, gallery
from tests.pipeline.report import made_up, made_up_home


def test_a_small_png_is_shown_as_it_is():
    shown = gallery.picture(made_up.png())
    assert base64.b64decode(shown.data.removeprefix("data:image/png;base64,")) == made_up.png()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(60),
        b"<svg onload=alert(1)>" * 9,
        b"\xff\xd8\xff\xe0JFIF" + bytes(60),
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a",
    ],
)
def test_what_is_no_png_is_not_shown(content):
    assert gallery.picture(content) == facts.Missing("it is not a PNG")


def test_a_large_png_is_shown_smaller():
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    shown = gallery.picture(buffer.getvalue())
    assert len(shown.data) < 120_000
    assert "300 by 400 pixels" in shown.note
    with Image.open(io.BytesIO(base64.b64decode(shown.data.partition(",")[2]))) as image:
        assert image.size == (120, 160)


def test_a_png_that_would_unfold_to_many_pixels_is_not_handed_to_the_browser():
    bomb = made_up.png()[:16] + (50_000).to_bytes(4, "big") * 2 + made_up.png()[24:]
    assert "too many" in gallery.picture(bomb).why


def test_a_large_png_that_is_broken_is_not_shown():
    assert gallery.picture(made_up.png()[:60] + bytes(50_000)) == facts.Missing("it cannot be decoded")


def test_long_text_and_code_are_cut_and_say_so(tmp_path):
    made_up_home.write_table(tmp_path, [made_up_home.sample(1, text="x" * 1000, code="y = 1\n" * 100)])
    [sample] = gallery.read(tmp_path).samples
    assert sample.text.endswith("… (600 more characters)")
    assert sample.code.count("y = 1") == 30
    assert sample.code.endswith("… (420 more characters)")


def test_the_choice_is_the_same_each_time(tmp_path):
    made_up_home.write_table(tmp_path, made_up_home.samples())
    assert gallery.read(tmp_path) == gallery.read(tmp_path)


def test_few_samples_or_none_are_fine(tmp_path):
    made_up_home.write_table(tmp_path, [])
    assert gallery.read(tmp_path) == facts.Gallery((), None)
