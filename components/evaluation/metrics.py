"""Figures of language models as metrics of TensorFlow Model Analysis: each a function of sums over a slice.

TFMA finds them by `module` and `class_name` in its configuration. What is summed is one vector a model and example, the
column `examples.column(model)`; no labels, no predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluation.examples import BITS, BYTES, HITS, JUDGED_TOKENS, SURPLUS, TOKENS, column

Sums = npt.NDArray[np.float64]


class Total(tfma.metrics.Metric):  # type: ignore[misc]
    """The sum of a quantity.

    Args:
        model: whose column.
        quantity: its place.
        name: what the metric is called.
    """

    def __init__(self, model: str, quantity: int, name: str):
        super().__init__(
            _computations(model, lambda sums: float(sums[quantity])), name=name, model=model, quantity=quantity
        )


class BitsPerByte(tfma.metrics.Metric):  # type: ignore[misc]
    """All bits over all bytes."""

    def __init__(self, model: str, name: str = "bits_per_byte"):
        super().__init__(_computations(model, lambda sums: _over(sums[BITS], sums[BYTES])), name=name, model=model)


class Perplexity(tfma.metrics.Metric):  # type: ignore[misc]
    """Of a token: two to the power of all bits over all tokens."""

    def __init__(self, model: str, name: str = "perplexity"):
        super().__init__(
            _computations(model, lambda sums: power(_over(sums[BITS], sums[TOKENS]))), name=name, model=model
        )


class Accuracy(tfma.metrics.Metric):  # type: ignore[misc]
    """The share of tokens that are among the likeliest.

    Args:
        model: whose column.
        place: of these hits among all hits.
        name: what the metric is called.
    """

    def __init__(self, model: str, place: int, name: str):
        def of(sums: Sums) -> float:
            return _over(sums[HITS + place], sums[JUDGED_TOKENS])

        super().__init__(_computations(model, of), name=name, model=model, place=place)


class CalibrationError(tfma.metrics.Metric):  # type: ignore[misc]
    """How far the likeliest token's probability is from how often it is right, by groups (Naeini et al. 2015)."""

    def __init__(self, model: str, name: str = "calibration_error"):
        super().__init__(
            _computations(model, lambda sums: _over(np.abs(sums[SURPLUS:HITS]).sum(), sums[JUDGED_TOKENS])),
            name=name,
            model=model,
        )


def power(exponent: float) -> float:
    """Two to a power, infinite where that is beyond a float."""
    try:
        return float(2.0 ** float(exponent))
    except OverflowError:
        return math.inf


def _computations(model: str, of: Callable[[Sums], float]) -> Callable[..., Any]:
    """What makes TFMA's computations of a function of a model's sums. TFMA passes back what a metric was made with."""

    def create(
        name: str, model: str, model_name: str = "", example_weighted: bool = False, place: int = 0, quantity: int = 0
    ) -> Any:
        summed = _summed(model, model_name)
        key = metric_types.MetricKey(name=name, model_name=model_name, example_weighted=example_weighted)

        def result(metrics: Mapping[Any, Sums]) -> dict[Any, float]:
            return {key: of(metrics[summed.keys[0]])}

        return [summed, metric_types.DerivedMetricComputation(keys=[key], result=result)]

    return metric_util.merge_per_key_computations(create)  # type: ignore[no-any-return]


def _summed(model: str, model_name: str) -> Any:
    """The computation that all metrics of a model share."""
    name = column(model)
    key = metric_types.MetricKey(name="_sums", model_name=model_name)
    inputs = metric_types.StandardMetricInputsPreprocessor(
        include_filter={tfma.FEATURES_KEY: {name: {}}}, include_default_inputs=False
    )
    return metric_types.MetricComputation(keys=[key], preprocessors=[inputs], combiner=_Sum(key, name))


class _Sum(beam.CombineFn):  # type: ignore[misc]
    """Adds up a column of vectors."""

    def __init__(self, key: Any, name: str):
        self._key, self._name = key, name

    def create_accumulator(self) -> Sums | float:
        return 0.0

    def add_input(self, accumulator: Sums | float, element: Any) -> Sums:
        return np.asarray(element[tfma.FEATURES_KEY][self._name], np.float64).reshape(-1) + accumulator

    def merge_accumulators(self, accumulators: Iterable[Sums | float]) -> Sums | float:
        return sum(accumulators)

    def extract_output(self, accumulator: Sums | float) -> dict[Any, Any]:
        return {self._key: accumulator}


def _over(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else math.nan


for _metric in (Total, BitsPerByte, Perplexity, Accuracy, CalibrationError):
    metric_types.register_metric(_metric)
