"""Chance is told from change, on many slices at once."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluation import intervals


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, 0]))


def slices(differences: np.ndarray, count: int) -> np.ndarray:
    """The differences in a column for all, and in one for each of some parts."""
    parts = np.arange(len(differences)) % count
    columns = [differences, *(np.where(parts == part, differences, 0.0) for part in range(count))]
    return np.stack(columns, axis=1)


def refused(differences: np.ndarray, confidence: float = 0.95) -> bool:
    bound = intervals.critical(differences, confidence, seed=0, draws=400) * intervals.deviations(differences)
    return bool((differences.sum(0) > bound).any())


def test_without_a_change_all_slices_together_are_refused_as_rarely_as_promised() -> None:
    wrong = sum(refused(slices(generator(seed).standard_t(4, 200), 20)) for seed in range(300))
    assert wrong / 300 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert wrong > 2, "it is no more careful than was asked for"


def test_a_change_on_one_slice_is_found() -> None:
    caught = 0
    for seed in range(50):
        differences = slices(generator(seed).normal(0, 1, 400), 4)
        differences[:, 1] += np.where(differences[:, 1] != 0, 0.5, 0.0)
        caught += refused(differences)
    assert caught >= 48


def test_more_slices_ask_for_more() -> None:
    few, many = (intervals.critical(slices(generator(1).normal(0, 1, 500), n), 0.95, seed=0) for n in (2, 40))
    assert 1.6 < few < many < 4


def test_no_difference_at_all_is_no_change() -> None:
    assert intervals.critical(np.zeros((10, 3)), 0.95, seed=0) == 0.0
    assert not refused(np.zeros((10, 3)))


def test_the_same_differences_are_judged_alike() -> None:
    differences = slices(generator(3).normal(0, 1, 50), 5)
    assert intervals.critical(differences, 0.95, seed=0) == intervals.critical(differences, 0.95, seed=0)


def test_an_interval_holds_the_true_ratio_as_often_as_promised_with_clusters_of_alike_examples() -> None:
    held = 0
    for seed in range(400):
        random = generator(seed)
        clusters = np.repeat(np.arange(60), 3)
        sizes = random.integers(10, 100, len(clusters)).astype(float)
        bits = sizes * (2 + random.normal(0, 0.5, 60)[clusters])
        found = intervals.ratio(bits, sizes, clusters, 0.9)
        assert found is not None
        held += found[0] <= 2 <= found[1]
    assert held / 400 == pytest.approx(0.9, abs=0.05)


def test_one_cluster_or_an_answer_that_is_no_number_gives_no_interval() -> None:
    ones, clusters = np.ones(4), np.array([0, 0, 1, 1])
    assert intervals.ratio(ones, ones, np.zeros(4, int), 0.95) is None
    assert intervals.ratio(np.array([1, np.nan, 1, 1]), ones, clusters, 0.95) is None
    assert intervals.ratio(ones, ones, clusters, 0.95) == (1.0, 1.0)
