"""Which documents of a block really are near duplicates: an exact join of sets by Jaccard similarity.

Prefix filtering (Bayardo, Ma, Srikant, 'Scaling Up All Pairs Similarity Search', WWW 2007) with the length and position
filters of PPJoin (Xiao, Wang, Lin, Yu, 'Efficient Similarity Joins for Near Duplicate Detection', WWW 2008): each set
is ordered rarest shingle first, so that sets that are alike share a shingle among their first few. Common shingles,
such as those of a header that all documents share, sort last, never enter these prefixes, and cost nothing.

Not every pair is compared: two sets that others already connect are left alone, because only clusters are asked for.
What is found does not depend on the order of the rows: sets are taken by size, then by a hash of what they hold.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled, mix, root
from components.cleaning.near_duplicates.shingles import Shingles

MAX_VISITED = 20_000
"""Postings that one document may visit, rarest shingles first. More are met only in a cluster of so many near
duplicates, of which the document has by then most likely found one; a bound is what keeps such a cluster linear."""

_FEW = 8  # candidates in a block that are compared directly
_SLACK = 1e-6  # a bound that rounding pushed over an integer must not exclude a pair; similarity itself is exact
_NONE = np.int32(-1)
_HALF = np.uint64(32)
_LOWER = np.uint64(0xFFFFFFFF)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Near duplicates, enough of them to connect every cluster.

    Attributes:
        a: int64 [pairs], the smaller row of each pair.
        b: int64 [pairs], the larger row.
        similarity: float64 [pairs], exact Jaccard similarity of the two sets.
        compared: how many pairs of sets were compared.
        visited: how many entries of the index were looked at.
    """

    a: np.ndarray
    b: np.ndarray
    similarity: np.ndarray
    compared: int
    visited: int


def join(shingles: Shingles, blocks: np.ndarray, threshold: float) -> Pairs:
    """Pairs of documents of one block whose shingle sets have a Jaccard similarity of `threshold` or more.

    The pairs connect whatever all such pairs would connect, as long as no document meets more than `MAX_VISITED`
    others by its rare shingles. Documents without shingles are in no pair.

    Args:
        shingles: of n documents.
        blocks: int64 [n], the block of each.
        threshold: above 0, at most 1.
    """
    _, group, members = np.unique(blocks, return_inverse=True, return_counts=True)
    rows = np.flatnonzero((members[group] > 1) & (np.diff(shingles.offsets) > 0))
    sets, sizes, contents = _distinct(shingles, rows)
    order = np.lexsort((contents, sizes, group[rows]))  # stable: equal sets stay in the order of their rows
    rows, sizes, contents = rows[order], sizes[order], contents[order]
    bounds = np.append(np.flatnonzero(np.diff(group[rows], prepend=-1)), len(rows))
    found = np.empty((2, len(rows)), np.int64)
    similarity = np.empty(len(rows), np.float64)
    work = np.zeros(2, np.int64)
    count = _join(
        sets, shingles.offsets[rows], sizes, contents, rows, bounds, float(threshold), found, similarity, work
    )
    a, b = found[:, :count]
    return Pairs(np.minimum(a, b), np.maximum(a, b), similarity[:count].copy(), int(work[0]), int(work[1]))


