"""Spikes are told from what comes before them, and the loss scale goes down where a gradient overflows, on all devices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components import process
from components.training.config import SpikesConfig
from components.training.guards import LossScale, SpikeDetector
from tests.components.training import overflowing


def judged(losses: list[float], *, norm: float = 1.0) -> list[bool]:
    detector = SpikeDetector(SpikesConfig(history=10, deviations=5))
    return [detector.judge(loss, norm) is not None for loss in losses]


CALM = [2.0, 2.1, 1.9, 2.0, 2.2, 1.8, 2.0, 2.1, 1.9, 2.0]


@pytest.mark.parametrize(
    "losses, spikes",
    [
        ([*CALM, 9.0, 2.0], [10]),
        ([*CALM, 2.3, 1.2], []),
        ([5.0, 50.0, 1.0], []),
        ([math.nan, 2.0, math.inf], [0, 2]),
        ([2.0] * 12 + [2.1, 2.3], [13]),
    ],
    ids=["far above", "a little above or below", "no history yet", "no number", "flat"],
)
def test_a_spike_is_far_above_the_steps_before(losses, spikes):
    assert [place for place, spike in enumerate(judged(losses)) if spike] == spikes


def test_a_gradient_norm_may_spike_alone_and_a_spike_is_not_remembered():
    detector = SpikeDetector(SpikesConfig(history=10, deviations=5))
    for loss in CALM:
        assert detector.judge(loss, loss) is None
    before = detector.state.copy()
    assert "gradient norm is 40" in str(detector.judge(2.0, 40.0))
    np.testing.assert_array_equal(detector.state, before)
    assert detector.judge(2.0, 2.0) is None


def test_the_loss_scale_is_halved_by_an_overflow_and_doubled_after_two_thousand_good_steps():
    scale = LossScale(used=True)
    assert scale.overflowed() and scale.value == 2.0**14
    for _ in range(1999):
        scale.held()
    assert scale.value == 2.0**14
    scale.held()
    assert scale.value == 2.0**15
    while scale.overflowed():
        pass
    assert scale.value == 1.0
    assert not LossScale(used=False).overflowed()


def test_one_device_that_overflows_ruins_no_weights_as_it_does_with_keras(tmp_path):
    """See docs/decisions/012-training.md; where Keras's ruins none any more, ours may be done without."""
    process.run(overflowing.MODULE, {"directory": str(tmp_path)}, node="Train")
    found = dict(np.load(tmp_path / "weights.npz"))
    assert not np.isfinite(found["norm"]) and np.isfinite(found["loss"])
    assert np.isfinite(found["ours"]).all() and not np.array_equal(found["ours"], found["first"])
    assert not np.isfinite(found["keras"]).all()
