"""From what speaks for a pair to the probability that it is right: two logistic regressions, shipped or fitted.

The first weighs the features of a pair by itself, of all that were looked at. The second judges those that were chosen,
by the log-odds of the first, by how near the rivals of both sides come, and by the features again: what tells the right
one of many candidates is not what tells whether there is a right one. Its answer is the score.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.optimize
import scipy.special

from components.alignment.semantic.assignment import Rivals

_STRENGTH = 1.0
_ITERATIONS = 2000
_LARGEST = 10.0  # log-odds
_CONTEXT = 4


@dataclasses.dataclass(frozen=True)
class Logistic:
    """A logistic regression.

    Attributes:
        weights: one a feature.
        bias: of all.
    """

    weights: tuple[float, ...]
    bias: float

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Of each row of some features, float64 [rows]."""
        return np.asarray(features @ np.array(self.weights) + self.bias)


@dataclasses.dataclass(frozen=True)
class Model:
    """How pairs are judged.

    Attributes:
        pair: of the features of a pair by itself.
        chosen: of its log-odds, its rivals and its features, for pairs that were chosen.
    """

    pair: Logistic
    chosen: Logistic

    def scores(self, features: np.ndarray, odds: np.ndarray, rivals: Rivals) -> np.ndarray:
        """The probabilities of pairs if they are chosen, float64 [pairs]. Of several equal ones one at most is right."""
        found = scipy.special.expit(self.chosen.log_odds(in_context(features, odds, rivals)))
        return np.asarray(np.minimum(found, 1 / rivals.equals))


def in_context(features: np.ndarray, odds: np.ndarray, rivals: Rivals) -> np.ndarray:
    """What the second regression sees, float64 [pairs, 4 + features]: the same when the sides are exchanged."""
    nearest = np.minimum(rivals.of_left, rivals.of_right)
    farthest = np.maximum(rivals.of_left, rivals.of_right)
    return np.column_stack([np.clip(odds, -_LARGEST, _LARGEST), nearest, farthest, rivals.regret, features])


def fit_pair(features: np.ndarray, right: np.ndarray) -> Logistic:
    """The first regression: float64 [pairs, features], bool [pairs]."""
    return _fit(features, right, [None] * features.shape[1])


def fit_chosen(seen: np.ndarray, right: np.ndarray) -> Logistic:
    """The second, of what `in_context` gives. The weights of log-odds and margins are not negative."""
    return _fit(seen, right, [0.0] * _CONTEXT + [None] * (seen.shape[1] - _CONTEXT))


def _fit(features: np.ndarray, right: np.ndarray, lowest: Sequence[float | None]) -> Logistic:
    """The least loss plus half the squares of the weights, of features scaled to a standard deviation of 1."""
    spread = features.std(axis=0)
    spread[spread < 1e-9] = 1
    middle = features.mean(axis=0)
    scaled = (features - middle) / spread
    signs = np.where(right, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (scaled @ parameters[:-1] + parameters[-1])
        slopes = -signs * scipy.special.expit(-margins)
        weights = parameters[:-1]
        value = np.logaddexp(0, -margins).sum() + _STRENGTH * (weights @ weights) / 2
        return float(value), np.append(scaled.T @ slopes + _STRENGTH * weights, slopes.sum())

    width = features.shape[1]
    found = scipy.optimize.minimize(
        loss,
        np.zeros(width + 1),
        jac=True,
        method="L-BFGS-B",
        bounds=[(least, None) for least in lowest] + [(None, None)],
        options={"maxiter": _ITERATIONS},
    ).x
    weights = found[:-1] / spread
    return Logistic(tuple(map(float, weights)), float(found[-1] - weights @ middle))


def calibration_error(
    scores: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray, bins: int = 10
) -> float:
    """Expected calibration error with bins of equal mass (Naeini et al. 2015; Nixon et al. 2019).

    Args:
        scores: probabilities.
        right: whether each was right.
        bins: how many.
    """
    order = np.argsort(scores, kind="stable")
    given, true = np.asarray(scores, float)[order], np.asarray(right, float)[order]
    parts = zip(np.array_split(given, bins), np.array_split(true, bins), strict=True)
    return float(sum(len(part) * abs(part.mean() - of.mean()) for part, of in parts if len(part)) / max(len(given), 1))
