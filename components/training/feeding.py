"""The batch of each step: which samples, as what arrays, their images varied."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from components.augmentation.image import on_the_fly
from components.augmentation.image.config import ImageAugmentation
from components.training import batches, packing
from components.training.batches import Batch
from components.training.config import TrainingConfig
from components.training.examples import Examples
from components.training.network import Shape
from components.training.packing import PackedSampler
from components.training.sampler import Sampler
from schemas.errors import ConfigError, IntegrityError

_LONGEST_IN_A_ROW = 3
"""So many of the longest samples fit a packed row unless told otherwise: of the built-in data 1% is padding then, and 5%
with two."""
_COMPILED_WIDTHS = 32
"""XLA compiles each width of a batch anew: widths are multiples of this."""


class Feed:
    """What each step learns from, a function of seed and step alone.

    Args:
        config: batches, packed or not.
        split: the samples.
        model: the network that will see them.
        shape: what it was built for.
        seed: of the order, and of what is varied.
        compiled: whether each width costs a compilation.
        variation: how images are varied in each step; None if they are not.

    Raises:
        IntegrityError: the samples hold tokens that the network does not know, or are longer than it takes.
        ConfigError: the network takes no packed rows, or a sample fits none.
    """

    def __init__(
        self,
        config: TrainingConfig,
        split: Examples,
        *,
        model: keras.Model,
        shape: Shape,
        seed: int,
        compiled: bool,
        variation: ImageAugmentation | None,
    ):
        _check(split, shape)
        self._split, self._seed, self._variation = split, seed, variation
        self._vary_images = tf.function(
            lambda images, keys, flips: on_the_fly.vary(images, keys, flips, variation or ImageAugmentation()),
            input_signature=[
                tf.TensorSpec([None, shape.image_size, shape.image_size, 3], tf.uint8),
                tf.TensorSpec([None, 3], tf.int64),
                tf.TensorSpec([None], tf.bool),
            ],
        )
        size = [shape.image_size, shape.image_size, 3]
        if config.batching == "packed":
            self._of_step, images, row = self._packed(config, model)
        else:
            self._of_step, images, row = (
                self._bucketed(config, _COMPILED_WIDTHS if compiled else 1),
                [None],
                [None, None],
            )
        per_position = ("ids", "documents", "places", "patches") if config.batching == "packed" else ("ids",)
        self.specs = {
            **{name: tf.TensorSpec(row, tf.int32, name) for name in per_position},
            "image": tf.TensorSpec([*images, *size], tf.uint8, "image"),
            "has_image": tf.TensorSpec(images, tf.float32, "has_image"),
            "noise": tf.TensorSpec([None], tf.int32, "noise"),
        }
        """What the features of its batches are."""

    def batch(self, step: int) -> Batch:
        """What a step learns from, from 0 on."""
        return self._of_step(step)

    def varied(self, samples: batches.Indices, step: int) -> Examples:
        """Samples as a step sees them: their images vary from step to step if that is asked for."""
        chosen = self._split.take(samples)
        if self._variation is None:
            return chosen
        keys = np.stack([np.full_like(chosen.keys, self._seed), chosen.keys, np.full_like(chosen.keys, step)], axis=1)
        return dataclasses.replace(chosen, images=self._vary_images(chosen.images, keys, chosen.flips).numpy())

    def _bucketed(self, config: TrainingConfig, multiple: int) -> Callable[[int], Batch]:
        sampler = Sampler(
            self._split.lengths(), batch_size=config.batch_size * config.accumulate_steps, seed=self._seed
        )

        def of_step(step: int) -> Batch:
            samples = sampler.batch(step)
            noise = batches.noise(self._split.keys[samples], seed=self._seed, step=step)
            return batches.of_samples(self.varied(samples, step), samples, noise, multiple=multiple)

        return of_step

    def _packed(
        self, config: TrainingConfig, model: keras.Model
    ) -> tuple[Callable[[int], Batch], list[int | None], list[int | None]]:
        if not getattr(model, "packs", False):
            raise ConfigError(
                f"the network {config.model} takes no rows of several samples",
                where="training.batching",
                remedy="set it to bucketed, or teach the network (docs/your-own-model.md)",
            )
        lengths = model.patches + self._split.lengths() - 1
        row = config.packed_length or _LONGEST_IN_A_ROW * int(lengths.max())
        sampler = PackedSampler(lengths, row=row, rows=config.batch_size * config.accumulate_steps, seed=self._seed)
        most = row // int(lengths.min())

        def of_step(step: int) -> Batch:
            rows = sampler.batch(step)
            samples = np.concatenate(rows)
            first = self._split.keys[[own[0] for own in rows]]
            noise = batches.noise(first, seed=self._seed, step=step)
            ends = np.cumsum([len(own) for own in rows])
            return packing.of_rows(
                self.varied(samples, step), samples, ends, noise, row=row, patches=model.patches, most=most
            )

        return of_step, [None, most], [None, row]


def _check(split: Examples, shape: Shape) -> None:
    highest, longest = int(split.ids.max()), split.ids.shape[1]
    if highest >= shape.vocabulary:
        raise IntegrityError(
            f"token {highest} is beyond the vocabulary of {shape.vocabulary}",
            where="the transformed examples",
            remedy="they were cut by another tokeniser than the one given: run Transform and Train again",
        )
    if longest > shape.tokens:
        raise IntegrityError(
            f"sequences of {longest} tokens are longer than the {shape.tokens} that the network takes",
            where="the transformed examples",
            remedy="run Transform and Train with the same transform.text_tokens and transform.code_tokens",
        )
