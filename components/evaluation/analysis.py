"""The analysis itself, by TensorFlow Model Analysis without a model: it sums what models have answered, slice by slice.

How much a model changed from the live one, or from the float one, is a further 'model' whose bits are the differences, so
that a limit on it is a limit on the change of every slice.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow_model_analysis as tfma

from components.evaluation import metrics
from components.evaluation.examples import BYTES, CHANGE, DAMAGED, EXAMPLES, RISE, column
from components.evaluation.limits import Limit
from components.evaluation.report import Metric, Role, Slice, SliceFigures

_JUDGED = {Metric.BITS_PER_BYTE: Role.SERVED.value, Metric.REGRESSION: CHANGE, Metric.COMPRESSION: RISE}
_NAME = "bits_per_byte"
_COUNTS = {"examples": EXAMPLES, "bytes": BYTES}


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What TFMA found.

    Attributes:
        figures: for each model, or what stands for one, every slice's figures, without intervals.
        failures: the limits that TFMA's validation found broken, as (metric, slice).
    """

    figures: Mapping[str, Mapping[Slice, SliceFigures]]
    failures: frozenset[tuple[Metric, Slice]]


def judged(metric: Metric, where: Slice) -> str:
    """The model, or what stands for one, whose bits per byte are held against a limit."""
    return DAMAGED if dict(where.pairs).get("condition") else _JUDGED[metric]


def eval_config(
    models: Sequence[str],
    divisions: Sequence[Sequence[str]],
    limits: Sequence[Limit],
    *,
    accuracy_at: Sequence[int] = (),
) -> tfma.EvalConfig:
    """TFMA's configuration.

    Args:
        models: the names whose columns the examples have.
        divisions: by which keys the examples are divided.
        limits: those that can be judged.
        accuracy_at: for each k whose hits the served model's column holds; empty where nothing of its tokens is known.
    """
    specs, asked = [], []
    for model in models:
        name = _name(model, models)
        # Neither is looked at by these metrics; TFMA wants them named, and the column of sums is always there.
        specs.append(tfma.ModelSpec(name=name, prediction_key=column(model), label_key=column(model)))
        chosen = [
            _config(model, "BitsPerByte", _NAME, thresholds=_thresholds(model, limits)),
            *(_config(model, "Total", total, {"quantity": place}) for total, place in _COUNTS.items()),
        ]
        if model in {role.value for role in Role}:
            chosen.append(_config(model, "Perplexity", "perplexity"))
        if model == Role.SERVED.value and accuracy_at:
            chosen += [_config(model, "Accuracy", f"accuracy_at_{k}", {"place": n}) for n, k in enumerate(accuracy_at)]
            chosen.append(_config(model, "CalibrationError", "calibration_error"))
        asked.append(tfma.MetricsSpec(model_names=[name], metrics=chosen))
    slicing = [tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=keys) for keys in divisions)]
    if DAMAGED in models:
        slicing.append(tfma.SlicingSpec(feature_keys=["condition"]))
    return tfma.EvalConfig(model_specs=specs, metrics_specs=asked, slicing_specs=slicing)


def analyse(
    pipeline: beam.Pipeline, examples: pa.RecordBatch, config: tfma.EvalConfig, output: str | os.PathLike[str]
) -> None:
    """Adds the analysis to a Beam pipeline; running it writes TFMA's files."""
    _ = (
        pipeline
        | "Examples" >> beam.Create([examples])
        | "Analyse" >> tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=os.fspath(output))
    )


def read(output: str | os.PathLike[str], models: Sequence[str], *, accuracy_at: Sequence[int] = ()) -> Analysis:
    """What `analyse` wrote."""
    figures: dict[str, dict[Slice, SliceFigures]] = {}
    for model in models:
        result = tfma.load_eval_result(os.fspath(output), model_name=_name(model, models) or None)
        figures[model] = {}
        for key, found in result.slicing_metrics:
            where = Slice.of(dict(key))
            values = {name: float(value["doubleValue"]) for name, value in found[""][""].items()}
            if round(values["examples"]):
                figures[model][where] = _figures(where, values, accuracy_at)
    metrics_of = {_name(judged(metric, Slice()), models): metric for metric in _JUDGED}
    metrics_of[_name(DAMAGED, models)] = Metric.BITS_PER_BYTE
    failures = {
        (metrics_of[failure.metric_key.model_name], _slice(per_slice.slice_key))
        for per_slice in tfma.load_validation_result(os.fspath(output)).metric_validations_per_slice
        for failure in per_slice.failures
    }
    return Analysis(figures, frozenset(failures))


def _config(
    model: str, kind: str, name: str, more: Mapping[str, int] | None = None, thresholds: Sequence[Any] = ()
) -> tfma.MetricConfig:
    return tfma.MetricConfig(
        class_name=kind,
        module=metrics.__name__,
        config=json.dumps({"name": name, "model": model, **(more or {})}),
        per_slice_thresholds=thresholds,
    )


def _thresholds(model: str, limits: Sequence[Limit]) -> list[tfma.PerSliceMetricThreshold]:
    return [
        tfma.PerSliceMetricThreshold(
            slicing_specs=[tfma.SlicingSpec(feature_values=dict(limit.slice.pairs))],
            threshold=tfma.MetricThreshold(
                value_threshold=tfma.GenericValueThreshold(upper_bound={"value": limit.bound})
            ),
        )
        for limit in limits
        if judged(limit.metric, limit.slice) == model and limit.why_not is None
    ]


def _figures(where: Slice, values: Mapping[str, float], accuracy_at: Sequence[int]) -> SliceFigures:
    def number(name: str) -> float | None:
        value = values.get(name, math.nan)
        return value if math.isfinite(value) else None

    hits = [(k, number(f"accuracy_at_{k}")) for k in accuracy_at]
    return SliceFigures(
        slice=where,
        examples=round(values["examples"]),
        bytes=round(values["bytes"]),
        bits_per_byte=number(_NAME),
        perplexity=number("perplexity"),
        accuracy=tuple((k, share) for k, share in hits if share is not None),
        calibration_error=number("calibration_error"),
    )


def _name(model: str, models: Sequence[str]) -> str:
    """What TFMA is told that a model is called: it drops the name of an only one, and then does not find it."""
    return model if len(models) > 1 else ""


def _slice(key: Any) -> Slice:
    """A slice of TFMA's `SliceKey` proto."""
    return Slice.of({single.column: single.bytes_value.decode() for single in key.single_slice_keys})
