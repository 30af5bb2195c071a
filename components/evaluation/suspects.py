"""Pairs that may not belong together, told after training: a model predicts a text and a code no better with their own image,
or a code no better with its own text, than with another's.

A model that has learnt nothing from the one about the other finds half of all pairs suspect; how much more it finds right is
told beside them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from components.evaluation.held_out import HeldOut
from serving.instance import Instance, Score

PARTNERS = ("image", "text")
"""What is exchanged: an image, beside which text and code are predicted; a text, before the code that is predicted."""
_MOST_OTHERS = 8

Scorer = Callable[[Sequence[Instance]], list[Score]]


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A sample that is predicted no better with its own partner.

    Attributes:
        sample_id: the sample.
        source: its data set.
        partner: what was exchanged, of `PARTNERS`.
        own_nats: negative log-likelihood with its own partner.
        others_nats: the same with another's, the mean over some others of its data set.
    """

    sample_id: str
    source: str
    partner: str
    own_nats: float
    others_nats: float

    @property
    def excess_nats(self) -> float:
        """How much worse its own partner is."""
        return self.own_nats - self.others_nats


@dataclasses.dataclass(frozen=True)
class Suspicion:
    """What was found of one kind of partner.

    Attributes:
        partner: of `PARTNERS`.
        samples: how many pairs were looked at.
        suspects: those that are suspect, the worst first.
    """

    partner: str
    samples: int
    suspects: tuple[Suspect, ...]


def find(score: Scorer, samples: Sequence[HeldOut], *, others: int, seed: int) -> list[Suspicion]:
    """The suspect pairs among samples, for each kind of partner that any of them has.

    Args:
        score: the model.
        samples: what to look at. The partners that are exchanged come from among them, of the same data set.
        others: with how many others' partners each is compared, 1 to 8.
        seed: which others.
    """
    found = []
    for partner in PARTNERS:
        suspicion = _of_partner(score, samples, partner, min(others, _MOST_OTHERS), seed)
        if suspicion.samples:
            found.append(suspicion)
    return found


def _of_partner(score: Scorer, samples: Sequence[HeldOut], partner: str, others: int, seed: int) -> Suspicion:
    looked_at = 0
    suspects = []
    for source in sorted({sample.source for sample in samples}):
        own = [sample for sample in samples if sample.source == source and _has(sample.instance, partner)]
        if len(own) < 2:
            continue
        looked_at += len(own)
        losses = _losses(score, [sample.instance for sample in own], partner)
        order = np.random.Generator(np.random.Philox(key=[seed, 0])).permutation(len(own))
        elsewhere = np.zeros(len(own))
        turns = range(1, min(others, len(own) - 1) + 1)
        for turn in turns:
            # Around a circle in random order nobody meets itself.
            exchanged = [
                dataclasses.replace(own[one].instance, **{partner: getattr(own[other].instance, partner)})
                for one, other in zip(order, np.roll(order, turn), strict=True)
            ]
            elsewhere[order] += _losses(score, exchanged, partner) / len(turns)
        suspects += [
            Suspect(sample.sample_id, source, partner, float(loss), float(other))
            for sample, loss, other in zip(own, losses, elsewhere, strict=True)
            if loss >= other
        ]
    ordered = sorted(suspects, key=lambda suspect: (-suspect.excess_nats, suspect.sample_id))
    return Suspicion(partner, looked_at, tuple(ordered))


def _has(instance: Instance, partner: str) -> bool:
    if partner == "image":
        return instance.image is not None and bool(instance.text or instance.code)
    return bool(instance.text and instance.code)


def _losses(score: Scorer, instances: Sequence[Instance], partner: str) -> np.ndarray:
    """Nats of what is predicted beside a partner, float64 `[instances]`."""
    scores = score(instances)
    return np.array([one.code_nll + (one.text_nll if partner == "image" else 0.0) for one in scores])
