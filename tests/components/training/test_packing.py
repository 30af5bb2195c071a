"""Packed rows: every sample once, none cut, little padding, and none sees another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training import batches, examples, loop, network, packing
from components.training.config import GptConfig, TrainingConfig
from components.training.feeding import Feed
from components.training.packing import PackedSampler
from schemas.errors import ConfigError
from tests.fixtures import transformed

LENGTHS = np.random.default_rng(0).integers(20, 128, 5000)


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=200), row=st.integers(50, 120))
def test_rows_hold_every_sample_once_and_no_more_than_fits(lengths, row):
    rows = packing.packed(np.array(lengths), np.arange(len(lengths)), row)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(lengths)))
    assert all(np.array(lengths)[own].sum() <= row for own in rows)


def test_less_than_a_twentieth_is_padding():
    rows = packing.packed(LENGTHS, np.arange(len(LENGTHS)), 256)
    assert 1 - LENGTHS.sum() / (256 * len(rows)) < 0.05


def test_a_step_is_the_same_however_it_is_come_to():
    straight, jumped = (PackedSampler(LENGTHS[:100], row=256, rows=4, seed=7) for _ in range(2))
    steps = [straight.batch(step) for step in range(60)]
    for step in (59, 3, 31):
        for own, other in zip(jumped.batch(step), steps[step], strict=True):
            np.testing.assert_array_equal(own, other)


def test_an_epoch_has_every_sample_at_most_once_and_misses_less_than_a_batch():
    sampler = PackedSampler(LENGTHS[:400], row=256, rows=4, seed=7)
    batches_of_epoch = len(packing.packed(LENGTHS[:400], np.arange(400), 256)) // 4
    seen = np.concatenate([np.concatenate(sampler.batch(step)) for step in range(batches_of_epoch - 2)])
    assert len(set(seen.tolist())) == len(seen) > 300
    assert [own.tolist() for own in sampler.batch(0)] != [
        own.tolist() for own in PackedSampler(LENGTHS[:400], row=256, rows=4, seed=8).batch(0)
    ]


def test_fewer_rows_than_a_batch_come_several_times():
    rows = PackedSampler(np.array([10, 10, 30]), row=30, rows=5, seed=0).batch(3)
    assert len(rows) == 5 and set(np.concatenate(rows).tolist()) == {0, 1, 2}


def test_a_sample_that_no_row_holds_is_told():
    with pytest.raises(ConfigError, match="takes 31 positions and a row has 30"):
        PackedSampler(np.array([10, 31]), row=30, rows=1, seed=0)


@pytest.fixture(scope="module")
def split():
    return examples.load(str(transformed.made().examples / "Split-train"), transformed.BUDGETS)


@pytest.fixture(scope="module")
def trainer():
    config = TrainingConfig(gpt=GptConfig(width=32, depth=2, heads=2), batch_size=3, batching="packed")
    return loop.Trainer(config, transformed.BUDGETS, vocabulary=512, seed=0)


def feed(trainer, split):
    return Feed(trainer.config, split, model=trainer.model, shape=trainer.shape, seed=0, compiled=False, variation=None)


def seen(batch):
    return {**batch.features, "image": batch.features["image"].astype(np.float32) / 255}


def test_a_sample_in_a_row_is_predicted_as_it_is_alone(trainer, split):
    batch = feed(trainer, split).batch(0)
    nll = network.cross_entropy(batch.targets, trainer.model(seen(batch))).numpy()
    together = nll[batch.weights > 0]
    chosen = split.take(batch.samples)
    alone = trainer.scorer.token_nll(chosen)[:, 1:]
    counts = chosen.ids[:, 1:] != 0
    assert max(len(np.unique(row[row > 0])) for row in batch.features["documents"]) > 1
    np.testing.assert_allclose(together, alone[counts], atol=2e-5)
    assert batch.tokens == counts.sum() and batch.bytes == chosen.sizes.sum()


def test_what_counts_in_the_loss_is_the_weight_of_the_sample(trainer, split):
    heavy = dataclasses.replace(split, weights=np.arange(len(split), dtype=np.float32) + 1)
    batch = feed(trainer, heavy).batch(1)
    expected = np.repeat(heavy.weights[batch.samples], heavy.lengths()[batch.samples] - 1)
    np.testing.assert_array_equal(batch.weights[batch.weights > 0], expected)


def test_the_padding_that_is_told_is_that_of_the_arrays(trainer, split):
    batch = feed(trainer, split).batch(0)
    taken = trainer.model.patches * len(batch.samples) + batch.tokens
    assert batch.padding == pytest.approx(1 - taken / batch.targets.size)


def test_a_network_that_takes_single_samples_alone_is_told(trainer, split, monkeypatch):
    monkeypatch.setattr(type(trainer.model), "packs", False)
    with pytest.raises(ConfigError, match="takes no rows of several samples"):
        feed(trainer, split)


def test_the_noise_of_a_sample_depends_on_nothing_but_seed_step_and_sample():
    keys = np.array([1, 2, -(2**62), 2**62])
    one = batches.noise(keys, seed=3, step=4)
    assert one.dtype == np.int32 and len(set(one.tolist())) == 4
    np.testing.assert_array_equal(batches.noise(keys[::-1], seed=3, step=4)[::-1], one)
    assert not (batches.noise(keys, seed=3, step=5) == one).any()
    assert not (batches.noise(keys, seed=4, step=4) == one).any()
