"""Which limits hold on which slices, whether there is enough data to judge by, and what chance may bring."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.evaluation import intervals
from components.evaluation.config import EvaluationConfig
from components.evaluation.examples import BITS, BYTES, CHANGE, COMPARISONS, EXAMPLES, RISE, Examples
from components.evaluation.report import OVERALL, Metric, Role, Slice

_SEED = 0
"""Of the signs that are turned to know what chance brings; the same for every evaluation."""
_COMPARED = {Role.BASELINE: Metric.REGRESSION, Role.REFERENCE: Metric.COMPRESSION}

Members = Mapping[Slice, npt.NDArray[np.int64]]


@dataclasses.dataclass(frozen=True)
class Limit:
    """The most that a metric may be on a slice.

    Attributes:
        metric: what is measured.
        slice: where.
        maximum: the limit.
        chance: of a comparison, what chance alone may bring there; it is broken above both.
        why_not: why it cannot be judged, in words; None if it can.
    """

    metric: Metric
    slice: Slice
    maximum: float
    chance: float | None = None
    why_not: str | None = None

    @property
    def bound(self) -> float:
        """Above this it is broken."""
        return max(self.maximum, self.chance or 0.0)


def limits(
    config: EvaluationConfig,
    examples: Examples,
    members: Members,
    *,
    damaged: Mapping[str, int],
    incomparable: Mapping[Role, str],
) -> list[Limit]:
    """Every limit that the configuration sets, and whether there is enough to judge it by.

    Limits on the bits per byte themselves judge the figure as it is. A comparison is judged by what chance brings too, on
    all slices of all comparisons together, so that more slices do not make wrong alarms likelier.

    Args:
        config: the limits.
        examples: what was scored.
        members: the examples in each slice.
        damaged: how many examples there are of each condition.
        incomparable: why there is no comparison with a model.
    """
    counts = {where: len(places) for where, places in members.items()}
    counts |= {Slice.of(condition=condition): count for condition, count in damaged.items()}
    absolute = {OVERALL: config.max_bits_per_byte}
    absolute |= {Slice.of(item.where): item.max_bits_per_byte for item in config.slice_limits}
    found = [
        Limit(Metric.BITS_PER_BYTE, where, most, why_not=_too_few(counts.get(where, 0), config.min_examples))
        for where, most in absolute.items()
    ]
    for role, reason in incomparable.items():
        metric = _COMPARED[role]
        most = config.max_regression if metric is Metric.REGRESSION else config.max_compression_rise_bits_per_byte
        found.append(Limit(metric, OVERALL, most, why_not=reason))
    return found + _comparisons(config, examples, members)


def _comparisons(config: EvaluationConfig, examples: Examples, members: Members) -> list[Limit]:
    found: list[Limit] = []
    sums: list[npt.NDArray[Any]] = []
    sizes: list[float] = []
    for role, model in COMPARISONS.items():
        if model not in examples.quantities:
            continue
        rows, others = examples.quantities[model], examples.others[model]
        for where, places in members.items():
            here = places[rows[places, EXAMPLES] > 0]
            size = float(rows[here, BYTES].sum())
            why_not = _too_few(len(here), config.min_examples)
            if why_not is None and not np.isfinite(others[here]).all():
                why_not = "the answer of the model that it is compared with is not a number"
            allowed = _allowed(config, model, float(others[here].sum()) / size if size else 0.0)
            found.append(Limit(_COMPARED[role], where, allowed, why_not=why_not))
            if why_not is None:
                bits = np.nan_to_num(rows[here, BITS], nan=0.0, posinf=0.0, neginf=0.0)
                sums.append(np.bincount(examples.clusters[here], bits, examples.clusters.max() + 1))
                sizes.append(size)
    if not sums:
        return found
    differences: npt.NDArray[np.float64] = np.stack(sums, axis=1)
    reach = intervals.critical(differences, config.confidence, seed=_SEED) * intervals.deviations(differences)
    chances = iter((reach / np.array(sizes)).tolist())
    return [dataclasses.replace(limit, chance=next(chances)) if limit.why_not is None else limit for limit in found]


def _allowed(config: EvaluationConfig, model: str, other: float) -> float:
    """The rise that is allowed over another model's bits per byte."""
    if model == RISE:
        return config.max_compression_rise_bits_per_byte
    assert model == CHANGE
    share = config.max_regression * other if np.isfinite(other) else 0.0
    return max(share, config.max_regression_bits_per_byte)


def _too_few(found: int, needed: int) -> str | None:
    return None if found >= needed else f"{found} examples, at least {needed} are needed"
