"""The held-out samples that judge a model."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping

from schemas import tables
from schemas.errors import SourceError
from serving.instance import Instance


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """One sample that no model was trained on.

    Attributes:
        sample_id: its identity.
        source: the data set it belongs to.
        instance: what a model is asked.
        cluster: samples of one cluster are alike, so that they are no independent witnesses; '' if it stands alone.
        attributes: what its records say of it.
        augmented: whether it was made from another sample.
    """

    sample_id: str
    source: str
    instance: Instance
    cluster: str = ""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    augmented: bool = False


def read(
    directory: str | os.PathLike[str], split: str, limit: int | None = None, *, augmented: bool = False
) -> list[HeldOut]:
    """The samples of a split that have text or code to predict, in an order that depends on nothing but their ids.

    Args:
        directory: a table of `schemas.records.SAMPLE`.
        split: `eval` or `test`; `train` where memorisation is looked for.
        limit: most samples to return, the first in that order.
        augmented: take along samples that were made from others.

    Raises:
        SourceError: the split is empty.
    """
    chosen = [
        HeldOut(
            row["sample_id"],
            row["source"],
            Instance(row["text"], row["image"], row["code"]),
            cluster=row["cluster"],
            attributes=row["attributes"],
            augmented=row["parent"] is not None,
        )
        for row in tables.rows(directory)
        if row["split"] == split and (augmented or row["parent"] is None) and (row["text"] or row["code"])
    ]
    if not chosen:
        raise SourceError(
            f"no sample in the split `{split}`: a model cannot be judged",
            where=os.fspath(directory),
            remedy="add data, so that about one sample in ten is held out",
        )
    return sorted(chosen, key=lambda sample: hashlib.sha256(sample.sample_id.encode()).digest())[:limit]
