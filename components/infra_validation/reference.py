"""The golden answers of the float model, and whether those of the model that would serve are near them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from components.infra_validation.golden import Golden
from components.infra_validation.report import Check
from serving.instance import Score
from serving.keys import PublicKey
from serving.model import load


def answers(
    model: str | os.PathLike[str], requests: Sequence[Golden], trusted: Sequence[PublicKey]
) -> list[tuple[Score, ...]]:
    """What a model answers, request by request, through the serving interface.

    Raises:
        IntegrityError: it cannot be loaded.
    """
    loaded = load(model, trusted=trusted)
    return [tuple(loaded.score(request.instances)) for request in requests]


def check(answered: Sequence[Golden], reference: Sequence[tuple[Score, ...]], max_difference: float) -> Check:
    """Whether golden answers are as near to those of the reference as they must be.

    Args:
        answered: the requests with their answers.
        reference: the answers of the float model, in their order.
        max_difference: the most that the bits per byte may differ, as a share of the reference's, or of one bit.
    """
    worst, broken = 0.0, []
    for request, expected in zip(answered, reference, strict=True):
        difference = max(map(_difference, request.scores, expected), default=0.0)
        if len(request.scores) != len(expected):
            difference = math.inf
        worst = max(worst, difference)
        if not difference <= max_difference:
            broken.append(f"{request.name} ({difference:.3g})")
    seen = f"not so for {', '.join(broken)}" if broken else f"at most {worst:.3g}"
    return Check(f"answers within {max_difference:g} of the float model's", not broken, seen)


def _difference(score: Score, expected: Score) -> float:
    """How far apart two answers are, text and code each; without end where they are of other bytes, or no number."""
    if (score.text_bytes, score.code_bytes) != (expected.text_bytes, expected.code_bytes):
        return math.inf
    apart = 0.0
    for nll, reference, size in (
        (score.text_nll, expected.text_nll, score.text_bytes),
        (score.code_nll, expected.code_nll, score.code_bytes),
    ):
        if not math.isfinite(nll):
            return math.inf
        if size:
            bits, reference_bits = nll / size / math.log(2), reference / size / math.log(2)
            apart = max(apart, abs(bits - reference_bits) / max(reference_bits, 1.0))
    return apart
