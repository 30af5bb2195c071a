"""A training without a measurement and an export, in processes of its own: what the tests of strategies start."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from components import process
from components.training import cluster, examples, strategies
from components.training.config import TrainingConfig
from components.training.loop import Trainer
from schemas.config import from_json
from tests.fixtures.transformed import BUDGETS

MODULE = "tests.components.training.trainer_alone"


def train(job: dict[str, Any]) -> None:
    """Trains as `components.training.main` does, and writes the weights by name to `directory/weights.npz`."""
    config = from_json(TrainingConfig, job["config"])
    workers = cluster.read(os.environ)
    strategy = strategies.configure(config)
    split = examples.load(job["train"], BUDGETS)
    is_chief = workers is None or workers.is_chief
    trainer = Trainer(config, BUDGETS, vocabulary=512, seed=0, strategy=strategy, is_chief=is_chief)
    directory = pathlib.Path(job["directory"])
    trainer.fit(split, split, directory)
    if is_chief:
        weights = {weight.path.replace("/", "."): weight.numpy() for weight in trainer.served().weights}
        np.savez(directory / "weights.npz", **weights)


if __name__ == "__main__":
    process.main(train)
