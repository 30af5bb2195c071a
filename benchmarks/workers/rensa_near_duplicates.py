"""rensa: MinHash and LSH in Rust over word trigrams made in Python; candidates are not verified.

Three ways, by the argument `sketch`: `full` as in its documentation, `rho`, its fastest, which samples token
positions, and `pairs`, which also says who is a candidate of whom and is used for recall and precision alone.
"""

from __future__ import annotations

import array
import pathlib
import re
from typing import Any

import pyarrow as pa
from rensa import RMinHash, RMinHashLSH

from benchmarks import worker

_WORD = re.compile(r"\w+")
_PERMUTATIONS = 128
_SEED = 42


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them."""
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    work = {"full": _full, "rho": _rho, "pairs": _pairs}[arguments["sketch"]]
    work(texts[:200], arguments)
    return lambda: work(texts, arguments)


def _shingled(texts: list[str]) -> list[list[str]]:
    shingles = []
    for text in texts:
        words = _WORD.findall(text.lower())
        shingles.append([f"{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:], strict=False)])
    return shingles


def _index(arguments: dict[str, Any]) -> RMinHashLSH:
    return RMinHashLSH(arguments["threshold"], _PERMUTATIONS, arguments["bands"])


def _full(texts: list[str], arguments: dict[str, Any]) -> dict[str, Any]:
    digests = RMinHash.digest_matrix_from_token_sets(_shingled(texts), _PERMUTATIONS, _SEED)
    flags = _index(arguments).query_duplicate_flags_matrix_one_shot(digests)
    return {"items": len(texts), "flagged": sum(flags)}


def _rho(texts: list[str], arguments: dict[str, Any]) -> dict[str, Any]:
    digests = RMinHash.digest_matrix_from_token_sets_rho(_shingled(texts), _PERMUTATIONS, _SEED)
    flags = _index(arguments).query_duplicate_flags_matrix_one_shot(digests)
    return {"items": len(texts), "flagged": sum(flags)}


def _pairs(texts: list[str], arguments: dict[str, Any]) -> dict[str, Any]:
    sketches = RMinHash.from_token_sets(_shingled(texts), _PERMUTATIONS, _SEED)
    index = _index(arguments)
    index.insert_many(sketches)
    labels = array.array("q", range(len(texts)))

    def root(row: int) -> int:
        while labels[row] != row:
            labels[row] = labels[labels[row]]
            row = labels[row]
        return row

    for row, candidates in enumerate(index.query_all(sketches)):
        for candidate in candidates:
            low, high = sorted((root(row), root(candidate)))
            labels[high] = low
    with pathlib.Path(arguments["labels"]).open("wb") as file:
        array.array("q", map(root, range(len(texts)))).tofile(file)
    return {"items": len(texts)}


if __name__ == "__main__":
    worker.serve(prepare, "rensa")
