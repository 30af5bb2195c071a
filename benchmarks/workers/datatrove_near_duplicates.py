"""datatrove: its four MinHash stages over word trigrams, default bands, in one process; candidates are not verified."""

from __future__ import annotations

import array
import pathlib
import tempfile
from typing import Any

import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from loguru import logger

from benchmarks import worker


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them."""
    logger.remove()
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    _work(texts[:50], arguments)
    return lambda: _work(texts, arguments)


def _work(texts: list[str], arguments: dict[str, Any]) -> dict[str, Any]:
    documents = [Document(text=text, id=str(row)) for row, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        kept = deduplicated(documents, folder, clusters=True)
        labels = array.array("q", range(len(texts)))
        written = array.array("I")
        found = pathlib.Path(f"{folder}/remove/000000.clusters")
        written.frombytes(found.read_bytes() if found.exists() else b"")
        lowest: dict[int, int] = {}
        for row, cluster in sorted(zip(written[::2], written[1::2], strict=True)):
            labels[row] = lowest.setdefault(cluster, row)
        with pathlib.Path(arguments["labels"]).open("wb") as file:
            labels.tofile(file)
    return {"items": len(texts), "kept": len(kept)}


def deduplicated(documents: list[Document], folder: str, *, clusters: bool = False) -> list[Document]:
    """What its four stages leave of the documents; `folder` holds what they write."""
    config = MinhashConfig(n_grams=3)
    MinhashDedupSignature(f"{folder}/signatures", config).run(iter(documents), 0, 1)
    for bucket in range(config.num_buckets):
        MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config).run(
            None, bucket, config.num_buckets
        )
    MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config, save_cluster_id=clusters).run(None, 0, 1)
    return list(MinhashDedupFilter(f"{folder}/remove").run(iter(documents), 0, 1))


if __name__ == "__main__":
    worker.serve(prepare, "datatrove")
