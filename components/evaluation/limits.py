"""Which limits hold on which slices, and whether there is enough data to judge by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from components.evaluation.config import EvaluationConfig
from components.evaluation.report import OVERALL, Metric, Slice


@dataclasses.dataclass(frozen=True)
class Limit:
    """The most that a metric may be on a slice.

    Attributes:
        metric: what is measured.
        slice: where.
        maximum: the limit.
        why_not: why it cannot be judged, in words; None if it can.
    """

    metric: Metric
    slice: Slice
    maximum: float
    why_not: str | None = None


def limits(config: EvaluationConfig, counts: Mapping[Slice, int], *, has_baseline: bool) -> list[Limit]:
    """Every limit that the configuration sets, and whether there is enough to judge it by.

    Args:
        config: the limits.
        counts: examples in each slice.
        has_baseline: whether there is a live model.
    """
    absolute = {OVERALL: config.max_bits_per_byte}
    absolute |= {Slice(item.modality or "", item.source or ""): item.max_bits_per_byte for item in config.slice_limits}

    def too_few(where: Slice) -> str | None:
        found = counts.get(where, 0)
        return None if found >= config.min_examples else f"{found} examples, at least {config.min_examples} are needed"

    found = [Limit(Metric.BITS_PER_BYTE, where, most, too_few(where)) for where, most in absolute.items()]
    regression = config.max_regression_bits_per_byte
    if has_baseline:
        return found + [Limit(Metric.REGRESSION, where, regression, too_few(where)) for where in counts]
    return [*found, Limit(Metric.REGRESSION, OVERALL, regression, "no model is live yet, nothing to compare with")]
