import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.augmentation.image import amounts, on_the_fly, varying
from components.augmentation.image.config import ImageAugmentation

CONFIG = ImageAugmentation()
WILD = dataclasses.replace(CONFIG, rotation_degrees=180.0, crop=0.5, hue_degrees=90.0, contrast=0.6)


def pictures(count=8, height=40, width=64):
    """Smooth ones, with a white margin, as drawings have."""
    random = np.random.default_rng(0)
    images = np.full((count, height, width, 3), 255, np.uint8)
    for image in images:
        small = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        image[4:-4, 4:-4] = np.asarray(small.resize((width - 8, height - 8), Image.Resampling.BICUBIC))
    return images


def keys(count=8, seed=1, epoch=0):
    return np.array([[seed, sample, epoch] for sample in range(count)], np.int64)


ALL = np.ones(8, bool)


def test_a_copy_is_the_same_as_one_that_is_stored():
    """Given equal amounts, but for rounding twice, and for the rim of half a pixel that is mixed with white."""
    of = on_the_fly.drawn(keys(), ALL, WILD)
    ours = on_the_fly.changed(pictures(), of).numpy().astype(int)
    for row, image in enumerate(pictures()):
        same = amounts.Amounts(**{name: float(value[row]) for name, value in vars(of).items()})
        stored = np.asarray(varying.changed(Image.fromarray(image), same)).astype(int)
        assert np.abs(ours[row] - stored).mean() < 0.6
        assert (np.abs(ours[row] - stored) > 3).mean() < 0.01


def test_amounts_are_distributed_as_those_of_stored_copies():
    count = 2000
    of = tf.function(lambda: vars(on_the_fly.drawn(keys(count), np.ones(count, bool), CONFIG)))()
    random = np.random.default_rng(0)
    stored = [varying.drawn(CONFIG, random, flip=True) for _ in range(count)]
    for field in dataclasses.fields(amounts.Amounts):
        ours, theirs = of[field.name].numpy(), np.array([getattr(one, field.name) for one in stored])
        spread = theirs.std()
        assert ours.mean() == pytest.approx(theirs.mean(), abs=spread * 5 / math.sqrt(count))
        assert ours.std() == pytest.approx(spread, rel=0.1)


def test_a_copy_does_not_depend_on_the_batch_it_comes_in():
    images, order = pictures(), np.array([5, 2, 7])
    whole = on_the_fly.vary(images, keys(), ALL, CONFIG).numpy()
    some = on_the_fly.vary(images[order], keys()[order], ALL[order], CONFIG).numpy()
    assert np.array_equal(whole[order], some)


@pytest.mark.parametrize("part", range(3))
def test_each_part_of_the_key_decides(part):
    one, other = keys(), keys()
    other[:, part] += 1
    before, after = (on_the_fly.vary(pictures(), key, ALL, CONFIG).numpy() for key in (one, other))
    assert all(not np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_it_works_in_a_data_set_and_in_a_compiled_step():
    images = pictures()
    expected = on_the_fly.vary(images, keys(), ALL, CONFIG).numpy()

    def vary(image, key, flip):
        return on_the_fly.vary(image, key, flip, CONFIG)

    data = tf.data.Dataset.from_tensor_slices((images, keys(), ALL)).batch(3).map(vary, num_parallel_calls=2)
    assert data.element_spec.shape[1:] == (40, 64, 3)
    assert np.array_equal(np.concatenate(list(data.as_numpy_iterator())), expected)
    step = tf.function(vary)
    compiled = step(images, keys(), ALL).numpy()
    assert np.array_equal(step(images, keys(), ALL).numpy(), compiled)
    assert np.abs(compiled.astype(int) - expected).max() <= 1, "graphs are rewritten, and so rounded otherwise"


def test_an_image_is_mirrored_only_if_it_may_be():
    still = {field.name: 0.0 for field in dataclasses.fields(CONFIG) if isinstance(getattr(CONFIG, field.name), float)}
    always = ImageAugmentation(**{**still, "flip": 1.0})
    flip = np.arange(8) % 2 == 0
    varied = on_the_fly.vary(pictures(), keys(), flip, always).numpy()
    assert np.array_equal(varied[flip], pictures()[flip][:, :, ::-1])
    assert np.array_equal(varied[~flip], pictures()[~flip])
