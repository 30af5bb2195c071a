"""The analysis itself, by TensorFlow Model Analysis without a model: the loss of each example is its prediction.

With the bytes of each example as its weight, TFMA's weighted `MeanPrediction` is all bits over all bytes. How much a
model changed from the live one is a third 'model' whose prediction is the difference, so that a limit on it is a limit
on the regression of every slice.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow_model_analysis as tfma

from components.evaluation.examples import CHANGE, ZERO, prediction_key, weight_key
from components.evaluation.limits import Limit
from components.evaluation.report import Metric, Role, Slice, SliceFigures

_SLICES = ((), ("modality",), ("source",), ("modality", "source"))
MODEL_JUDGED = {Metric.BITS_PER_BYTE: Role.SERVED.value, Metric.REGRESSION: CHANGE}


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What TFMA found.

    Attributes:
        figures: for each model (a `Role`'s value, or `change`) every slice's figures.
        failures: the limits that TFMA's validation found broken, as (metric, slice).
    """

    figures: Mapping[str, Mapping[Slice, SliceFigures]]
    failures: frozenset[tuple[Metric, Slice]]


def eval_config(models: Sequence[str], limits: Sequence[Limit]) -> tfma.EvalConfig:
    """TFMA's configuration.

    Args:
        models: the names whose columns the examples have.
        limits: those that can be judged.
    """
    specs, metrics = [], []
    for model in models:
        name = _name(model, models)
        specs.append(
            tfma.ModelSpec(
                name=name,
                prediction_key=prediction_key(model),
                label_key=ZERO,
                example_weight_key=weight_key(model),
            )
        )
        thresholds = [
            tfma.PerSliceMetricThreshold(
                slicing_specs=[tfma.SlicingSpec(feature_values=_pairs(limit.slice))],
                threshold=tfma.MetricThreshold(
                    value_threshold=tfma.GenericValueThreshold(upper_bound={"value": limit.maximum})
                ),
            )
            for limit in limits
            if MODEL_JUDGED[limit.metric] == model and limit.why_not is None
        ]
        weighed = [
            tfma.MetricConfig(class_name="WeightedExampleCount"),
            tfma.MetricConfig(class_name="MeanPrediction", per_slice_thresholds=thresholds),
        ]
        counted = [tfma.MetricConfig(class_name="ExampleCount")]
        unweighted = tfma.ExampleWeightOptions(unweighted=True)
        metrics.append(tfma.MetricsSpec(model_names=[name], metrics=weighed))
        metrics.append(tfma.MetricsSpec(model_names=[name], metrics=counted, example_weights=unweighted))
    slicing = [tfma.SlicingSpec(feature_keys=keys) for keys in _SLICES]
    return tfma.EvalConfig(model_specs=specs, metrics_specs=metrics, slicing_specs=slicing)


def analyse(
    pipeline: beam.Pipeline, examples: pa.RecordBatch, config: tfma.EvalConfig, output: str | os.PathLike[str]
) -> None:
    """Adds the analysis to a Beam pipeline; running it writes TFMA's files."""
    _ = (
        pipeline
        | "Examples" >> beam.Create([examples])
        | "Analyse" >> tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=os.fspath(output))
    )


def read(output: str | os.PathLike[str], models: Sequence[str]) -> Analysis:
    """What `analyse` wrote."""
    figures: dict[str, dict[Slice, SliceFigures]] = {}
    for model in models:
        result = tfma.load_eval_result(os.fspath(output), model_name=_name(model, models) or None)
        figures[model] = {}
        for key, metrics in result.slicing_metrics:
            where = Slice(**dict(key))
            values = {name: float(value["doubleValue"]) for name, value in metrics[""][""].items()}
            mean = values["mean_prediction"]
            figures[model][where] = SliceFigures(
                slice=where,
                examples=round(values["example_count"]),
                bytes=round(values["weighted_example_count"]),
                bits_per_byte=mean if math.isfinite(mean) else None,
            )
    metrics_of = {_name(model, models): metric for metric, model in MODEL_JUDGED.items() if model in models}
    failures = {
        (metrics_of[failure.metric_key.model_name], _slice(per_slice.slice_key))
        for per_slice in tfma.load_validation_result(os.fspath(output)).metric_validations_per_slice
        for failure in per_slice.failures
    }
    return Analysis(figures, frozenset(failures))


def _name(model: str, models: Sequence[str]) -> str:
    """What TFMA is told that a model is called: it drops the name of an only one, and then does not find it."""
    return model if len(models) > 1 else ""


def _pairs(where: Slice) -> dict[str, str]:
    return {name: value for name, value in dataclasses.asdict(where).items() if value}


def _slice(key: Any) -> Slice:
    """A slice of TFMA's `SliceKey` proto."""
    return Slice(**{single.column: single.bytes_value.decode() for single in key.single_slice_keys})
