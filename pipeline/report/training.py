"""The training curve and what it came to, from the report and the metrics of a ModelRun."""

from __future__ import annotations

import pathlib

from components.training import report
from pipeline.report import facts

_POINTS = 500


def read(directory: pathlib.Path) -> facts.Training:
    """What a training tells of itself."""
    told = report.Report.read(directory)
    points = list(report.Curve(directory / report.CURVE_FILE_NAME).points())
    effect = told.image_effect
    return facts.Training(
        architecture=told.architecture,
        parameters=told.parameters,
        samples=told.train_samples,
        steps=told.steps,
        seconds=told.seconds,
        tokens_per_s=told.tokens_per_s,
        padding=told.padding,
        train=_thinned([(point.step, point.train_bits_per_byte) for point in points]),
        held_out=_thinned(
            [(point.step, value) for point in points if (value := point.held_out_bits_per_byte) is not None]
        ),
        final=told.bits_per_byte,
        unigram=told.unigram_bits_per_byte,
        trigram=told.trigram_bits_per_byte,
        image_effect=facts.Interval(effect.mean, effect.low, effect.high, effect.samples) if effect else None,
        resumed_from=told.resumed_from_step,
        notes=told.notes,
    )


def _thinned(points: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """At most about as many points as a screen has columns for; the last is among them."""
    step = len(points) // _POINTS + 1
    return tuple(points[(len(points) - 1) % step :: step]) if points else ()
