"""What the benchmark of evaluation simulates, and that it answers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import gate_quality
from components.evaluation.examples import BITS, BYTES, CHANGE, Examples
from components.evaluation.report import OVERALL, Slice

COUNT = 600
CODE = Slice.of(modality="code")


@pytest.fixture(scope="module")
def predictions():
    """Two equally good models of examples in pairs, text and code."""
    random = np.random.Generator(np.random.Philox(key=[0, 0]))
    sizes = random.integers(20, 200, COUNT).astype(float)
    quantities = {
        name: np.stack([np.ones(COUNT), sizes, 2 * sizes * random.normal(1, 0.05, COUNT), np.zeros(COUNT)], axis=1)
        for name in ("served", "baseline")
    }
    examples = Examples(
        tuple(f"s{n // 2}" for n in range(COUNT)),
        {"modality": ("text", "code") * (COUNT // 2)},
        np.arange(COUNT) // 2,
        quantities,
        {},
    )
    return examples, {OVERALL: np.arange(COUNT), CODE: np.arange(1, COUNT, 2)}


def test_a_resample_keeps_pairs_together_and_takes_sides_at_random(predictions) -> None:
    examples, members = predictions
    drawn = gate_quality.draw(examples, members, np.random.default_rng(0))
    ids = drawn.examples.sample_ids
    assert ids[::2] == ids[1::2] and 150 < len(set(ids)) < 220
    assert set(drawn.members[CODE]) == set(range(1, COUNT, 2))
    totals = [
        gate_quality.draw(examples, members, np.random.default_rng(seed)).examples.quantities[CHANGE][:, BITS].sum()
        for seed in range(40)
    ]
    assert 10 <= sum(total > 0 for total in totals) <= 30


def test_a_regression_is_on_its_slice_alone_and_is_caught(predictions) -> None:
    examples, members = predictions
    drawn = gate_quality.draw(examples, members, np.random.default_rng(0))
    worse = gate_quality.worse(drawn, CODE, 0.05)
    before, after = drawn.examples.quantities[CHANGE], worse.examples.quantities[CHANGE]
    assert (before[::2] == after[::2]).all() and (after[1::2, BITS] > before[1::2, BITS]).all()
    added = (after - before)[1::2, BITS].sum() / after[1::2, BYTES].sum()
    assert added == pytest.approx(0.05 * 2, rel=0.05)
    assert CODE in gate_quality.broken(worse) and gate_quality.broken(drawn) == []
