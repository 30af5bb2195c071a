"""The benchmark of training as a user calls it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import train_costs, train_layouts
from benchmarks.contest import ROOT
from benchmarks.gpt_case import Case
from benchmarks.workers import matrix_products


def test_a_quick_figure_is_told_within_45_seconds_along_the_same_loss_curve():
    command = [sys.executable, "-m", "benchmarks.training", "--quick", "--json", "--only", "train_tokens.keras_fit"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=45, check=True)
    [line] = map(json.loads, answer.stdout.splitlines())
    assert line["figure"] == "train_tokens.keras_fit" and not line["why"]
    assert line["ours"] > 0 and line["peer"] > 0 and line["peer_name"].startswith("Keras")
    apart = float(line["note"].partition("losses at most ")[2].split()[0])
    assert apart < 1e-3


def test_a_save_costs_what_its_steps_took_longer_the_slowed_down_ones_included():
    plain, save, slowed = 1.0, 3.0, 1.5
    steps = [plain + save, *[slowed] * 4, *[plain] * 5] * 2
    found = train_costs.stall(steps, 10, 10)
    assert found.step_s == plain
    assert found.lost_s == pytest.approx((5.0, 5.0))
    assert found.shares == pytest.approx([5.0 / 100] * 2)


def test_only_saves_whose_steps_were_all_seen_count():
    assert train_costs.stall([1.0] * 3 + [5.0] + [1.0] * 9 + [3.0], 17, 10).lost_s == pytest.approx((4.0,))


def test_weights_differ_relative_to_their_own_size():
    one = {"small": np.array([3e-3, 0.0]), "large": np.array([8.0, 6.0])}
    other = {"small": np.array([3e-3, 4e-3]), "large": np.array([8.0, 6.3])}
    assert train_layouts.relative_difference(other, one) == pytest.approx(0.03, rel=1e-3)
    assert train_layouts.relative_difference(one, one) == 0


def test_the_products_alone_are_those_of_the_network():
    case = Case()
    multiplied = sum(np.prod(left) * right[-1] for left, right in matrix_products.products(case))
    length, inner = case.tokens + 1, 12 * case.width**2
    of_weights = case.depth * inner * length + case.tokens * case.width * (case.width + case.vocabulary)
    of_attention = case.depth * 2 * length**2 * case.width
    assert multiplied == case.batch * (of_weights + of_attention)
