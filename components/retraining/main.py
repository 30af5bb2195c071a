"""The process that trains on: `python -m components.retraining.main JOB.json`, started by the node FineTune."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any

import keras
import sentencepiece
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations)

from components import process
from components.retraining.config import RetrainingConfig
from components.retraining.fine_tuning import NODE, fine_tune
from components.retraining.report import Report
from components.training import architectures, examples, export, measuring, strategies
from components.training.config import TrainingConfig
from components.training.network import Shape
from components.training.scoring import Scorer
from components.transform.config import TransformConfig
from schemas import progress
from schemas.config import from_json
from schemas.errors import IntegrityError
from serving import sequence


def train(job: dict[str, Any]) -> None:
    """Reads the network, has it learn on, measures and exports it.

    Args:
        job: `source` (directory of the SavedModel); `config`, `training`, `budgets` (JSON), `seed`; `train`, `eval`
            (directories of transformed examples); `transform_graph`, `tokenizer` (paths); `directory` (of the training's
            state); `output` (made here: `model` and `report.json`).
    """
    config, budgets = from_json(RetrainingConfig, job["config"]), from_json(TransformConfig, job["budgets"])
    training = dataclasses.replace(
        from_json(TrainingConfig, job["training"]), strategy="none", devices=1, workers=1, weights=None
    )
    strategies.configure(training)
    progress.start(NODE, "reading examples")
    train_split, eval_split = (examples.load(job[split], budgets, None) for split in ("train", "eval"))
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=job["tokenizer"]).get_piece_size()
    tokens = sequence.length(budgets.text_tokens, budgets.code_tokens)
    model = network_of(job["source"], training, Shape(vocabulary, tokens, budgets.image_size))
    before = _bits_per_byte(model, eval_split, budgets)
    directory, output = pathlib.Path(job["directory"]), pathlib.Path(job["output"])
    # Another seed than the training's, which would bring the samples in the very same order once more.
    tuned = fine_tune(
        model,
        train_split,
        eval_split,
        config,
        training=training,
        budgets=budgets,
        vocabulary=vocabulary,
        seed=job["seed"] + 1,
        directory=directory,
    )
    output.mkdir(parents=True)
    progress.start(NODE, "exporting")
    export.export(
        output / "model",
        tuned.model,
        architecture=training.model,
        transform_graph=job["transform_graph"],
        tokenizer=job["tokenizer"],
        budget=budgets,
    )
    Report(
        parameters=tuned.model.count_params(),
        steps=config.steps,
        weight_bits=config.weight_bits,
        sparsity=tuned.sparsity,
        resumed_from_step=tuned.trained.resumed_from_step,
        notes=tuned.trained.notes,
        weights_digest=export.weights_digest(tuned.model),
        before_bits_per_byte=before,
        bits_per_byte=_bits_per_byte(tuned.model, eval_split, budgets),
    ).write(output)


def network_of(source: str | os.PathLike[str], training: TrainingConfig, shape: Shape) -> keras.Model:
    """The network that a SavedModel of `components.training.export` was made of, with its weights.

    Raises:
        IntegrityError: it is of another network than the configuration describes.
    """
    with architectures.precision("float32"):
        model = architectures.build(training, shape)
    values = list(tf.saved_model.load(os.fspath(source)).weights)
    if [tuple(value.shape) for value in values] != [tuple(variable.shape) for variable in model.variables]:
        raise IntegrityError(
            "the model holds the weights of another network than the configuration describes",
            where=os.fspath(source),
            remedy="run Train again with this configuration",
        )
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)
    return model


def _bits_per_byte(model: keras.Model, split: examples.Examples, budgets: TransformConfig) -> float:
    return measuring.bits_per_byte(Scorer(model, budgets.image_size).token_nll(split), split)


if __name__ == "__main__":
    process.main(train)
