"""Several devices train as one does."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from components import process
from components.training.config import TrainingConfig
from schemas.config import from_json
from tests.components.training import trainer_alone
from tests.fixtures import transformed

# The gradient is clipped at every step, and by much.
SMALL: dict[str, Any] = {
    "gpt": {"width": 16, "depth": 2, "heads": 2},
    "steps": 20,
    "batch_size": 6,
    "warmup_steps": 2,
    "clip_norm": 0.05,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Any:
    paths = transformed.made()

    def of(**changes: Any) -> dict[str, np.ndarray]:
        directory: pathlib.Path = tmp_path_factory.mktemp("training")
        job = {
            "config": json.dumps(SMALL | changes),
            "train": str(paths.examples / "Split-train"),
            "vocabulary": 512,
            "directory": str(directory),
        }
        from_json(TrainingConfig, job["config"])
        process.run(trainer_alone.MODULE, job, node="Train")
        return dict(np.load(directory / "weights.npz"))

    return of


def test_two_mirrored_devices_are_one(weights: Any) -> None:
    alone, mirrored = weights(), weights(strategy="mirrored", devices=2)
    assert mirrored.keys() == alone.keys()
    for name, value in alone.items():
        np.testing.assert_allclose(mirrored[name], value, rtol=0, atol=1e-6, err_msg=name)
