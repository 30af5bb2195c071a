"""Whether an image is told from others by the text that belongs to it: recall of an image's own text among candidates.

Candidates are ordered by how many nats likelier the image makes each, that is by its conditional likelihood over its
likelihood without an image: by the conditional likelihood alone a short text would win whatever the image shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from components.evaluation.config import RetrievalConfig
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Retrieval
from components.evaluation.scoring import score_all
from schemas import progress
from serving.instance import Instance
from serving.model import Model


def test(model: Model, samples: Sequence[HeldOut], config: RetrievalConfig, *, node: str) -> Retrieval | None:
    """Tries the first images that have a text, in groups whose texts are each other's candidates.

    Args:
        model: what is asked.
        samples: in an order that is as good as random.
        config: how many images and candidates.
        node: whose progress it is.

    Returns:
        What was found; None where there are not two images with a text.
    """
    pairs = [sample for sample in samples if sample.instance.image and sample.instance.text]
    # Of equal texts neither is the right one.
    pairs = list({sample.instance.text: sample for sample in reversed(pairs)}.values())[::-1][: config.images]
    groups = [pairs[start : start + config.candidates] for start in range(0, len(pairs), config.candidates)]
    groups = [group for group in groups if len(group) == min(config.candidates, len(pairs)) and len(group) > 1]
    if not groups:
        return None
    progress.start(
        node, "telling images by their texts", total=sum(len(g) * (len(g) + 1) for g in groups), unit="pairs"
    )
    places = np.concatenate([_places(model, group, node) for group in groups])
    recall = tuple((k, float((places < k).mean())) for k in config.recall_at)
    return Retrieval(len(places), len(groups[0]), recall)


def _places(model: Model, group: Sequence[HeldOut], node: str) -> np.ndarray:
    """For each image how many texts it makes likelier than its own, int64 `[images]`; a tie counts against it."""
    asked = [
        dataclasses.replace(one, instance=dataclasses.replace(other.instance, image=one.instance.image, code=None))
        for one in group
        for other in group
    ]
    alone = [dataclasses.replace(one, instance=Instance(text=one.instance.text)) for one in group]
    with_image = np.array([score.text_nll for score in score_all(model, asked, node=node)]).reshape(len(group), -1)
    without = np.array([score.text_nll for score in score_all(model, alone, node=node)])
    gained = without - with_image
    behind: np.ndarray = gained < np.diagonal(gained)[:, None]
    return (~behind).sum(axis=1) - 1  # where there is no number, nothing is behind
