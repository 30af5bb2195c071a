"""Ours: two sides of made-up names, associated by words and letters with the model that is shipped.

A name on the left is 2 to 5 words, some of them common, most of them rare. On the right its words come in another order,
every second name lacks one, and it has tags. Nothing is removed.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from benchmarks import worker
from components.alignment.semantic.association import Things, associate
from components.alignment.semantic.config import Matching

_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
]
_MIDDLES = ["a", "e", "i", "o", "u", "ea", "ou"]
_ENDS = ["b", "ck", "d", "g", "l", "ll", "m", "n", "nd", "p", "r", "st", "t", "x"]
_SKEW = 1.2  # of Zipf's law
_WARMING = 200


def sides(count: int, seed: int) -> tuple[list[list[str]], list[list[str]], np.ndarray]:
    """The lines of both sides, and for each left thing its partner on the right, int64 [count]."""
    random = np.random.default_rng(seed)
    syllables = ["".join(parts) for parts in itertools.product(_ONSETS, _MIDDLES, _ENDS)]
    places = random.zipf(_SKEW, (count, 8)) % (len(syllables) ** 2)
    words = [
        [syllables[place // len(syllables)] + syllables[place % len(syllables)] for place in row]
        for row in places.tolist()
    ]
    lengths = random.integers(2, 6, count).tolist()
    left, right = [], []
    for row, length in zip(words, lengths, strict=True):
        own = row[:length]
        left.append([" ".join(own)])
        other = [own[place] for place in random.permutation(length)]
        right.append([" ".join(other[1:] if length > 2 and random.random() < 0.5 else other), ", ".join(row[5:])])
    order = random.permutation(count)
    return left, [right[place] for place in order], np.argsort(order)


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Makes `count` things a side."""
    left, right, partners = sides(arguments["count"], arguments["seed"])
    config = Matching(min_score=0.5)
    associate(Things(left[:_WARMING]), Things(right[:_WARMING]), config)

    def work() -> dict[str, Any]:
        found = associate(Things(left), Things(right), config)
        true = partners[found.left] == found.right
        return {"items": len(left), "right": float(true.sum() / len(left)), "precision": float(true.mean())}

    return work


if __name__ == "__main__":
    worker.serve(prepare)
