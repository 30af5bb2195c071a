"""text-dedup: its `minhash` command on a dataset on disk, word trigrams at 0.7; candidates are not verified."""

from __future__ import annotations

import array
import pathlib
import tempfile
from typing import Any

import datasets
import pyarrow as pa
from text_dedup import minhash

from benchmarks import worker


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them, and stores them as it wants them."""
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    datasets.disable_caching()
    datasets.disable_progress_bars()
    place = tempfile.TemporaryDirectory()
    datasets.Dataset.from_dict({"text": texts}).save_to_disk(f"{place.name}/texts")

    def work() -> dict[str, Any]:
        options = {
            "path": f"{place.name}/texts",
            "output": f"{place.name}/kept",
            "cache_dir": f"{place.name}/cache",
            "column": "text",
            "ngram": 3,
            "threshold": 0.7,
            "num_perm": 128,
            "num_proc": 1,
            "hash_func": "xxh3",
        }
        command = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        minhash.main(["--local", *command], standalone_mode=False)
        with pathlib.Path(arguments["labels"]).open("wb") as file:
            array.array("q", (minhash.uf.find(row) for row in range(len(texts)))).tofile(file)
        return {"items": len(texts)}

    return work


if __name__ == "__main__":
    worker.serve(prepare, "text-dedup")
