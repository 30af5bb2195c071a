"""Ours: clusters of near duplicates, every candidate verified, from an Arrow array of strings."""

from __future__ import annotations

import pathlib
from typing import Any

import pyarrow as pa

from benchmarks import corpus, worker
from components.cleaning.near_duplicates.clusters import clusters


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`; each run writes its labels (int64) to `labels`."""
    pa.set_cpu_count(1)
    texts = corpus.load(pathlib.Path(arguments["corpus"]))["text"].chunk(0)
    clusters(texts[:200])

    def work() -> dict[str, Any]:
        labels = clusters(texts)
        labels.astype("int64").tofile(arguments["labels"])
        return {"items": len(texts)}

    return work


if __name__ == "__main__":
    worker.serve(prepare)
