"""From TFMA's findings to a report: every limit's verdict, and whether the model may be released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.evaluation.analysis import MODEL_JUDGED, Analysis
from components.evaluation.limits import Limit
from components.evaluation.report import OVERALL, Metric, ModelFigures, Outcome, Report, Role, Verdict
from serving.manifest import Manifest


def judge(
    found: Analysis, limits: Sequence[Limit], *, manifests: Mapping[Role, Manifest], split: str, samples: int
) -> Report:
    """The report of an evaluation.

    Args:
        found: what TFMA says.
        limits: what it was held against.
        manifests: what each model is.
        split: the split that judged.
        samples: how many samples were scored.
    """
    verdicts = tuple(_verdict(limit, found) for limit in limits)
    has_baseline = Role.BASELINE in manifests
    blessed, message = _conclude(verdicts, has_baseline=has_baseline)
    models = tuple(
        ModelFigures(
            role=role,
            format=manifest.format.value,
            quantization=manifest.quantization,
            slices=tuple(sorted(found.figures[role.value].values(), key=lambda figures: figures.slice.order)),
        )
        for role, manifest in manifests.items()
    )
    return Report(split, samples, has_baseline, blessed, message, models, verdicts)


def _verdict(limit: Limit, found: Analysis) -> Verdict:
    name, figures = limit.metric.value, found.figures.get(MODEL_JUDGED[limit.metric], {}).get(limit.slice)
    value = figures.bits_per_byte if figures else None
    if limit.why_not is not None:
        outcome, reason = Outcome.NOT_JUDGED, f"{name} on {limit.slice} not judged: {limit.why_not}"
    elif value is None:
        outcome, reason = Outcome.FAILED, f"{name} on {limit.slice} is not a number"
    elif (limit.metric, limit.slice) in found.failures:
        outcome, reason = (
            Outcome.FAILED,
            f"{name} on {limit.slice} is {value:.4f}, above the limit of {limit.maximum:g}",
        )
    else:
        outcome, reason = Outcome.PASSED, f"{name} on {limit.slice} is {value:.4f}, within {limit.maximum:g}"
    return Verdict(limit.metric, limit.slice, value, limit.maximum, outcome, reason)


def _conclude(verdicts: Sequence[Verdict], *, has_baseline: bool) -> tuple[bool, str]:
    """Blessed if nothing failed and the whole was judged, also against the live model where there is one."""
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
