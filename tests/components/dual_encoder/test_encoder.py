import json
import zipfile

import numpy as np
import pytest

from components.dual_encoder import encoder
from components.dual_encoder.card import FILE_NAME, Card
from components.dual_encoder.encoder import WEIGHTS_FILE_NAME
from components.dual_encoder.towers import Towers
from schemas.errors import IntegrityError
from tests.components.dual_encoder import drawings

CONFIG = drawings.TINY.towers
TEXTS = ["red square", "", "Ünïcode 赤", "blue " * 1000]


@pytest.fixture(scope="module")
def towers():
    return Towers(CONFIG, seed=4)


@pytest.fixture
def stored(tmp_path, towers):
    card = Card(
        towers=CONFIG, seed=4, steps=0, train_pairs=40, eval_pairs=8, recall_at_10=0.5, chance=0.25, cluster_pairs=8,
        cluster_recall_at_10=0.5, digest=towers.digest(),
    )  # fmt: skip
    encoder.save(tmp_path, towers, card)
    return tmp_path


def check_refused(directory, name):
    with pytest.raises(IntegrityError) as caught:
        encoder.load(directory)
    assert str(directory / name) in str(caught.value)
    assert caught.value.remedy


def test_what_is_loaded_encodes_as_what_was_stored(stored, towers):
    images = [drawings.png("red", "disc"), drawings.png("blue", "bar", 40)]
    loaded, before = encoder.load(stored), encoder.DualEncoder(towers)
    assert np.array_equal(loaded.encode_texts(TEXTS), before.encode_texts(TEXTS))
    assert np.array_equal(loaded.encode_images(images), before.encode_images(images))
    assert sorted(path.name for path in stored.iterdir()) == [FILE_NAME, WEIGHTS_FILE_NAME]


def test_vectors_lie_on_the_sphere_or_say_nothing_and_do_not_depend_on_their_batch(stored):
    loaded = encoder.load(stored)
    many = loaded.encode_texts(TEXTS * 100)
    assert many.dtype == np.float32
    assert many.shape == (len(TEXTS) * 100, loaded.dim)
    said = [bool(text) for text in TEXTS * 100]
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), said, atol=1e-5)
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(loaded.encode_texts([text])[0], many[row], atol=1e-5)


def test_nothing_is_encoded_as_nothing(stored):
    loaded = encoder.load(stored)
    assert loaded.encode_texts([]).shape == loaded.encode_images([]).shape == (0, CONFIG.dim)


def test_different_seeds_are_different_weights(towers):
    assert Towers(CONFIG, seed=4).digest() == towers.digest()
    assert Towers(CONFIG, seed=5).digest() != towers.digest()


def test_a_directory_without_a_card_holds_no_encoder(stored):
    (stored / FILE_NAME).unlink()
    check_refused(stored, FILE_NAME)


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, '{"towers": {"dim": 1000000000}}'])
def test_a_card_that_is_none_is_refused(stored, content):
    (stored / FILE_NAME).write_text(content)
    check_refused(stored, FILE_NAME)


def test_a_card_of_other_towers_is_refused(stored):
    card = json.loads((stored / FILE_NAME).read_text())
    card["towers"]["dim"] *= 2
    (stored / FILE_NAME).write_text(json.dumps(card))
    check_refused(stored, WEIGHTS_FILE_NAME)


def test_weights_that_are_missing_are_named(stored):
    (stored / WEIGHTS_FILE_NAME).unlink()
    check_refused(stored, WEIGHTS_FILE_NAME)


def test_weights_that_are_cut_are_refused(stored):
    content = (stored / WEIGHTS_FILE_NAME).read_bytes()
    for size in (0, 50, len(content) - 4):
        (stored / WEIGHTS_FILE_NAME).write_bytes(content[:size])
        check_refused(stored, WEIGHTS_FILE_NAME)


def test_weights_with_a_bit_turned_are_refused(stored):
    content = bytearray((stored / WEIGHTS_FILE_NAME).read_bytes())
    content[-2] ^= 1
    (stored / WEIGHTS_FILE_NAME).write_bytes(content)
    check_refused(stored, WEIGHTS_FILE_NAME)


def test_weights_of_another_type_or_shape_are_refused(stored, towers):
    for weights in (towers.weights().astype(np.float64), towers.weights()[None]):
        np.save(stored / WEIGHTS_FILE_NAME, weights)
        check_refused(stored, WEIGHTS_FILE_NAME)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_weights_are_never_unpickled(stored, tmp_path):
    trap = tmp_path / "sprung"
    np.save(stored / WEIGHTS_FILE_NAME, np.array([Trap(str(trap))], object), allow_pickle=True)
    check_refused(stored, WEIGHTS_FILE_NAME)
    assert not trap.exists()


def test_an_archive_in_place_of_weights_is_refused(stored, towers):
    with zipfile.ZipFile(stored / WEIGHTS_FILE_NAME, "w") as archive:
        archive.writestr("a.npy", b"nothing")
    check_refused(stored, WEIGHTS_FILE_NAME)
