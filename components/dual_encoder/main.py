"""The process that trains: `python -m components.dual_encoder.main JOB.json`, started by the node TrainDualEncoder.

TensorFlow is told about determinism before it starts, which a process that has used it cannot do.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components import process
from components.dual_encoder import encoder, learning, pairs, retrieval
from components.dual_encoder.card import Card
from components.dual_encoder.config import DualEncoderConfig
from components.dual_encoder.encoder import DualEncoder
from components.dual_encoder.pairs import Pairs
from schemas import progress
from schemas.config import from_json
from schemas.errors import SourceError

_AT = 10


def train(job: dict[str, Any]) -> None:
    """Trains on the split train, measures on the split eval, stores.

    Args:
        job: `config` (JSON), `seed`, `samples` (directory), `output` (directory that the encoder is written to).

    Raises:
        SourceError: there are too few pairs.
    """
    tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_op_determinism()
    config = from_json(DualEncoderConfig, job["config"])
    progress.start(learning.NODE, "reading pairs")
    seen, held_out = (
        pairs.read(job["samples"], split, config.towers, limit=config.max_pairs) for split in ("train", "eval")
    )
    for split, found, wanted in (("train", seen, config.min_pairs), ("eval", held_out, 2)):
        if len(found) < wanted:
            raise SourceError(
                f"{len(found)} samples of the split {split} have a text and an image; {wanted} are needed",
                where=f"{learning.NODE}, {job['samples']}",
                remedy="add such samples, or lower min_pairs, or do without the association of images with texts",
            )
    towers = learning.fit(seen, config, seed=job["seed"])
    progress.start(learning.NODE, "measuring")
    trained = DualEncoder(towers)
    singles = held_out.one_a_cluster()
    encoder.save(
        job["output"],
        towers,
        Card(
            towers=config.towers,
            seed=job["seed"],
            steps=config.steps,
            train_pairs=len(seen),
            eval_pairs=len(held_out),
            recall_at_10=_recall(trained, held_out),
            chance=retrieval.chance(len(held_out), _AT),
            cluster_pairs=len(singles),
            cluster_recall_at_10=_recall(trained, singles),
            digest=towers.digest(),
        ),
    )


def _recall(trained: DualEncoder, found: Pairs) -> float:
    return retrieval.recall(trained.encode_pixels(found.images), trained.encode_texts(found.texts), _AT)


if __name__ == "__main__":
    process.main(train)
