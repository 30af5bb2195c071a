"""A trained network goes on learning with the weights that it will have once it is compressed.

By the Trainer's own loop: of each step, the gradient is taken at the weights that are on a grid or masked, and moves float
weights behind them, and the grids (`components.training.parametrisation`). What comes of it has its weights on the grid, and zeros
where it was pruned, so that the quantizer finds nothing left to round.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.augmentation.image.config import ImageAugmentation
from components.retraining import matrices, narrowing
from components.retraining.config import RetrainingConfig
from components.retraining.fake_quantization import FakeQuantization, folded
from components.retraining.matrices import Matrix
from components.retraining.pruning import MagnitudePruning
from components.training import network
from components.training.config import TrainingConfig
from components.training.examples import Examples
from components.training.loop import Trained, Trainer
from components.transform.config import TransformConfig
from schemas.errors import IntegrityError
from serving import sequence

NODE = "FineTune"
Weights = Sequence[npt.NDArray[np.float32]]


class WeightTransform(Protocol):
    """What is made of a network's matrices before it computes with them."""

    name: str
    """What it does, in words: a checkpoint of another one is not gone on from."""

    variables: Mapping[str, tf.Variable]
    """Its state once it has begun, by names that stay."""

    learnt: Sequence[keras.Variable]
    """What of it learns along, once it has begun."""

    on_grid: bool
    """Whether what it makes is of use only if the file holds it to the last bit."""

    def begin(self, matrices: Sequence[Matrix], weights: Weights, steps: int) -> None:
        """Makes its state for the matrices of a network, which have these weights, and so many steps."""

    def advance(self, step: int, weights: Sequence[keras.Variable]) -> None:
        """Brings its state to where so many steps are done; `weights` are the matrices that learn."""

    def __call__(self, weights: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """What the network sees of its matrices; a function of these and of its state, with gradients that are of use."""


class InTurn:
    """Transforms, each of what the one before it made: pruned, then quantised.

    Args:
        transforms: them; none leaves all as it is.
    """

    def __init__(self, transforms: Sequence[WeightTransform]):
        self.name = ", ".join(transform.name for transform in transforms) or "as it was"
        self.variables: Mapping[str, tf.Variable] = {}
        self.learnt: Sequence[keras.Variable] = ()
        self.on_grid = any(transform.on_grid for transform in transforms)
        self._transforms = transforms

    def begin(self, matrices: Sequence[Matrix], weights: Weights, steps: int) -> None:
        """See the protocol."""
        for transform in self._transforms:
            transform.begin(matrices, weights, steps)
        self.variables = {
            f"{place}/{name}": variable
            for place, transform in enumerate(self._transforms)
            for name, variable in transform.variables.items()
        }
        self.learnt = [variable for transform in self._transforms for variable in transform.learnt]

    def advance(self, step: int, weights: Sequence[keras.Variable]) -> None:
        """See the protocol."""
        for transform in self._transforms:
            transform.advance(step, weights)

    def __call__(self, weights: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """See the protocol."""
        for transform in self._transforms:
            weights = transform(weights)
        return weights


@dataclasses.dataclass(frozen=True)
class Retrained:
    """What a further training came to.

    Attributes:
        model: the network, with the weights that it was judged with.
        training: what it is built by; smaller than it was where units were left out.
        trained: how it went; the curve is `metrics.jsonl` in its directory.
        sparsity: share of the weights of its matrices that are zero.
    """

    model: keras.Model
    training: TrainingConfig
    trained: Trained
    sparsity: float


def transform_of(config: RetrainingConfig) -> WeightTransform:
    """What a configuration asks for."""
    found: list[WeightTransform] = []
    if config.sparsity:
        found.append(
            MagnitudePruning(
                config.sparsity, over=config.sparsity_over, until=config.prune_until, every=config.prune_every_steps
            )
        )
    if config.weight_bits is not None:
        found.append(FakeQuantization(config.weight_bits))
    return InTurn(found)


def fine_tune(
    model: keras.Model,
    train: Examples,
    held_out: Examples,
    config: RetrainingConfig,
    *,
    training: TrainingConfig,
    budgets: TransformConfig,
    vocabulary: int,
    seed: int,
    directory: pathlib.Path,
    transform: WeightTransform | None = None,
    variation: ImageAugmentation | None = None,
) -> Retrained:
    """Has a trained network learn on, on one device, with what its weights are made into. The same seed, the same bits.

    Args:
        model: of the architecture that `training` names; stays as it is.
        train: what to learn from.
        held_out: what the curve is measured on.
        config: for how long, and how.
        training: how it was trained; batches, decay and the like stay.
        budgets: how much of a sample it sees.
        vocabulary: number of token ids.
        seed: of the order of the samples; that of the training would bring them in the very same order.
        directory: of checkpoints and curve; where it holds some of this very training, that goes on.
        transform: what is made of its matrices; what `config` asks for if None.
        variation: how images are varied in each step; None if they are not.

    Raises:
        ConfigError: the network has no matrices, or cannot be built.
        IntegrityError: the weights are of another architecture, or the directory holds another training.
        DivergedError: the loss is not a number, or spikes again and again.
    """
    tf.config.experimental.enable_op_determinism()
    if config.feed_forward_pruned:
        shape = network.Shape(vocabulary, sequence.length(budgets.text_tokens, budgets.code_tokens), budgets.image_size)
        model, training = narrowing.narrowed(model, training, shape, share=config.feed_forward_pruned)
    start = [np.asarray(variable) for variable in model.variables]
    chosen = transform if transform is not None else transform_of(config)

    def parametrise(fresh: keras.Model) -> _Behind:
        return _Behind(fresh, start, chosen, config.steps)

    trainer = Trainer(
        _continued(training, config),
        budgets,
        vocabulary=vocabulary,
        seed=seed,
        variation=variation,
        parametrise=parametrise,
        node=NODE,
    )
    trained = trainer.fit(train, held_out, directory)
    return Retrained(trainer.served(), training, trained, sparsity(trainer.model))


def sparsity(model: keras.Model) -> float:
    """The share of the weights of a network's matrices that are zero."""
    values = [np.asarray(model.trainable_variables[matrix.place]) for matrix in matrices.of(model)]
    return sum(int((value == 0).sum()) for value in values) / sum(value.size for value in values)


class _Behind:
    """Float weights behind those of a network; see `components.training.parametrisation`.

    Args:
        model: just built.
        start: the weights to start from, of all its variables.
        transform: what it sees of its matrices.
        steps: of the training.
    """

    def __init__(self, model: keras.Model, start: Weights, transform: WeightTransform, steps: int):
        shapes = [tuple(variable.shape) for variable in model.variables]
        if [value.shape for value in start] != shapes:
            raise IntegrityError(
                "the weights are of another network than the configuration describes",
                where="training",
                remedy="give the configuration that the network was trained with",
            )
        for variable, value in zip(model.variables, start, strict=True):
            variable.assign(value)
        self._held = folded(model) if transform.on_grid else set()
        self._seen = model.trainable_variables
        self._weights = [
            keras.Variable(weight.numpy(), name=f"behind_{place}") for place, weight in enumerate(self._seen)
        ]
        found = matrices.of(model)
        self._places = [matrix.place for matrix in found]
        transform.begin(found, [self._seen[place].numpy() for place in self._places], steps)
        self._transform = transform
        self.learnt: Sequence[keras.Variable] = [*self._weights, *transform.learnt]
        self.variables: Mapping[str, tf.Variable | keras.Variable] = {
            **{f"behind/{place}": weight for place, weight in enumerate(self.learnt)},
            **{f"transform/{name}": variable for name, variable in transform.variables.items()},
        }
        self.identity: Mapping[str, str] = {"transform": transform.name}
        self._show = tf.function(self._assign)

    def show(self, step: int) -> None:
        """See the protocol."""
        self._transform.advance(step, [self._weights[place] for place in self._places])
        self._show()

    def pull_back(self, gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """See the protocol."""
        learnt = [variable.value for variable in self.learnt]
        with tf.GradientTape() as tape:
            made = self._made()
        return tape.gradient(made, learnt, gradients, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def _made(self) -> list[tf.Tensor]:
        """What the network sees."""
        made = [tf.identity(weight.value) for weight in self._weights]
        for place, value in zip(self._places, self._transform([made[place] for place in self._places]), strict=True):
            made[place] = value
        return [
            tf.identity(self._seen[place].value) if place in self._held else value for place, value in enumerate(made)
        ]

    def _assign(self) -> None:
        for seen, value in zip(self._seen, self._made(), strict=True):
            seen.assign(value)


def _continued(training: TrainingConfig, config: RetrainingConfig) -> TrainingConfig:
    """On one device, in one process, from the weights at hand."""
    return dataclasses.replace(
        training,
        steps=config.steps,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_steps,
        weights=None,
        strategy="none",
        devices=1,
        workers=1,
        written_samples=0,
    )
