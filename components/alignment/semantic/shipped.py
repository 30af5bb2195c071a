"""The models that come with the product.

Fitted on 1,911 emoji: the names and short names of emoji-datasource-google 16.0.0 to the annotations and tags of
openmoji 17.0.0, a fifth of whose counterparts were removed, told by code points. Other data have other habits: where
scores matter, label a hundred things or more and let `association.fit` learn from them.
"""

from __future__ import annotations

from components.alignment.semantic import comparing, features
from components.alignment.semantic.model import Logistic, Model

# The weights in the order of `comparing.LEXICAL` and `features.ENCODED`, then those of `model.in_context`.
_LEXICAL = Model(
    pair=Logistic(
        (
            4.0014,
            -1.4703,
            2.1593,
            1.5682,
            -2.0078,
            3.5803,
            -3.6595,
            3.5906,
            2.6901,
            -0.6296,
            -2.1705,
            3.5739,
            0.2545,
            -0.5538,
            6.0206,
            1.9990,
        ),
        -11.0715,
    ),
    chosen=Logistic(
        (
            0.0915,
            0.2544,
            0.0000,
            0.2714,
            0.0677,
            0.0296,
            -0.7035,
            0.7256,
            -3.2456,
            4.6108,
            0.7676,
            0.1641,
            1.3049,
            0.0678,
            0.3091,
            0.0404,
            2.0233,
            -0.0480,
            3.9054,
            1.4781,
        ),
        -9.1813,
    ),
)

_ENCODED = Model(
    pair=Logistic(
        (
            4.0115,
            -0.5485,
            3.4784,
            -0.8047,
            -2.7365,
            4.7641,
            -1.4580,
            3.7775,
            1.4557,
            -1.1691,
            -1.2937,
            4.6392,
            0.6578,
            -0.3479,
            5.9403,
            -1.4290,
            -1.2271,
            1.4671,
            -0.1377,
            0.8619,
        ),
        -9.2924,
    ),
    chosen=Logistic(
        (
            0.0452,
            0.2880,
            0.1191,
            0.3705,
            -0.9399,
            0.1004,
            0.1821,
            -0.5651,
            -0.5234,
            2.3861,
            0.8342,
            0.3568,
            1.3815,
            0.9913,
            0.1759,
            -2.1389,
            1.5963,
            -0.1564,
            3.0637,
            -0.7760,
            -0.1158,
            0.3229,
            0.6994,
            -0.1720,
        ),
        -9.4261,
    ),
)

_VECTORS = Model(
    pair=Logistic(
        (0.3097, 2.1177),
        -6.7640,
    ),
    chosen=Logistic(
        (0.0000, 0.2845, 0.0763, 0.4057, 0.9719, -0.4171),
        -4.5304,
    ),
)


def of(names: tuple[str, ...]) -> Model:
    """The model for features of these names."""
    known = {
        comparing.LEXICAL: _LEXICAL,
        comparing.LEXICAL + features.ENCODED: _ENCODED,
        features.VECTORS: _VECTORS,
    }
    return known[names]
