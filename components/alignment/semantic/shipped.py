"""The models that come with the product.

Fitted on 1,911 emoji: the names and short names of emoji-datasource-google 16.0.0 to the annotations and tags of
openmoji 17.0.0, a fifth of whose counterparts were removed, told by code points. Other data have other habits: where
scores matter, label a hundred things or more and let `association.fit` learn from them.
"""

from __future__ import annotations

from components.alignment.semantic import features
from components.alignment.semantic.model import Logistic, Model

# The weights in the order of `features.LEXICAL` and `features.ENCODED`, then those of `model.rival_features`.
_LEXICAL = Model(
    pair=Logistic(
        (1.2898, 0.3098, 3.0529, -3.3485, 5.5069, -8.3682, 7.2306, 3.7731, -0.0231, -1.1650, 4.8174, 0.1820),
        -9.0652,
    ),
    chosen=Logistic(
        (0.2278, 0.1778, 0.0000, 0.3726),
        0.6710,
    ),
)

_ENCODED = Model(
    pair=Logistic(
        (
            0.7549,
            1.7771,
            2.8630,
            -3.6871,
            5.4510,
            -6.4732,
            8.2612,
            2.3223,
            -0.5188,
            -0.0310,
            2.6861,
            -0.0002,
            -0.8370,
            0.9661,
            -0.4423,
            1.2772,
        ),
        -6.9456,
    ),
    chosen=Logistic(
        (0.2837, 0.2269, 0.0000, 0.4139),
        0.2325,
    ),
)

_VECTORS = Model(
    pair=Logistic(
        (0.3097, 2.1177),
        -6.7640,
    ),
    chosen=Logistic(
        (0.4499, 0.4006, 0.0000, 0.1923),
        1.0944,
    ),
)


def of(names: tuple[str, ...]) -> Model:
    """The model for features of these names."""
    known = {
        features.LEXICAL: _LEXICAL,
        features.LEXICAL + features.ENCODED: _ENCODED,
        features.VECTORS: _VECTORS,
    }
    return known[names]
