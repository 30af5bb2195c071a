"""The server's pixels are the Transform graph's."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.transform import preprocessing
from serving import images
from serving.instance import InstanceError
from tests.fixtures import standin


def in_graph(encoded: bytes, size: int) -> np.ndarray:
    [small] = preprocessing.scaled(tf.constant([encoded]), size)
    return tf.io.decode_png(small, channels=3).numpy().astype(int)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "LA", "P"])
@pytest.mark.parametrize(("side", "size"), [(64, 32), (72, 32), (50, 32), (16, 32), (32, 32), (300, 16), (9, 8)])
def test_the_server_sees_what_the_transform_graph_saw(mode: str, side: int, size: int) -> None:
    for seed in range(3):
        encoded = standin.png(side, seed, mode)
        difference = np.abs(np.rint(images.pixels(encoded, size) * 255).astype(int) - in_graph(encoded, size))
        assert difference.max() <= 1
        assert difference.mean() < 0.01


def test_oblong_and_sixteen_bit_pictures_too() -> None:
    ramp = np.outer(np.arange(40), np.arange(90)).astype(np.uint16) * 18
    for picture in (Image.fromarray(ramp), Image.open(io.BytesIO(standin.png(80))).crop((0, 0, 80, 30))):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        difference = np.rint(images.pixels(buffer.getvalue(), 32) * 255) - in_graph(buffer.getvalue(), 32)
        assert np.abs(difference).max() <= 1


def test_transparent_is_white() -> None:
    assert (images.pixels(standin.png(64), 32)[0, 0] == 1).all()


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    with pytest.raises(InstanceError, match=r"20000x20000|bomb"):
        images.pixels(buffer.getvalue(), 32)


def test_only_png_is_read() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    with pytest.raises(InstanceError, match="not a PNG"):
        images.pixels(buffer.getvalue(), 32)
