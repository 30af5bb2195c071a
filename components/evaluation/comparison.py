"""Scores of two models that may be compared: of the same bytes of the same samples.

Models may look at different beginnings of a sample, since their budgets are in tokens, and their tokenisers may differ.
Where they do, both are asked again about what both have looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.evaluation.held_out import HeldOut
from components.evaluation.scoring import score_all
from serving.instance import Instance, Score
from serving.model import Model

Pair = tuple[list[Score], list[Score]]


def paired(
    samples: Sequence[HeldOut],
    ours: tuple[Model, Sequence[Score]],
    theirs: tuple[Model, Sequence[Score]],
    *,
    node: str,
) -> Pair:
    """The scores of both, one a sample each, where need be of the beginning that both have looked at.

    A modality of which they still look at different beginnings keeps differing bytes; it is not comparable.

    Args:
        samples: what was scored.
        ours: a model and its scores.
        theirs: likewise.
        node: whose progress it is.
    """
    found = list(ours[1]), list(theirs[1])
    differ = [place for place, scores in enumerate(zip(*found, strict=True)) if _bytes(scores[0]) != _bytes(scores[1])]
    if differ:
        cut = [
            dataclasses.replace(
                samples[place], instance=_common(samples[place].instance, found[0][place], found[1][place])
            )
            for place in differ
        ]
        for scores, (model, _) in zip(found, (ours, theirs), strict=True):
            for place, score in zip(differ, score_all(model, cut, node=node), strict=True):
                scores[place] = score
    return found


def _common(instance: Instance, one: Score, other: Score) -> Instance:
    return dataclasses.replace(
        instance,
        text=_beginning(instance.text, min(one.text_bytes, other.text_bytes)),
        code=_beginning(instance.code, min(one.code_bytes, other.code_bytes)),
    )


def _beginning(text: str | None, size: int) -> str | None:
    return text.encode()[:size].decode(errors="ignore") or None if text else None


def _bytes(score: Score) -> tuple[int, int]:
    return score.text_bytes, score.code_bytes
