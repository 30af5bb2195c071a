"""scikit-learn: for each name the one whose characters are nearest, by TF-IDF of 2- to 5-grams, all with all."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks import worker
from benchmarks.workers.semantic import sides

_AT_ONCE = 500


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Makes `count` things a side."""
    left, right, partners = sides(arguments["count"], arguments["seed"])
    names, others = [lines[0] for lines in left], [lines[0] for lines in right]

    def work() -> dict[str, Any]:
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True).fit(names + others)
        rows, columns = vectors.transform(names), vectors.transform(others).T.tocsc()
        parts = range(0, len(names), _AT_ONCE)
        best = [(rows[start : start + _AT_ONCE] @ columns).toarray().argmax(axis=1) for start in parts]
        right = float((np.concatenate(best) == partners).mean())
        return {"items": len(left), "right": right, "precision": right}

    return work


if __name__ == "__main__":
    worker.serve(prepare, "scikit-learn")
