"""What is stored beside a dual encoder's weights: what the networks are, and how well they did."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pydantic

from components.dual_encoder.config import TowersConfig
from schemas import storage
from schemas.errors import IntegrityError

FILE_NAME = "encoder.json"
_MAX_BYTES = 100_000


@dataclasses.dataclass(frozen=True)
class Card:
    """See the module.

    Attributes:
        towers: what the networks are.
        seed: of the training.
        steps: updates done.
        train_pairs: how many pairs it learnt from.
        eval_pairs: how many pairs of the split eval it was measured on.
        recall_at_10: the share of their images whose own text is among the ten nearest of these pairs' texts.
        chance: the same share where the order is random.
        cluster_pairs: how many remain with one pair of each cluster, so that no variant of a thing is beside it.
        cluster_recall_at_10: the share among those.
        digest: canonical digest of the weights.
    """

    towers: TowersConfig
    seed: int
    steps: int
    train_pairs: int
    eval_pairs: int
    recall_at_10: float
    chance: float
    cluster_pairs: int
    cluster_recall_at_10: float
    digest: str

    @property
    def cluster_chance(self) -> float:
        """Chance among one pair of each cluster."""
        return min(1.0, 10 / self.cluster_pairs)

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `encoder.json`, whole or not at all.

        Raises:
            StorageError: the disk is full, or the directory cannot be written.
        """
        with storage.written_whole(pathlib.Path(directory, FILE_NAME)) as path:
            path.write_text(json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True) + "\n")

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Card:
        """The card in a directory.

        Raises:
            IntegrityError: there is none.
        """
        path = pathlib.Path(directory, FILE_NAME)
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES)
            return pydantic.TypeAdapter(cls).validate_json(content)
        except (OSError, pydantic.ValidationError) as error:
            what = str(error).splitlines()[0]
            raise IntegrityError(
                f"no dual encoder here: {what}", where=str(path), remedy="run the node that trains it again"
            ) from error
