"""Which weights of a network are matrices that its products are made with: what is quantised, and what can be pruned.

Vectors (biases, norms) are few and stay as they are; so do tables of which rows are looked up and nothing else is done,
such as positions: LiteRT keeps them in float. A table that is multiplied as well (the head that is the embedding) is a
matrix.
"""

from __future__ import annotations

import dataclasses

import keras

from components.training import network
from schemas.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Matrix:
    """A weight of two or more dimensions.

    Attributes:
        place: among the network's trainable weights.
        axis: of its output channels, as LiteRT quantises them: each has a scale of its own.
    """

    place: int
    axis: int


def of(model: keras.Model) -> list[Matrix]:
    """The matrices of a network, in its order.

    Raises:
        ConfigError: it has none.
    """
    tied = getattr(model, "tied", ())
    looked_up = {id(table) for table in network.tables(model) if table.name not in tied}
    found = [
        Matrix(place, 0 if weight.name in tied else len(weight.shape) - 1)
        for place, weight in enumerate(model.trainable_variables)
        if len(weight.shape) >= 2 and id(weight) not in looked_up
    ]
    if not found:
        raise ConfigError(
            f"the network {model.name} has no matrix that could be quantised or pruned",
            where="training.model",
            remedy="leave out retraining",
        )
    return found
