"""Makes what the figures of the decoder are measured on: trained by our Trainer, as LiteRT in float and in int8.

Runs by `components.process`, since TensorFlow's converter may abort the process that it runs in.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import pathlib
import tempfile
import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks import emoji_decoder_case
from benchmarks.emoji_decoder_case import Case
from components import process
from components.compression import convert
from components.retraining import fine_tuning
from components.retraining.config import RetrainingConfig
from components.retraining.fine_tuning import Retrained
from components.tokenization import vocabulary
from components.tokenization.config import TokenizationConfig
from components.training import network
from components.training.config import GptConfig, TrainingConfig
from components.training.examples import Examples
from components.training.loop import Trainer
from components.transform.config import TransformConfig
from serving import sequence
from serving.instance import Instance
from serving.litert import SIGNATURE, Encoder, Request, Runner
from serving.manifest import TOKENIZER_FILE, Manifest, ModelFormat

VARIANT = "dynamic_wi8_afp32"
SPARSITY = 0.5
_TIMED = 16
_BUDGETS = TransformConfig()
_TOKENS = sequence.length(_BUDGETS.text_tokens, _BUDGETS.code_tokens)


def make(job: dict[str, Any]) -> None:
    """Writes, into `folder`: `float.tflite`, `int8.tflite`, where the case asks for it `pruned.tflite` (in int8); `inputs.npz`
    to time them with; `facts.json`.

    Args:
        job: `case`, `seed`, `folder`, which exists.
    """
    case, folder = Case(**job["case"]), pathlib.Path(job["folder"])
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name:
        aside = pathlib.Path(name)
        rows = emoji_decoder_case.rows(case)
        encoder = _encoder(rows, case, aside)
        learnt_from, judged_on = (_requests(encoder, rows, split) for split in ("train", "eval"))
        judged_on = judged_on[: case.held_out]
        splits = _examples(learnt_from), _examples(judged_on)
        model = _trained(case, job["seed"], splits, aside / "training")
        float_model = _litert(model, aside / "model")
        models = {"float": float_model, "int8": convert.quantize(float_model, VARIANT)}
        sparsity = 0.0
        if case.pruning_steps:
            pruned = _pruned(model, case, job["seed"], splits, aside / "pruning")
            models["pruned"] = convert.quantize(_litert(pruned.model, aside / "pruned"), VARIANT)
            sparsity = pruned.sparsity
    for name, content in models.items():
        (folder / f"{name}.tflite").write_bytes(content)
    inputs = [request.inputs() for request in judged_on[:_TIMED]]
    np.savez(folder / "inputs.npz", **{name: np.stack([row[name] for row in inputs]) for name in inputs[0]})
    bits = {name: _bits(folder / f"{name}.tflite", judged_on) for name in models}
    size = sum(request.text_bytes + request.code_bytes for request in judged_on)
    rises = bits["int8"] - bits["float"]
    facts = {
        "parameters": model.count_params(),
        "tokens": _TOKENS - 1,
        "held_out": len(judged_on),
        "bits_per_byte": {name: float(values.sum() / size) for name, values in bits.items()},
        "xz_bytes": {name: len(lzma.compress(content)) for name, content in models.items()},
        "zlib_bytes": {name: len(zlib.compress(content, 9)) for name, content in models.items()},
        "sparsity": sparsity,
        "rise_error_percent": float(100 * rises.std() * math.sqrt(len(rises)) / bits["float"].sum()),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def _encoder(rows: Sequence[dict[str, Any]], case: Case, aside: pathlib.Path) -> Encoder:
    """What makes ids of samples, with a vocabulary learnt from those of the training split."""
    config = TokenizationConfig(vocabulary_size=case.vocabulary)
    (aside / TOKENIZER_FILE).write_bytes(vocabulary.learn(rows, config))
    manifest = Manifest(
        format=ModelFormat.LITERT,
        architecture="gpt",
        parameters=0,
        text_tokens=_BUDGETS.text_tokens,
        code_tokens=_BUDGETS.code_tokens,
        image_size=_BUDGETS.image_size,
        weights_digest="",
    )
    return Encoder(aside, manifest)


def _requests(encoder: Encoder, rows: Sequence[dict[str, Any]], split: str) -> list[Request]:
    """Of a split, in an order that has nothing to do with what the samples are."""
    chosen = [row for row in rows if row["split"] == split and (row["text"] or row["code"])]
    chosen.sort(key=lambda row: hashlib.sha256(row["sample_id"].encode()).digest())
    return [encoder.encode(Instance(row["text"], row["image"], row["code"])) for row in chosen]


def _training(case: Case) -> TrainingConfig:
    return TrainingConfig(
        gpt=GptConfig(width=case.width, depth=case.depth, heads=case.heads),
        steps=case.steps,
        batch_size=case.batch,
        learning_rate=case.learning_rate,
        evaluate_every_steps=case.steps,
        checkpoint_every_steps=case.steps,
        curve_samples=1,
        written_samples=0,
    )


def _trained(case: Case, seed: int, splits: tuple[Examples, Examples], directory: pathlib.Path) -> keras.Model:
    directory.mkdir()
    trainer = Trainer(_training(case), _BUDGETS, vocabulary=case.vocabulary, seed=seed)
    trainer.fit(*splits, directory)
    return trainer.served()


def _pruned(
    model: keras.Model, case: Case, seed: int, splits: tuple[Examples, Examples], directory: pathlib.Path
) -> Retrained:
    directory.mkdir()
    return fine_tuning.fine_tune(
        model,
        *splits,
        RetrainingConfig(steps=case.pruning_steps, learning_rate=case.learning_rate / 4, sparsity=SPARSITY),
        training=_training(case),
        budgets=_BUDGETS,
        vocabulary=case.vocabulary,
        seed=seed + 1,
        directory=directory,
    )


def _examples(requests: Sequence[Request]) -> Examples:
    count = len(requests)
    return Examples(
        ids=np.stack([request.ids for request in requests]),
        segments=np.stack([request.segments for request in requests]).astype(np.int8),
        sizes=np.array([[request.text_bytes, request.code_bytes] for request in requests]),
        images=np.stack([np.rint(255 * request.image).astype(np.uint8) for request in requests]),
        has_image=np.array([request.has_image for request in requests], np.float32),
        weights=np.ones(count, np.float32),
        keys=np.arange(count, dtype=np.int64),
        flips=np.zeros(count, np.bool_),
        names=np.array([f"{number:08d}".encode() for number in range(count)]),
    )


def _litert(model: keras.Model, directory: pathlib.Path) -> bytes:
    """The float LiteRT model, by way of the one signature of an export that it is made of."""
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    size = _BUDGETS.image_size
    module.score_tokens = tf.function(
        lambda ids, image, has_image: {"nll": network.token_nll(model, ids, image, has_image)},
        input_signature=[
            tf.TensorSpec([1, _TOKENS], tf.int32, "ids"),
            tf.TensorSpec([1, size, size, 3], tf.float32, "image"),
            tf.TensorSpec([1], tf.float32, "has_image"),
        ],
    )
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE: module.score_tokens})
    return convert.to_litert(directory)


def _bits(model: pathlib.Path, requests: Sequence[Request]) -> npt.NDArray[np.float64]:
    """What the text and the code of each sample take, float64 `[samples]`."""
    run = Runner(model)
    nats = [run(request)[request.segments != sequence.NONE_SEGMENT].sum(dtype=np.float64) for request in requests]
    return np.array(nats) / math.log(2)


if __name__ == "__main__":
    process.main(make)
