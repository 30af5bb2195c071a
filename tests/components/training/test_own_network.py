"""A network of one's own, through the node Train: found from its process, trained on two devices, served as judged."""

from __future__ import annotations

import inspect
import math
import pathlib
import sys
from typing import Any

import keras
import pytest
from tfx.types import channel, standard_artifacts
from tfx.utils import path_utils

from components.training import report
from components.training.component import Train
from components.training.config import TrainingConfig
from components.training.executor import Executor
from components.training.network import Shape
from schemas import artifacts, tables
from schemas.errors import ConfigError
from serving import model as models
from serving import sequence
from serving.instance import Instance
from serving.manifest import Manifest
from tests.fixtures import exports, own_network, transformed

CONFIG: dict[str, Any] = {
    "model": "networks_of_a_test:build_with_dropout",
    "steps": 20,
    "batch_size": 6,
    "warmup_steps": 2,
    "learning_rate": 0.02,
    "evaluate_every_steps": 10,
    "curve_samples": 12,
}


@pytest.fixture
def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The directory that the command is typed in, with the user's networks."""
    (tmp_path / "networks_of_a_test.py").write_text(inspect.getsource(own_network))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return tmp_path


def trained(project: pathlib.Path, **changes: Any) -> dict[str, list[Any]]:
    paths = transformed.made()
    split = exports.made(standard_artifacts.Examples, paths.examples)
    split.split_names = '["train", "eval"]'
    inputs = {
        "examples": [split],
        "transform_graph": [exports.made(standard_artifacts.TransformGraph, paths.graph)],
        "tokenizer": [exports.made(artifacts.Tokenizer, paths.tokenizer)],
        "anomalies": [exports.made(standard_artifacts.ExampleAnomalies, project / "anomalies")],
    }
    spec = Train.SPEC_CLASS
    outputs = {name: [exports.made(one.type, project / "out" / name)] for name, one in spec.OUTPUTS.items()}
    component = Train(
        **{name: channel.Channel(type=one.type) for name, one in spec.INPUTS.items()},
        config=TrainingConfig(**CONFIG | changes),
        budgets=transformed.BUDGETS,
        seed=3,
    )
    Executor().Do(inputs, outputs, dict(component.exec_properties))
    return outputs


def test_it_trains_from_given_weights_on_two_devices_and_serves_as_it_was_judged(project: pathlib.Path) -> None:
    budgets = transformed.BUDGETS
    tokens = sequence.length(budgets.text_tokens, budgets.code_tokens)
    keras.utils.set_random_seed(7)
    start = own_network.build_with_dropout(Shape(512, tokens, budgets.image_size))
    start.save_weights(project / "start.weights.h5")
    outputs = trained(project, weights="start.weights.h5", strategy="mirrored", devices=2, accumulate_steps=2)

    told = report.Report.read(outputs["model_run"][0].uri)
    directory = pathlib.Path(path_utils.serving_model_path(outputs["model"][0].uri))
    manifest = Manifest.read(directory)
    assert manifest.architecture == told.architecture == CONFIG["model"]
    assert manifest.weights_digest == told.weights_digest
    assert manifest.parameters == told.parameters == start.count_params()
    rows = [row for row in tables.rows(transformed.made().samples) if row["split"] == "eval"]
    scores = models.load(directory).score([Instance(row["text"], row["image"], row["code"]) for row in rows])
    nll = sum(score.text_nll + score.code_nll for score in scores)
    size = sum(score.text_bytes + score.code_bytes for score in scores)
    assert nll / math.log(2) / size == pytest.approx(told.bits_per_byte, abs=1e-4)
    points = list(report.Curve(pathlib.Path(outputs["model_run"][0].uri, report.CURVE_FILE_NAME)).points())
    assert points[-1].held_out_bits_per_byte < points[0].held_out_bits_per_byte


def test_what_is_wrong_with_it_comes_back_from_its_process_in_words(project: pathlib.Path) -> None:
    with (project / "networks_of_a_test.py").open("a") as file:
        file.write("\n\ndef ahead(shape):\n    ids = keras.Input([None], dtype='int32', name='ids')\n")
        file.write(
            "    hidden = keras.layers.Conv1D(8, 3, padding='same')(keras.layers.Embedding(shape.vocabulary, 8)(ids))\n"
        )
        file.write("    return keras.Model({'ids': ids}, keras.layers.Dense(shape.vocabulary)(hidden))\n")
    sys.modules.pop("networks_of_a_test", None)
    with pytest.raises(ConfigError, match="looks ahead") as caught:
        trained(project, model="networks_of_a_test:ahead")
    assert caught.value.where == "training.model: networks_of_a_test:ahead"
