"""Clusters of samples that are alike, and a split for each cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from components.alignment.config import Splits
from schemas.errors import IntegrityError, SourceError

NAMES = ("train", "eval", "test")
# ("cluster", name), ("content", SHA-256) or ("near_duplicates", record id): sorted, names come first
Mark = tuple[str, str]


def clusters(marks: Sequence[Iterable[Mark]]) -> list[str]:
    """Joins items that share a mark, directly or through others (union-find).

    Args:
        marks: for each item what it may share with others; a mark of the kind `cluster` at least.

    Returns:
        For each item the name of its cluster, the lowest of the names that came together in it.
    """
    parent: dict[Mark, Mark] = {}

    def root(mark: Mark) -> Mark:
        while parent.setdefault(mark, mark) != mark:
            parent[mark] = parent[parent[mark]]
            mark = parent[mark]
        return mark

    for own in marks:
        lowest, *others = sorted({root(mark) for mark in own})
        for other in others:
            parent[other] = lowest
    return [root(next(iter(own)))[1] for own in marks]


def assign(names: Iterable[str], splits: Splits, seed: int) -> dict[str, str]:
    """A split for each cluster, by the hash of its name and the seed alone, so that more data moves no cluster.

    Only where that leaves a split empty, as it can with a handful of clusters, the split gets a cluster that was next
    to it by hash.

    Args:
        names: the clusters' names.

    Raises:
        SourceError: there are fewer clusters than splits.
    """
    place = {name: _place(name, seed) for name in set(names)}
    if len(place) < len(NAMES):
        raise SourceError(
            f"{len(place)} kinds of samples cannot be divided into the splits {', '.join(NAMES)}",
            where="Align",
            remedy="add data: at least three samples that are not variants or copies of each other",
        )
    ordered = sorted(place, key=lambda name: (place[name], name))
    train = sum(place[name] < splits.train for name in ordered)
    both = sum(place[name] < splits.train + splits.eval for name in ordered)
    both = min(max(both, 2), len(ordered) - 1)
    train = min(max(train, 1), both - 1)
    return {
        name: NAMES[0] if index < train else NAMES[1] if index < both else NAMES[2]
        for index, name in enumerate(ordered)
    }


def check(marks: Sequence[Iterable[Mark]], assigned: Sequence[str]) -> None:
    """Checks that whatever shares a mark shares a split.

    Raises:
        IntegrityError: it does not.
    """
    seen: dict[Mark, str] = {}
    for own, split in zip(marks, assigned, strict=True):
        for mark in own:
            if seen.setdefault(mark, split) != split:
                raise IntegrityError(f"{' '.join(mark)} is in the splits {seen[mark]} and {split}", where="Align")


def _place(name: str, seed: int) -> float:
    """Where in [0, 1) a cluster falls."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
