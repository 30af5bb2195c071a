import numpy as np
import pytest

from components.dual_encoder import retrieval


def on_sphere(random, count, dim=8):
    vectors = random.normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_own_texts_that_are_nearest_are_all_found():
    vectors = on_sphere(np.random.default_rng(1), 1500)
    assert retrieval.recall(vectors, vectors, 1) == 1.0


def test_an_encoder_to_which_all_are_alike_is_at_chance():
    alike = np.tile(on_sphere(np.random.default_rng(1), 1), (3000, 1))
    assert retrieval.recall(alike, alike, 10) == pytest.approx(retrieval.chance(3000, 10))


def test_vectors_at_random_are_at_chance():
    random = np.random.default_rng(2)
    found = retrieval.recall(on_sphere(random, 2000), on_sphere(random, 2000), 100)
    assert found == pytest.approx(retrieval.chance(2000, 100), abs=0.02)


def test_an_own_text_that_is_the_eleventh_is_not_among_ten():
    image = np.array([[1.0, 0.0]], np.float32)
    own, better = np.array([[0.6, 0.8]], np.float32), np.array([[0.8, 0.6]], np.float32)
    images = np.concatenate([image, np.tile(better, (10, 1))])
    texts = np.concatenate([own, np.tile(better, (10, 1))])
    similar = retrieval.recall(images, texts, 10) * 11
    assert similar == pytest.approx(10.0), "the ten others are found, the first is not"


def test_chance_is_never_above_one():
    assert retrieval.chance(4, 10) == 1.0
