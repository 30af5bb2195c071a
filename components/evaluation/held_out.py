"""The held-out samples that judge a model."""

from __future__ import annotations

import dataclasses
import hashlib
import os

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
    """

    sample_id: str
    source: str
    instance: Instance


def read(directory: str | os.PathLike[str], split: str, limit: int | None = None) -> list[HeldOut]:
    """The samples of a split that have text or code to predict, in an order that depends on nothing but their ids.

    Args:
        directory: a table of `schemas.records.SAMPLE`.
        split: `eval` or `test`.
        limit: most samples to return, the first in that order.

    Raises:
        SourceError: the split is empty.
    """
    chosen = [
        HeldOut(row["sample_id"], row["source"], Instance(row["text"], row["image"], row["code"]))
        for row in tables.rows(directory)
        if row["split"] == split and row["parent"] is None and (row["text"] or row["code"])
    ]
    if not chosen:
        raise SourceError(
            f"no sample in the split `{split}`: a model cannot be judged",
            where=os.fspath(directory),
            remedy="add data, so that about one sample in ten is held out",
        )
    return sorted(chosen, key=lambda sample: hashlib.sha256(sample.sample_id.encode()).digest())[:limit]
