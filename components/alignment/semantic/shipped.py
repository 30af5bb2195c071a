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
            0.0871,
            0.2791,
            0.0000,
            0.2566,
            0.0455,
            -0.1354,
            -0.8120,
            0.6627,
            -2.5793,
            5.2211,
            0.2737,
            0.5898,
            0.7505,
            -0.0617,
            0.3268,
            0.3034,
            2.2641,
            0.2003,
            3.8901,
            0.2367,
        ),
        -9.6825,
    ),
)

_ENCODED = Model(
    pair=Logistic(
        (
            4.0724,
            -0.6084,
            3.7538,
            -1.0902,
            -2.7804,
            4.2531,
            -3.0113,
            3.9125,
            0.8683,
            -1.2920,
            -1.3702,
            4.4563,
            0.4808,
            -0.4162,
            5.4752,
            -0.2109,
            -1.1305,
            1.9305,
        ),
        -8.2495,
    ),
    chosen=Logistic(
        (
            0.0000,
            0.2659,
            0.1715,
            0.3950,
            -0.4720,
            -0.1992,
            0.2387,
            -0.5397,
            -0.1995,
            1.5316,
            1.1217,
            0.1972,
            1.0460,
            0.5815,
            -0.0034,
            -1.9923,
            2.0837,
            -0.1097,
            3.6126,
            -0.5329,
            0.4643,
            0.0608,
        ),
        -9.3531,
    ),
)

_VECTORS = Model(
    pair=Logistic(
        (-1.1638, 3.2415),
        -2.0355,
    ),
    chosen=Logistic(
        (0.0000, 0.3122, 0.1685, 0.4646, 1.4509, -1.1354),
        -3.6890,
    ),
)


def of(names: tuple[str, ...]) -> Model:
    """The model for features of these names."""
    known = {
        comparing.LEXICAL: _LEXICAL,
        comparing.LEXICAL + features.ENCODED: _ENCODED,
        features.ENCODED: _VECTORS,
    }
    return known[names]
