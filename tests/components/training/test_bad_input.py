"""What cannot be trained on is told before the first step."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pydantic
import pytest
import tensorflow as tf

from components import process
from components.training import examples, loop, strategies
from components.training.config import GptConfig, TrainingConfig
from schemas.errors import ConfigError, IntegrityError, SourceError
from tests.components.training import trainer_alone
from tests.fixtures import transformed

CONFIG = TrainingConfig(gpt=GptConfig(width=16, depth=1, heads=2), steps=1, batch_size=2)


@pytest.fixture(scope="module")
def split() -> examples.Examples:
    return examples.load(str(transformed.made().examples / "Split-train"), transformed.BUDGETS)


def fit(split: examples.Examples, directory: pathlib.Path, **changes: Any) -> None:
    trainer = loop.Trainer(CONFIG, transformed.BUDGETS, **{"vocabulary": 512, "seed": 0, **changes})
    trainer.fit(split, split, directory)


def test_tokens_beyond_the_vocabulary(split: examples.Examples, tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match=r"token \d+ is beyond the vocabulary of 100"):
        fit(split, tmp_path, vocabulary=100)


def test_sequences_longer_than_the_network_takes(split: examples.Examples, tmp_path: pathlib.Path) -> None:
    longer = dataclasses.replace(split, ids=np.pad(split.ids, [(0, 0), (0, 1)]))
    with pytest.raises(IntegrityError, match=r"sequences of 36 tokens are longer than the 35"):
        fit(longer, tmp_path)
    assert not list(tmp_path.glob("**/ckpt-*"))


def test_a_split_without_samples(tmp_path: pathlib.Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "empty.gz"), "GZIP"):
        pass
    with pytest.raises(SourceError, match="no examples"):
        examples.load(str(tmp_path), transformed.BUDGETS)


def test_a_batch_that_cannot_be_shared_out() -> None:
    with pytest.raises(pydantic.ValidationError, match="devices must divide batch_size: 8 is no multiple of 3"):
        TrainingConfig(strategy="mirrored", devices=3)
    with pytest.raises(pydantic.ValidationError, match="workers must divide batch_size: 8 is no multiple of 3"):
        TrainingConfig(strategy="multi_worker", workers=3)
    with pytest.raises(pydantic.ValidationError, match="workers must be 1 where strategy is none"):
        TrainingConfig(workers=2)


def test_a_strategy_that_this_machine_cannot_run() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there are GPUs here")
    with pytest.raises(ConfigError, match="NCCL sums gradients between GPUs, and there is none"):
        strategies.configure(TrainingConfig(strategy="multi_worker", communication="nccl"))


def test_a_model_that_is_neither_ours_nor_named_by_module_and_function() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"neither gpt nor of the form package\.module:function"):
        TrainingConfig(model="resnet")


def test_a_tf_config_that_is_malformed(tmp_path: pathlib.Path) -> None:
    job = {"config": json.dumps({"strategy": "multi_worker"}), "train": "nowhere", "directory": str(tmp_path)}
    with pytest.raises(ConfigError) as caught:
        process.run(trainer_alone.MODULE, job, node="Train", environment={"TF_CONFIG": '{"cluster": '})
    assert caught.value.where == "TF_CONFIG"
