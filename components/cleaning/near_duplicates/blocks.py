"""From shared keys to blocks: whoever may be near duplicates is in one block, with few more edges than members.

Among a million documents almost every one shares a band with some other by chance, and all would be one block. Near
duplicates share several bands: at a similarity of 0.7 two or more with a probability of 0.998 (0.9999 at 0.75), at 0.2
with one of 0.001. So `components(*repeated(*star_edges(keys, ids)))`, over the keys of all bands, are the blocks of
documents. Whether two members of a block really are alike is for `set_join` to say.
"""

from __future__ import annotations

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled, mix, root

SMALL = 8
"""Members of a bucket up to which it gives an edge for each pair; larger ones give a star."""
_IN_CACHE = 4096  # keys of a partition, whose hash table then stays in the processor's cache
_PARTITIONS = 4096
_NOBODY = np.int64(-1)


def star_edges(keys: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges between ids that have a key in common, never all pairs of a large bucket.

    A key that up to `SMALL` ids have gives an edge for each two of them. One that more have gives an edge from the
    smallest to each other id, twice: who is alike is joined through the smallest, which chance does not do to so many.

    Args:
        keys: uint64 [n].
        ids: int64 [n], not negative; an id may come with several keys, not twice with the same one.

    Returns:
        Smaller and larger ids, int64 [edges] each; two that have several keys in common have several edges.
    """
    keys, ids = np.ascontiguousarray(keys), np.ascontiguousarray(ids)
    partitions = min(_PARTITIONS, 1 << max(0, len(keys) // _IN_CACHE).bit_length())
    edges = np.empty((2, len(keys) * max(2, (SMALL - 1) // 2 + 1)), np.int64)
    count = _star_edges(keys, ids, partitions, edges)
    return edges[0, :count].copy(), edges[1, :count].copy()


def repeated(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges that come more than once, each of them once, sorted.

    Args:
        a: int64 [edges], one end of each edge, not negative.
        b: int64 [edges], the other end.
    """
    if max(a.max(initial=0), b.max(initial=0)) < 1 << 32:
        packed = np.sort((a.astype(np.uint64) << np.uint64(32)) | b.astype(np.uint64))
        again = packed[1:][packed[1:] == packed[:-1]]
        again = again[np.append(True, again[1:] != again[:-1])[: len(again)]]
        return (again >> np.uint64(32)).astype(np.int64), (again & np.uint64(0xFFFFFFFF)).astype(np.int64)
    edges, counts = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    return edges[0, counts > 1], edges[1, counts > 1]


def components(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The connected components of a graph.

    Args:
        a: int64 [edges], one end of each edge.
        b: int64 [edges], the other end.

    Returns:
        The ids that have an edge, sorted, and the smallest id of the component of each, int64 [nodes] each.
    """
    ids, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    parent = np.arange(len(ids))
    unite(parent, ends[: len(a)], ends[len(a) :])
    return ids, ids[labels(parent)]


def unite(parent: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """Adds edges to a union-find forest; the root of a component is its smallest node.

    Args:
        parent: int64 [nodes], at first `numpy.arange(nodes)`; changed in place.
        a: int64 [edges], nodes.
        b: int64 [edges], nodes.
    """
    _unite(parent, a, b)


def labels(parent: np.ndarray) -> np.ndarray:
    """The smallest node of the component of each node of a union-find forest, int64 [nodes]."""
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return above
        parent = above


@compiled
def _star_edges(keys, ids, partitions, edges):  # type: ignore[no-untyped-def]
    # First by the upper bits of the mixed key into partitions, then a hash table for each.
    shift = np.uint64(32)
    last = np.uint64(partitions - 1)
    bounds = np.zeros(partitions + 1, np.int64)
    for row in range(len(keys)):
        bounds[np.int64((mix(keys[row]) >> shift) & last) + 1] += 1
    largest = bounds.max()
    for partition in range(partitions):
        bounds[partition + 1] += bounds[partition]
    fill = bounds[:-1].copy()
    order = np.empty(len(keys), np.int64)
    mixed = np.empty(len(keys), np.uint64)
    for row in range(len(keys)):
        value = mix(keys[row])
        place = fill[np.int64((value >> shift) & last)]
        fill[np.int64((value >> shift) & last)] += 1
        order[place] = ids[row]
        mixed[place] = value
    size = 2
    while size < 2 * largest:
        size *= 2
    mask = np.uint64(size - 1)
    newest = np.full(size, _NOBODY, np.int64)  # the last row of each bucket; `before` leads on to the others
    before = np.empty(len(keys), np.int64)
    members = np.empty(size, np.int64)
    smallest = np.empty(size, np.int64)
    slots = np.empty(largest, np.int64)
    count = 0
    for partition in range(partitions):
        start, end = bounds[partition], bounds[partition + 1]
        for row in range(start, end):
            slot = np.int64(mixed[row] & mask)
            while newest[slot] != _NOBODY and mixed[newest[slot]] != mixed[row]:
                slot = np.int64(np.uint64(slot + 1) & mask)
            if newest[slot] == _NOBODY:
                members[slot] = 0
                smallest[slot] = order[row]
            before[row] = newest[slot]
            newest[slot] = row
            members[slot] += 1
            smallest[slot] = min(smallest[slot], order[row])
            slots[row - start] = slot
        for row in range(start, end):
            slot = slots[row - start]
            one = order[row]
            if members[slot] > SMALL:
                if one != smallest[slot]:
                    edges[0, count : count + 2] = smallest[slot]
                    edges[1, count : count + 2] = one
                    count += 2
            else:
                other = before[row]
                while other != _NOBODY:
                    edges[0, count] = min(order[other], one)
                    edges[1, count] = max(order[other], one)
                    count += 1
                    other = before[other]
        for row in range(end - start):
            newest[slots[row]] = _NOBODY
    return count


@compiled
def _unite(parent, a, b):  # type: ignore[no-untyped-def]
    for edge in range(len(a)):
        first, second = root(parent, a[edge]), root(parent, b[edge])
        if first < second:
            parent[second] = first
        else:
            parent[first] = second
