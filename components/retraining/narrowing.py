"""A network with fewer units in its feed-forward networks: smaller and faster as it is, whatever runs it.

Which units are left out is a matter of their weights: with squared ReLU a unit's part of the output grows with the square
of the weights into it and with those out of it, so `|in|^2 * |out|` is what it can contribute, and does not change where
one is scaled up and the other down to the same effect. As magnitude, it needs no samples (Li et al. 2017 rank filters by
norm likewise).
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import numpy.typing as npt

from components.training import architectures
from components.training.config import TrainingConfig
from components.training.gpt import Block, Gpt
from components.training.network import Shape
from schemas.errors import ConfigError


def narrowed(
    model: keras.Model, training: TrainingConfig, shape: Shape, *, share: float
) -> tuple[keras.Model, TrainingConfig]:
    """A network like a trained one whose blocks lack a share of their feed-forward units, and its configuration.

    Args:
        model: stays as it is.
        training: how it was built.
        shape: what it was built for.
        share: of the units, in [0, 1); those of each block that can contribute least. One at least stays.

    Raises:
        ConfigError: the network is not `gpt`, or the share is none.
    """
    if not isinstance(model, Gpt):
        raise ConfigError(
            f"units of the network {training.model} cannot be left out",
            where="retraining.feed_forward_pruned",
            remedy="only those of gpt can: set it to 0",
        )
    if not 0 <= share < 1:
        raise ConfigError(f"a share of {share} cannot be left out", where="share", remedy="0 to below 1 can")
    units = model.blocks[0].expand.units
    kept = max(1, round(units * (1 - share)))
    smaller = dataclasses.replace(training, gpt=dataclasses.replace(training.gpt, feed_forward=kept), weights=None)
    result = architectures.build(smaller, shape)
    feeding = {id(weight) for block in result.blocks for weight in (*block.expand.weights, block.contract.kernel)}
    for own, learnt in zip(result.variables, model.variables, strict=True):
        if id(own) not in feeding:
            own.assign(learnt)
    for own, learnt in zip(result.blocks, model.blocks, strict=True):
        strongest = np.sort(np.argsort(-strength(learnt), kind="stable")[:kept])
        own.expand.kernel.assign(learnt.expand.kernel.numpy()[:, strongest])
        own.expand.bias.assign(learnt.expand.bias.numpy()[strongest])
        own.contract.kernel.assign(learnt.contract.kernel.numpy()[strongest])
    return result, smaller


def strength(block: Block) -> npt.NDArray[np.float64]:
    """What each feed-forward unit of a block can contribute, float64 `[units]`."""
    into = np.concatenate([block.expand.kernel.numpy(), block.expand.bias.numpy()[None]]).astype(np.float64)
    out = block.contract.kernel.numpy().astype(np.float64)
    result: npt.NDArray[np.float64] = np.square(into).sum(0) * np.sqrt(np.square(out).sum(1))
    return result
