"""From TFMA's findings to verdicts, whether the model may be released, and which examples speak against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from components.evaluation.analysis import Analysis, judged
from components.evaluation.examples import BITS, BYTES, CHANGE, RISE, Examples
from components.evaluation.limits import Limit, Members
from components.evaluation.report import (
    OVERALL,
    FailingExample,
    Memorisation,
    Metric,
    Outcome,
    Role,
    Verdict,
)


def verdicts(found: Analysis, limits: Iterable[Limit]) -> list[Verdict]:
    """How the model stands to each limit."""
    return [_verdict(limit, found) for limit in limits]


def of_memorisation(found: Memorisation | None, limit: int, why_not: str) -> Verdict:
    """How the model stands to the limit on what can be had back.

    Args:
        why_not: why it was not measured, where it was not.
    """
    if found is None or not found.prompts:
        reason = why_not or "no training sample is long enough"
        return Verdict(Metric.EXTRACTED, OVERALL, None, limit, Outcome.NOT_JUDGED, f"memorisation not judged: {reason}")
    count = len(found.extracted)
    tried = f"of {found.prompts:,} training samples {count:,} can be had back word for word"
    outcome = Outcome.PASSED if count <= limit else Outcome.FAILED
    reason = f"{tried}, {'within' if count <= limit else 'more than'} {limit:,}"
    return Verdict(Metric.EXTRACTED, OVERALL, float(count), limit, outcome, reason)


def conclude(verdicts: Sequence[Verdict], *, has_baseline: bool) -> tuple[bool, str]:
    """Blessed if nothing failed and the whole was judged, also against the live model where there is one.

    Returns:
        Whether, and why in words.
    """
    failed = [item.reason for item in verdicts if item.outcome is Outcome.FAILED]
    needed = {Metric.BITS_PER_BYTE, Metric.REGRESSION} if has_baseline else {Metric.BITS_PER_BYTE}
    judged = {item.metric for item in verdicts if item.slice == OVERALL and item.outcome is not Outcome.NOT_JUDGED}
    missing = [item.reason for item in verdicts if item.slice == OVERALL and item.metric in needed - judged]
    if failed or missing:
        return False, "; ".join(failed + missing)
    passed = sum(item.outcome is Outcome.PASSED for item in verdicts)
    skipped = len(verdicts) - passed
    baseline = "compared with the live model" if has_baseline else "no model is live yet to compare with"
    return True, f"{passed} limits met, {skipped} not judged; {baseline}"


def failing(verdicts: Iterable[Verdict], examples: Examples, members: Members, most: int) -> tuple[FailingExample, ...]:
    """The examples that weigh most in the limits that are not met, at most so many of each limit, the worst first."""
    return tuple(
        example
        for verdict in verdicts
        if verdict.outcome is Outcome.FAILED and verdict.slice in members and verdict.metric is not Metric.EXTRACTED
        for example in _worst(verdict, examples, members)[:most]
    )


def _verdict(limit: Limit, found: Analysis) -> Verdict:
    name, figures = limit.metric.value, found.figures.get(judged(limit.metric, limit.slice), {}).get(limit.slice)
    value = figures.bits_per_byte if figures else None
    if limit.why_not is not None:
        outcome, reason = Outcome.NOT_JUDGED, f"{name} on {limit.slice} not judged: {limit.why_not}"
    elif value is None:
        outcome, reason = Outcome.FAILED, f"{name} on {limit.slice} is not a number"
    elif (limit.metric, limit.slice) in found.failures:
        outcome, reason = (
            Outcome.FAILED,
            f"{name} on {limit.slice} is {value:.4f}, above the limit of {limit.maximum:.4g}",
        )
    else:
        outcome, reason = Outcome.PASSED, f"{name} on {limit.slice} is {value:.4f}, within {limit.maximum:.4g}"
        if value > limit.maximum:
            reason = f"{name} on {limit.slice} is {value:.4f}, within the {limit.chance:.4f} that chance may bring"
    return Verdict(limit.metric, limit.slice, value, limit.maximum, outcome, reason, limit.chance)


def _worst(verdict: Verdict, examples: Examples, members: Members) -> list[FailingExample]:
    compared = {Metric.REGRESSION: CHANGE, Metric.COMPRESSION: RISE}.get(verdict.metric)
    rows = examples.quantities[compared or Role.SERVED.value]
    places = members[verdict.slice]
    places = places[rows[places, BYTES] > 0]
    excess = rows[places, BITS] - verdict.limit * rows[places, BYTES]
    order = np.lexsort((places, -np.nan_to_num(excess, nan=np.inf)))
    found = []
    for place, beyond in zip(places[order].tolist(), excess[order].tolist(), strict=True):
        size = float(rows[place, BYTES])
        bits = float(rows[place, BITS])
        other = float(examples.others[compared][place]) if compared else 0.0
        if np.isfinite([bits, other]).all() and beyond <= 0:
            break
        found.append(
            FailingExample(
                verdict.metric,
                verdict.slice,
                examples.sample_ids[place],
                str(examples.values["modality"][place]),
                round(size),
                _finite((bits + other) / size),
                _finite(other / size) if compared else None,
                _finite(beyond),
            )
        )
    return found


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
