import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.dual_encoder import features
from schemas.errors import SourceError
from tests.components.dual_encoder import drawings


def of_texts(*texts, buckets=64, limit=12):
    return features.of_texts(texts, buckets=buckets, limit=limit)


def gif():
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "GIF")
    return file.getvalue()


@settings(max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_features_stay_in_the_table_and_do_not_depend_on_other_texts(texts):
    found = of_texts(*texts)
    assert found.shape == (len(texts), 12)
    assert found.min(initial=0) >= features.PADDING
    assert found.max(initial=0) <= 64
    for text, row in zip(texts, found, strict=True):
        assert np.array_equal(of_texts(text)[0], row)


def test_a_word_is_itself_and_its_trigrams_whatever_its_case():
    [red] = of_texts("Red", buckets=100_000)
    assert np.count_nonzero(red) == 1 + len(("<re", "red", "ed>"))
    assert np.array_equal(of_texts("red", buckets=100_000)[0], red)


def test_a_feature_is_never_taken_for_none():
    found = of_texts("orange purple", buckets=2, limit=40)
    assert np.count_nonzero(found) == 2 * (1 + 6)


def test_a_long_text_is_looked_at_from_its_beginning():
    assert np.array_equal(of_texts("red square " * 100_000), of_texts("red square " * 10))


def test_what_is_transparent_is_white_and_images_are_scaled():
    file = io.BytesIO()
    Image.new("RGBA", (40, 20), (0, 0, 0, 0)).save(file, "PNG")
    [pixels] = features.of_images([file.getvalue()], size=16)
    assert pixels.shape == (16, 16, 3)
    assert (pixels == 255).all()


@pytest.mark.parametrize(
    "broken",
    [b"", b"no image", drawings.png("red", "disc", 64)[:100], gif()],
    ids=["empty", "text", "cut", "other format"],
)
def test_an_image_that_cannot_be_read_is_named(broken):
    with pytest.raises(SourceError) as caught:
        features.of_images([drawings.png("red", "disc"), broken], size=16)
    assert caught.value.where == "image 1"
    assert caught.value.remedy


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(features, "MAX_PIXELS", 16 * 16 - 1)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SourceError, match="16x16 pixels"):
        features.of_images([drawings.png("red", "disc")], size=16)
