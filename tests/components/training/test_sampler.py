"""Which samples a step sees depends on the seed and the step alone, and every sample has its turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training.sampler import Sampler


@settings(max_examples=100, deadline=None)
@given(samples=st.integers(1, 200), batch_size=st.integers(1, 16), seed=st.integers(0, 2**31 - 1))
def test_an_epoch_shows_each_sample_at_most_once_and_misses_less_than_a_batch(
    samples: int, batch_size: int, seed: int
) -> None:
    lengths = np.random.default_rng(0).integers(3, 90, samples)
    sampler = Sampler(lengths, batch_size=batch_size, seed=seed)
    steps = max(1, samples // batch_size)
    for epoch in (0, 3):
        seen = np.concatenate([sampler.batch(epoch * steps + step) for step in range(steps)])
        assert len(seen) == steps * batch_size
        if samples >= batch_size:
            assert len(set(seen.tolist())) == len(seen) > samples - batch_size
        else:
            assert set(seen.tolist()) == set(range(samples))


def test_a_step_can_be_asked_for_without_those_before() -> None:
    lengths = np.arange(3, 103)
    straight = Sampler(lengths, batch_size=8, seed=5)
    in_order = [straight.batch(step) for step in range(40)]
    np.testing.assert_array_equal(Sampler(lengths, batch_size=8, seed=5).batch(37), in_order[37])
    assert any((Sampler(lengths, batch_size=8, seed=6).batch(step) != in_order[step]).any() for step in range(3))


def test_epochs_differ() -> None:
    sampler = Sampler(np.full(64, 9), batch_size=8, seed=0)
    assert not np.array_equal(sampler.batch(0), sampler.batch(8))


def test_samples_of_like_length_share_a_batch() -> None:
    lengths = np.random.default_rng(1).integers(3, 200, 1024)
    sampler = Sampler(lengths, batch_size=8, seed=0)
    padded = sum(8 * lengths[sampler.batch(step)].max() for step in range(128))
    assert padded < 1.25 * lengths.sum()
    random = np.random.default_rng(2).permutation(1024).reshape(128, 8)
    assert sum(8 * lengths[chosen].max() for chosen in random) > 1.5 * lengths.sum()


def test_lengths_come_in_no_order() -> None:
    lengths = np.random.default_rng(1).integers(3, 200, 1024)
    longest = [lengths[Sampler(lengths, batch_size=8, seed=0).batch(step)].max() for step in range(128)]
    assert np.corrcoef(longest[:-1], longest[1:])[0, 1] == pytest.approx(0.0, abs=0.3)
