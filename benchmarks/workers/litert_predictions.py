"""The plain loop: a LiteRT model of the default network's size predicts one sequence after another, on one thread.

Its weights are not trained: what a prediction costs does not depend on them.
"""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks import worker
from components.training import network
from components.training.config import GptConfig
from components.training.gpt import Gpt
from components.transform.config import TransformConfig
from serving import sequence
from serving.litert import SIGNATURE, Request, Runner

_VOCABULARY = 2048
_DISTINCT = 16


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Converts the network, and makes up the sequences."""
    budget = TransformConfig()
    length, size = sequence.length(budget.text_tokens, budget.code_tokens), budget.image_size
    keras.utils.set_random_seed(arguments["seed"])
    model = Gpt(GptConfig(), vocabulary=_VOCABULARY, tokens=length, image_size=size)
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.score = tf.function(
        lambda ids, image, has_image: {"nll": network.token_nll(model, ids, image, has_image)},
        input_signature=[
            tf.TensorSpec([1, length], tf.int32, "ids"),
            tf.TensorSpec([1, size, size, 3], tf.float32, "image"),
            tf.TensorSpec([1], tf.float32, "has_image"),
        ],
    )
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures={SIGNATURE: module.score})
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[SIGNATURE])
        path = pathlib.Path(directory, "model.tflite")
        path.write_bytes(converter.convert())
        runner = Runner(path)
    random = np.random.default_rng(arguments["seed"])
    requests = [_request(length, size, random) for _ in range(_DISTINCT)]

    def work() -> dict[str, Any]:
        for number in range(arguments["predictions"]):
            runner(requests[number % _DISTINCT])
        return {"predictions": arguments["predictions"]}

    return work


def _request(length: int, size: int, random: np.random.Generator) -> Request:
    ids = random.integers(sequence.CODE + 1, _VOCABULARY, length).astype(np.int32)
    image = random.random((size, size, 3)).astype(np.float32)
    return Request(ids, np.ones(length, np.int32), image, True, length, length)


if __name__ == "__main__":
    worker.serve(prepare)
