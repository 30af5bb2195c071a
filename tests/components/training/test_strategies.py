"""However the work is spread, the weights are those of one device."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components import process
from components.training import launcher
from components.training.config import TrainingConfig
from schemas.config import from_json
from tests.components.training import trainer_alone
from tests.fixtures import transformed

# The gradient is clipped at every step, and by much; and a good part of the activations is dropped.
SMALL: dict[str, Any] = {
    "gpt": {"width": 16, "depth": 2, "heads": 2, "dropout": 0.2},
    "steps": 20,
    "batch_size": 6,
    "warmup_steps": 2,
    "clip_norm": 0.05,
    "checkpoint_every_steps": 10,
    "written_samples": 0,
}
Weights = dict[str, np.ndarray]
Train = Callable[..., Weights]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    paths = transformed.made()

    def run(directory: pathlib.Path | None = None, **changes: Any) -> Weights:
        directory = directory or tmp_path_factory.mktemp("training")
        told = json.dumps(SMALL | changes)
        config = from_json(TrainingConfig, told)
        job = {"config": told, "train": str(paths.examples / "Split-train"), "directory": str(directory)}
        if config.strategy == "multi_worker":
            launcher.run(trainer_alone.MODULE, job, workers=config.workers, node="Train")
        else:
            process.run(trainer_alone.MODULE, job, node="Train")
        return dict(np.load(directory / "weights.npz"))

    return run


@pytest.fixture(scope="module")
def alone(train: Train) -> Weights:
    return train()


def assert_same(weights: Weights, expected: Weights, *, within: float = 1e-6) -> None:
    assert weights.keys() == expected.keys()
    differences = {name: weights[name] - value for name, value in expected.items()}
    for name, difference in differences.items():
        assert np.abs(difference).max() <= within, name
    assert _norm(differences) <= within * _norm(expected)


def _norm(values: Weights) -> float:
    return float(np.sqrt(sum(np.square(value, dtype=np.float64).sum() for value in values.values())))


@pytest.mark.parametrize(
    "layout",
    [
        {"strategy": "mirrored", "devices": 2},
        {"batch_size": 2, "accumulate_steps": 3, "recompute": True},
        {"batch_size": 3, "accumulate_steps": 2, "strategy": "mirrored", "devices": 3},
    ],
    ids=["mirrored", "accumulated and recomputed", "mirrored and accumulated"],
)
def test_in_any_layout_the_weights_are_those_of_one_device(
    train: Train, alone: Weights, layout: dict[str, Any]
) -> None:
    assert_same(train(**layout), alone)


def test_two_workers_are_one_device_and_another_number_goes_on_from_where_they_were(
    train: Train, alone: Weights, tmp_path: pathlib.Path
) -> None:
    assert_same(train(tmp_path, strategy="multi_worker", workers=2), alone)
    for path in tmp_path.glob("checkpoints/ckpt-20.*"):
        path.unlink()
    assert_same(train(tmp_path, strategy="mirrored", devices=3), alone)


def test_compiled_by_xla_the_weights_are_nearly_the_same_and_in_any_layout_equal(train: Train, alone: Weights) -> None:
    compiled = train(xla=True)
    assert_same(compiled, alone, within=1e-5)
    assert_same(train(xla=True, strategy="mirrored", devices=2), compiled)


def test_packed_rows_are_spread_over_devices_likewise(train: Train) -> None:
    packed = {"batching": "packed", "batch_size": 2}
    assert_same(train(**packed, strategy="mirrored", devices=2), train(**packed))
