import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from components.dual_encoder import learning, retrieval
from components.dual_encoder.encoder import DualEncoder
from components.dual_encoder.learning import Batches, loss_of
from tests.components.dual_encoder import drawings

CONFIG = dataclasses.replace(drawings.TINY, batch_size=8)


def unit(rows):
    return tf.math.l2_normalize(tf.constant(rows, tf.float32), axis=1)


def test_combinations_never_seen_are_told_apart():
    held_out = drawings.pairs("eval")
    encoder = DualEncoder(learning.fit(drawings.pairs("train"), drawings.TINY, seed=1))
    found = retrieval.recall(encoder.encode_pixels(held_out.images), encoder.encode_texts(held_out.texts), 1)
    assert len(held_out) == 8
    assert found >= 0.6, "chance is 0.125"


def test_the_loss_is_that_of_guessing_where_all_are_alike_and_none_where_all_is_clear():
    keys = tf.range(4, dtype=tf.int64)
    alike = unit([[1.0, 0, 0, 0]] * 4)
    assert float(loss_of(alike, alike, tf.constant(5.0), keys)) == pytest.approx(math.log(4), abs=1e-5)
    apart = unit(np.eye(4))
    assert float(loss_of(apart, apart, tf.constant(50.0), keys)) == pytest.approx(0.0, abs=1e-5)


def test_images_and_texts_count_alike():
    random = np.random.default_rng(1)
    images, texts = unit(random.normal(size=(5, 3))), unit(random.normal(size=(5, 3)))
    keys, scale = tf.range(5, dtype=tf.int64), tf.constant(3.0)
    assert float(loss_of(images, texts, scale, keys)) == pytest.approx(float(loss_of(texts, images, scale, keys)))


def test_an_equal_text_is_not_told_from_the_own_one():
    images, scale = unit([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]]), tf.constant(50.0)
    told = float(loss_of(images, images, scale, tf.constant([1, 2, 3], tf.int64)))
    untold = float(loss_of(images, images, scale, tf.constant([1, 1, 3], tf.int64)))
    assert told == pytest.approx(2 / 3 * math.log(2), abs=1e-4)
    assert untold == pytest.approx(0.0, abs=1e-4)


def test_each_pair_comes_once_an_epoch_and_a_step_depends_on_nothing_but_itself():
    pairs = drawings.pairs("train")
    batches = Batches(pairs, dataclasses.replace(CONFIG, shift=0, colour=0.0, dropout=0.0, line_share=0.0), seed=1)
    epoch = len(pairs) // CONFIG.batch_size
    keys = np.concatenate([batches.batch(step)[2] for step in range(epoch)])
    assert len(set(keys.tolist())) == len(keys) == len(pairs)
    again = Batches(pairs, dataclasses.replace(CONFIG, shift=0, colour=0.0, dropout=0.0, line_share=0.0), seed=1)
    for one, other in zip(batches.batch(epoch + 1), again.batch(epoch + 1), strict=True):
        assert np.array_equal(one, other)


def test_fewer_pairs_than_a_batch_come_more_than_once():
    few = drawings.pairs("train").take([0, 1, 2])
    images, ids, keys = Batches(few, CONFIG, seed=1).batch(5)
    assert len(images) == len(ids) == len(keys) == CONFIG.batch_size


def test_images_move_and_change_their_colour_within_limits_and_white_stays_white():
    pairs = drawings.pairs("train")
    config = dataclasses.replace(CONFIG, shift=0, colour=0.2, batch_size=len(pairs))
    images, _, keys = Batches(pairs, config, seed=1).batch(0)
    told = {key: image for image, key in zip(images, keys.tolist(), strict=True)}
    plain = Batches(pairs, dataclasses.replace(config, colour=0.0), seed=1)
    before, _, same = plain.batch(0)
    for image, key in zip(before, same.tolist(), strict=True):
        ink, varied = 255 - image.astype(int), 255 - told[key].astype(int)
        assert (varied[ink == 0] == 0).all()
        assert (np.abs(varied - ink) <= 0.2 * ink + 1).all()
    assert any((told[key] != image).any() for image, key in zip(before, same.tolist(), strict=True))


def test_lines_of_a_text_are_told_alone_at_times():
    pairs = dataclasses.replace(drawings.pairs("train").take([0]), texts=("red square\nsquare of red\nred",))
    batches = Batches(pairs, dataclasses.replace(CONFIG, line_share=0.5), seed=1)
    keys = np.concatenate([batches.batch(step)[2] for step in range(20)])
    assert len(set(keys.tolist())) == 4, "the whole and three lines"


def test_a_training_whose_loss_is_no_number_is_ended_in_words():
    config = dataclasses.replace(drawings.TINY, towers=drawings.TINY.towers, steps=30)
    learner = learning.Learner(config, seed=1)
    learner.towers.set_weights(np.full(learner.towers.count(), np.nan, np.float32))
    with pytest.raises(learning.DivergedError, match="nan"):
        learning.learn(learner, Batches(drawings.pairs("train"), config, seed=1), steps=config.steps)
