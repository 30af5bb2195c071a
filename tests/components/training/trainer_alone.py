"""A training without a measurement and an export, in a process of its own: what the tests of strategies start."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from components import process
from components.training import examples, strategies
from components.training.config import TrainingConfig
from components.training.loop import Trainer
from schemas.config import from_json
from tests.fixtures.transformed import BUDGETS

MODULE = "tests.components.training.trainer_alone"


def train(job: dict[str, Any]) -> None:
    """Trains as `components.training.main` does, and writes the weights by name to `directory/weights.npz`."""
    config = from_json(TrainingConfig, job["config"])
    strategy = strategies.configure(config)
    split = examples.load(job["train"], BUDGETS)
    trainer = Trainer(config, BUDGETS, vocabulary=job["vocabulary"], seed=0, strategy=strategy)
    directory = pathlib.Path(job["directory"])
    trainer.fit(split, split, directory)
    np.savez(
        directory / "weights.npz",
        **{w.path.replace("/", "."): strategies.local(w).numpy() for w in trainer.model.weights},
    )


if __name__ == "__main__":
    process.main(train)
