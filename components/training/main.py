"""The process that trains: `python -m components.training.main JOB.json`, started by the node Train.

TensorFlow is told about devices and determinism before it starts, which a process that has used it cannot do.
"""

from __future__ import annotations

import os
import pathlib
import time
from typing import Any

import sentencepiece
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations)

from components import process
from components.augmentation.image.config import ImageAugmentation
from components.training import cluster, examples, export, measuring, ngrams, strategies
from components.training.config import TrainingConfig
from components.training.examples import Examples
from components.training.loop import NODE, Trainer
from components.training.report import Report
from components.training.scoring import Scorer
from components.transform.config import TransformConfig
from schemas import progress
from schemas.config import from_json
from serving import sequence


def train(job: dict[str, Any]) -> None:
    """Trains, measures, exports.

    Args:
        job: `config`, `budgets`, `variation` (JSON; the last may be empty), `seed`; `train`, `eval` (directories of transformed examples);
            `transform_graph`, `tokenizer` (paths); `directory` (of the training's state); `output` (made here: `model`,
            `report.json`, and the last checkpoint's prefix in `checkpoint.txt`).
    """
    began = time.monotonic()
    config, budgets = from_json(TrainingConfig, job["config"]), from_json(TransformConfig, job["budgets"])
    workers = cluster.read(os.environ) if config.strategy == "multi_worker" else None
    strategy = strategies.configure(config)
    directory, output = pathlib.Path(job["directory"]), pathlib.Path(job["output"])
    progress.start(NODE, "reading examples")
    variation = from_json(ImageAugmentation, job["variation"]) if job["variation"] else None
    train_split, eval_split = (examples.load(job[split], budgets, variation) for split in ("train", "eval"))
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=job["tokenizer"])
    trainer = Trainer(
        config,
        budgets,
        vocabulary=tokenizer.get_piece_size(),
        seed=job["seed"],
        variation=variation,
        strategy=strategy,
        is_chief=workers is None or workers.is_chief,
        decode=tokenizer.decode,
    )
    trained = trainer.fit(train_split, eval_split, directory)
    if not trainer.is_chief:
        return
    output.mkdir(parents=True)
    progress.start(NODE, "measuring held-out loss")
    model = trainer.served()
    scorer = Scorer(model, budgets.image_size)
    nll = scorer.token_nll(eval_split)
    effect = measuring.image_effect(scorer.token_nll, nll, eval_split, seed=job["seed"])
    seen, held_out = (_documents(split, tokenizer) for split in (train_split, eval_split))
    trigram = ngrams.KneserNey3.fit(seen).bits_per_byte(held_out)
    progress.start(NODE, "exporting")
    export.export(
        output / "model",
        model,
        architecture=config.model,
        transform_graph=job["transform_graph"],
        tokenizer=job["tokenizer"],
        budget=budgets,
    )
    (output / "checkpoint.txt").write_text(trained.checkpoint)
    Report(
        architecture=config.model,
        parameters=model.count_params(),
        steps=config.steps,
        seconds=round(time.monotonic() - began, 3),
        tokens_per_s=trained.tokens_per_s,
        padding=trained.padding,
        resumed_from_step=trained.resumed_from_step,
        notes=trained.notes,
        weights_digest=export.weights_digest(model),
        bits_per_byte=measuring.bits_per_byte(nll, eval_split),
        unigram_bits_per_byte=ngrams.unigram_bits_per_byte(seen, held_out),
        trigram_bits_per_byte=trigram,
        image_effect=effect,
        train_samples=len(train_split),
        eval_samples=len(eval_split),
    ).write(output)


def _documents(split: Examples, tokenizer: sentencepiece.SentencePieceProcessor) -> list[bytes]:
    """The very bytes that the model predicts, each text and each code as one document."""
    documents = []
    for ids, segments, sizes in zip(split.ids, split.segments, split.sizes, strict=True):
        for segment, size in zip((sequence.TEXT_SEGMENT, sequence.CODE_SEGMENT), sizes, strict=True):
            text = tokenizer.decode(ids[segments == segment].tolist())
            documents.append(text.encode()[:size])
    return [document for document in documents if document]


if __name__ == "__main__":
    process.main(train)
