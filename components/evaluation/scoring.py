"""Scores held-out samples with a model, and what the scores come to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from components.evaluation.held_out import HeldOut
from schemas import progress
from serving.instance import Score
from serving.model import Model

_CHUNK = 32


def score_all(model: Model, samples: Sequence[HeldOut], *, node: str) -> list[Score]:
    """A score a sample, in their order; advances the node's progress."""
    scores: list[Score] = []
    for start in range(0, len(samples), _CHUNK):
        chunk = samples[start : start + _CHUNK]
        scores += model.score([sample.instance for sample in chunk])
        progress.advance(node, len(chunk))
    return scores


def bits_per_byte(scores: Iterable[Score]) -> float:
    """All bits over all bytes, text and code together."""
    scores = list(scores)
    nats = math.fsum(score.text_nll + score.code_nll for score in scores)
    return nats / math.log(2) / sum(score.text_bytes + score.code_bytes for score in scores)
