"""Ours: the real `Trainer`, with its curve, its logs and its checkpoints, stopped and let go on between two steps.

This is the one place where the benchmarks of training know the Trainer's interface.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import gpt_case, worker
from benchmarks.gpt_case import Case
from components.training import cluster, strategies
from components.training.config import TrainingConfig
from components.training.examples import Examples
from components.training.loop import Trainer
from components.training.report import Curve
from components.training.sampler import Sampler
from components.transform.config import TransformConfig
from schemas import progress
from schemas.config import from_json
from serving import sequence

_SAMPLES = 1024
_HELD_OUT = 16
_PATCH = 8  # an image is one patch, which stands before the tokens
_FOLLOWS = 0.7  # how often a token is followed by the one that its table says


class StoppedError(Exception):
    """No more steps are wanted."""


class Turnstile:
    """Lets a training that runs in another thread do so many steps and no more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._allowed = 0
        self._ended = False
        self.done = 0
        self.times: list[float] = []
        """`time.perf_counter()` when a step was done, from the first on."""
        self.processor_times: list[float] = []
        """`time.process_time()` likewise."""

    def step_done(self, node: str, done: int) -> None:
        """What the training calls in the place of `schemas.progress.update`; returns when it may go on.

        Raises:
            StoppedError: it may not go on any more.
        """
        with self._changed:
            self.done = done
            self.times.append(time.perf_counter())
            self.processor_times.append(time.process_time())
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.done < self._allowed or self._ended)
            if self._ended:
                raise StoppedError

    def let_through(self, steps: int) -> None:
        """So many steps more; returns when they are done.

        Raises:
            StoppedError: the training has ended before.
        """
        with self._changed:
            self._allowed += steps
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.done >= self._allowed or self._ended)
            if self._ended:
                raise StoppedError

    def end(self) -> None:
        """Tells whoever waits, on either side, that there will be no more steps."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def main() -> None:
    """Answers in a thread, since the training needs the main one for its signals."""
    turnstile, trainings = Turnstile(), queue.SimpleQueue[Callable[[], object] | None]()

    def answer() -> None:
        try:
            worker.serve(functools.partial(prepare, turnstile, trainings.put))
        except StoppedError:
            pass  # the main thread says why
        finally:
            turnstile.end()
            trainings.put(None)

    threading.Thread(target=answer).start()
    training = trainings.get()
    if training is None:
        sys.exit(1)
    try:
        training()
    except StoppedError:
        pass
    finally:
        turnstile.end()


def prepare(
    turnstile: Turnstile, start: Callable[[Callable[[], object]], None], arguments: dict[str, Any]
) -> worker.Work:
    """Makes a Trainer, does the compared steps, and writes what the arguments name.

    Args:
        turnstile: what each step goes through.
        start: runs the training, in another thread.
        arguments: `case`, `seed`; `training`, whatever else its section of the configuration says; `folder`, where the
            initial weights and the batches go for the peers, empty for nowhere; `weights`, a file for the weights after
            the compared steps and one more, empty for none.
    """
    case, seed = Case(**arguments["case"]), arguments["seed"]
    config = _config(case, arguments["training"])
    strategy = strategies.configure(config)
    workers = cluster.read(os.environ)
    is_chief = workers is None or workers.is_chief
    half = case.tokens // 2
    trainer = Trainer(
        config,
        TransformConfig(text_tokens=half - 1, code_tokens=case.tokens - half - 1, image_size=_PATCH),
        vocabulary=case.vocabulary,
        seed=seed,
        strategy=strategy,
        is_chief=is_chief,
    )
    examples, held_out = _examples(case, _SAMPLES, seed), _examples(case, _HELD_OUT, seed + 1)
    if arguments["folder"] and is_chief:
        folder = pathlib.Path(arguments["folder"])
        np.savez(folder / gpt_case.WEIGHTS, **_weights(trainer))
        np.save(folder / gpt_case.BATCHES, _batches(case, config, examples, seed))
    progress.update = turnstile.step_done
    aside = tempfile.TemporaryDirectory(prefix="headrace-bench-")
    directory = pathlib.Path(aside.name)
    start(lambda: trainer.fit(examples, held_out, directory))
    # A point of the curve is written after its step was counted, so one step more than is compared.
    turnstile.let_through(case.compared_steps + 1)
    losses = [point.loss for point in Curve(directory / "metrics.jsonl").points()]
    if arguments["weights"] and is_chief:
        np.savez(arguments["weights"], **_weights(trainer))

    def work() -> dict[str, Any]:
        first = len(turnstile.times)
        began, began_processor = time.perf_counter(), time.process_time()
        turnstile.let_through(case.timed_steps)
        assert aside.name  # keeps it until the process ends
        return {
            "items": case.tokens_per_run,
            "losses": losses,
            "step_s": np.diff([began, *turnstile.times[first:]]).tolist(),
            "step_processor_s": np.diff([began_processor, *turnstile.processor_times[first:]]).tolist(),
        }

    return work


def _config(case: Case, training: dict[str, Any]) -> TrainingConfig:
    told = {
        "gpt": {"width": case.width, "depth": case.depth, "heads": case.heads, "patch_size": _PATCH},
        "steps": case.schedule_steps,
        "batch_size": case.batch,
        "learning_rate": case.learning_rate,
        "warmup_steps": case.warmup_steps,
        "final_learning_rate": case.final_learning_rate,
        "weight_decay": case.weight_decay,
        "clip_norm": case.clip_norm,
        "evaluate_every_steps": case.point_steps,
        "curve_samples": 1,
        "written_samples": 0,
        **training,
    }
    return from_json(TrainingConfig, json.dumps(told))


def _examples(case: Case, samples: int, seed: int) -> Examples:
    """Sequences that fill their budget and have something to learn: most tokens follow from the one before."""
    random = np.random.default_rng(seed)
    first = sequence.CODE + 1
    follower = np.random.default_rng(0).permutation(case.vocabulary - first) + first
    ids = random.integers(first, case.vocabulary, [samples, case.tokens + 1])
    for place in range(2, case.tokens + 1):
        follows = random.random(samples) < _FOLLOWS
        ids[follows, place] = follower[ids[follows, place - 1] - first]
    ids[:, 0] = sequence.BOS
    return Examples(
        ids=ids.astype(np.int32),
        segments=np.full(ids.shape, sequence.TEXT_SEGMENT, np.int8),
        sizes=np.tile(np.array([case.tokens, 0], np.int64), [samples, 1]),
        images=np.zeros([samples, _PATCH, _PATCH, 3], np.uint8),
        has_image=np.zeros(samples, np.float32),
        weights=np.ones(samples, np.float32),
        keys=np.arange(samples, dtype=np.int64),
        flips=np.zeros(samples, np.bool_),
        names=np.array([f"{number:08d}".encode() for number in range(samples)]),
    )


def _batches(case: Case, config: TrainingConfig, examples: Examples, seed: int) -> npt.NDArray[np.int32]:
    """The ids of each step, int32 `[steps, batch, tokens + 1]`."""
    rows = config.batch_size * config.accumulate_steps
    sampler = Sampler(examples.lengths(), batch_size=rows, seed=seed)
    return np.stack([examples.ids[sampler.batch(step)] for step in range(case.compared_steps + case.timed_steps)])


def _weights(trainer: Trainer) -> dict[str, npt.NDArray[np.float32]]:
    """The weights by name, as a PyTorch user would name them; matrices are `[in, out]`."""
    return {_name(weight.path): strategies.local(weight).numpy() for weight in trainer.model.trainable_variables}


def _name(path: str) -> str:
    parts = [part for part in path.split("/") if part != "gpt"]
    if len(parts) == 1:
        return "embedding.weight" if parts == ["embedding"] else parts[0]
    renamed = {"kernel": "weight", "gamma": "weight", "beta": "bias"}
    return ".".join([*parts[:-1], renamed.get(parts[-1], parts[-1])]).replace("block_", "blocks.")


if __name__ == "__main__":
    main()