def _distinct(shingles: Shingles, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sets of some rows at their offsets, uint32 [total]; sizes, int64 [rows]; hashes of each set, uint64 [rows]."""
    sets = np.empty(len(shingles.hashes), np.uint32)
    sizes, contents = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint64)
    longest = int(np.diff(shingles.offsets)[rows].max(initial=0))
    _fill_sets(shingles.hashes, shingles.offsets, rows, _table_size(longest), sets, sizes, contents)
    return sets, sizes, contents


@compiled
def _table_size(entries: int) -> int:
    """A power of two of which the entries fill at most half."""
    size = 2
    while size < 2 * entries:
        size *= 2
    return size


@compiled
def _fill_sets(hashes, offsets, rows, size, sets, sizes, contents):  # type: ignore[no-untyped-def]
    held = np.empty(size, np.uint32)
    owner = np.full(size, -1, np.int64)
    for document in range(len(rows)):
        start, end = offsets[rows[document]], offsets[rows[document] + 1]
        mask = _table_size(end - start) - 1
        count, content = start, np.uint64(0)
        for position in range(start, end):
            value = hashes[position]
            slot = np.int64(value) & mask
            while owner[slot] == document and held[slot] != value:
                slot = (slot + 1) & mask
            if owner[slot] != document:
                owner[slot] = document
                held[slot] = value
                sets[count] = value
                count += 1
                content += mix(np.uint64(value) + _HALF)  # a sum: the order of the shingles does not matter
        sizes[document] = count - start
        contents[document] = content


@compiled
def _join(sets, starts, sizes, contents, rows, bounds, threshold, found, similarity, work):  # type: ignore[no-untyped-def]
    # Scratch for the largest block.
    documents = shingles = longest = np.int64(1)
    for block in range(len(bounds) - 1):
        inside = np.int64(0)
        for x in range(bounds[block], bounds[block + 1]):
            inside += sizes[x]
            longest = max(longest, sizes[x])
        shingles = max(shingles, inside)
        documents = max(documents, bounds[block + 1] - bounds[block])
    counts = np.empty(_table_size(shingles), np.int32)
    heads = np.empty(len(counts), np.int32)
    posted = np.empty(shingles + documents, np.uint32)
    posted_by = np.empty(len(posted), np.int64)
    posted_at = np.empty(len(posted), np.int32)
    following = np.empty(len(posted), np.int32)
    chosen = np.empty(documents, np.int64)
    ranked = np.empty(longest, np.uint64)
    member = np.empty(_table_size(longest), np.uint32)
    member_of = np.full(len(member), -1, np.int64)
    parent = np.arange(len(rows))
    met = np.full(len(rows), -1, np.int64)
    pairs = 0
    loaded, mask = np.int64(-1), np.int64(0)
    for block in range(len(bounds) - 1):
        first, last = bounds[block], bounds[block + 1]
        # Equal sets are neighbours: the first stands for all.
        leader, inside, several = first, np.int64(0), 0
        for x in range(first, last):
            if x > first and sizes[x] == sizes[leader] and contents[x] == contents[leader]:
                if loaded != leader:
                    loaded, mask = leader, _load(sets, starts[leader], sizes[leader], leader, member, member_of)
                work[0] += 1
                if _common(sets, starts[x], sizes[x], sizes[x], leader, member, member_of, mask) == sizes[x]:
                    parent[x] = leader
                    found[0, pairs], found[1, pairs], similarity[pairs] = rows[leader], rows[x], 1.0
                    pairs += 1
                    continue
            leader = x
            chosen[several] = x
            several += 1
            inside += sizes[x]
        # Who has too many shingles that no other has is like nobody.
        last_cell = _table_size(inside) - 1
        counts[: last_cell + 1] = 0
        for place in range(several):
            x = chosen[place]
            for at in range(starts[x], starts[x] + sizes[x]):
                counts[np.int64(sets[at]) & last_cell] += 1
        candidates = 0
        for place in range(several):
            x = chosen[place]
            common = np.int64(0)
            for at in range(starts[x], starts[x] + sizes[x]):
                common += counts[np.int64(sets[at]) & last_cell] > 1
            chosen[candidates] = x
            candidates += common >= threshold * sizes[x] - _SLACK
        if candidates <= _FEW:
            for place in range(1, candidates):
                x = chosen[place]
                for y in chosen[:place]:
                    both = sizes[x] + sizes[y]
                    needed = np.int64(np.ceil(threshold / (1 + threshold) * both - _SLACK))
                    if needed <= sizes[y] and root(parent, x) != root(parent, y):
                        if loaded != x:
                            loaded, mask = x, _load(sets, starts[x], sizes[x], x, member, member_of)
                        work[0] += 1
                        shared = _common(sets, starts[y], sizes[y], needed, x, member, member_of, mask)
                        if shared >= 0 and shared / (both - shared) >= threshold:
                            parent[root(parent, x)] = root(parent, y)
                            found[0, pairs], found[1, pairs] = rows[y], rows[x]
                            similarity[pairs] = shared / (both - shared)
                            pairs += 1
            continue
        heads[: last_cell + 1] = _NONE
        posts = np.int32(0)
        for place in range(candidates):
            x = chosen[place]
            size = sizes[x]
            probed = size - np.int64(np.ceil(threshold * size - _SLACK)) + 1
            indexed = size - np.int64(np.ceil(2 * threshold / (1 + threshold) * size - _SLACK)) + 1
            # Shingles that no other has come first in the order; none of them can be met.
            common = np.int64(0)
            for at in range(starts[x], starts[x] + size):
                times = counts[np.int64(sets[at]) & last_cell]
                ranked[common] = (np.uint64(times) << _HALF) | np.uint64(sets[at])
                common += times > 1
            unique = size - common
            ranked[:common].sort()
            visited = np.int64(0)
            for position in range(unique, probed):
                value = np.uint32(ranked[position - unique] & _LOWER)
                post = heads[np.int64(value) & last_cell]
                while post != _NONE and visited < MAX_VISITED:
                    visited += 1
                    y = posted_by[post]
                    if posted[post] == value:
                        if sizes[y] < threshold * size - _SLACK:
                            break  # posted before this one, so all that follow are smaller still
                        if met[y] != x:
                            met[y] = x
                            # They met at the first shingle that they share: what comes before cannot be common.
                            both = size + sizes[y]
                            needed = np.int64(np.ceil(threshold / (1 + threshold) * both - _SLACK))
                            left = min(size - position, sizes[y] - posted_at[post])
                            if left >= needed and root(parent, x) != root(parent, y):
                                if loaded != x:
                                    loaded, mask = x, _load(sets, starts[x], size, x, member, member_of)
                                work[0] += 1
                                shared = _common(sets, starts[y], sizes[y], needed, x, member, member_of, mask)
                                if shared >= 0 and shared / (both - shared) >= threshold:
                                    parent[root(parent, x)] = root(parent, y)
                                    found[0, pairs], found[1, pairs] = rows[y], rows[x]
                                    similarity[pairs] = shared / (both - shared)
                                    pairs += 1
                    post = following[post]
            work[1] += visited
            for position in range(unique, indexed):
                value = np.uint32(ranked[position - unique] & _LOWER)
                cell = np.int64(value) & last_cell
                posted[posts], posted_by[posts], posted_at[posts] = value, x, position
                following[posts] = heads[cell]
                heads[cell] = posts
                posts += 1
    return pairs


@compiled
def _load(sets, start, size, name, member, member_of):  # type: ignore[no-untyped-def]
    """Puts a set under its name into a hash table; returns the mask of its slots."""
    mask = _table_size(size) - 1
    for place in range(start, start + size):
        slot = np.int64(sets[place]) & mask
        while member_of[slot] == name:
            slot = (slot + 1) & mask
        member_of[slot] = name
        member[slot] = sets[place]
    return mask


@compiled
def _common(sets, start, size, needed, name, member, member_of, mask):  # type: ignore[no-untyped-def]
    """How many members of a set are in the loaded one; -1 once fewer than `needed` can be."""
    spare = size - needed
    for place in range(start, start + size):
        slot = np.int64(sets[place]) & mask
        while member_of[slot] == name and member[slot] != sets[place]:
            slot = (slot + 1) & mask
        if member_of[slot] != name:
            spare -= 1
            if spare < 0:
                return -1
    return needed + spare
