"""Which documents of a block really are near duplicates: an exact join of sets by Jaccard similarity.

Prefix filtering (Bayardo, Ma, Srikant, 'Scaling Up All Pairs Similarity Search', WWW 2007) with the length and position
filters of PPJoin (Xiao, Wang, Lin, Yu, 'Efficient Similarity Joins for Near Duplicate Detection', WWW 2008): each set
is ordered rarest shingle first, so that sets that are alike share a shingle among their first few. Common shingles,
such as those of a header that all documents share, sort last, never enter these prefixes, and cost nothing. What is left is
first compared by small bit maps (Sandes, Teodoro, Melo, 'Bitmap Filter', Information Systems 88, 2020).

Not every pair is compared: two sets that others already connect are left alone, because only clusters are asked for.
What is found does not depend on the order of the rows: sets are taken by size, then by a hash of what they hold.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled, mix, ones, root
from components.cleaning.near_duplicates.shingles import Shingles

MAX_VISITED = 20_000
"""Postings that one document may visit, rarest shingles first. More are met only in a cluster of so many near
duplicates, of which the document has by then most likely found one; a bound is what keeps such a cluster linear."""

_SMALL = 64  # members of a block up to which it is first seen who can be like another at all,
_FEW = 8  # and if they are so few, they are compared directly
_SLACK = 1e-6  # a bound that rounding pushed over an integer must not exclude a pair; similarity itself is exact
_MANY = np.uint16(0xFFFF)  # where counting stops: all shingles that are more common are equally common
_VALUE, _BY, _AT, _SIZE = 0, 1, 2, 3  # what the index holds: a shingle, a document, its place there, the size of that
_MAP = 8  # words of 64 bits in a bit map
_ONE, _HALF = np.uint64(1), np.uint64(32)
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
    sets, sizes, contents, maps = _distinct(shingles, rows)
    order = np.lexsort((contents, sizes, group[rows]))  # stable: equal sets stay in the order of their rows
    rows, sizes, contents, maps = rows[order], sizes[order], contents[order], maps[order]
    bounds = np.append(np.flatnonzero(np.diff(group[rows], prepend=-1)), len(rows))
    found = np.empty((2, len(rows)), np.int64)
    similarity = np.empty(len(rows), np.float64)
    work = np.zeros(2, np.int64)
    count = _join(
        sets, shingles.offsets[rows], sizes, contents, maps, rows, bounds, float(threshold), found, similarity, work
    )
    a, b = found[:, :count]
    return Pairs(np.minimum(a, b), np.maximum(a, b), similarity[:count].copy(), int(work[0]), int(work[1]))


def _distinct(shingles: Shingles, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The sets of some rows at their offsets, uint32 [total]; sizes, int64 [rows]; hashes of each set, uint64 [rows];
    and its bit map, uint64 [rows, 8], in which each member sets one bit."""
    sets = np.empty(len(shingles.hashes), np.uint32)
    sizes, contents = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint64)
    maps = np.zeros((len(rows), _MAP), np.uint64)
    longest = int(np.diff(shingles.offsets)[rows].max(initial=0))
    _fill_sets(shingles.hashes, shingles.offsets, rows, _table_size(longest), sets, sizes, contents, maps)
    return sets, sizes, contents, maps


@compiled
def _table_size(entries: int) -> int:
    """A power of two of which the entries fill at most half."""
    size = 2
    while size < 2 * entries:
        size *= 2
    return size


@compiled
def _fill_sets(hashes, offsets, rows, size, sets, sizes, contents, maps):  # type: ignore[no-untyped-def]
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
                maps[document, np.int64(value >> np.uint32(29))] |= _ONE << np.uint64((value >> np.uint32(23)) & 63)
        sizes[document] = count - start
        contents[document] = content


@compiled
def _join(sets, starts, sizes, contents, maps, rows, bounds, threshold, found, similarity, work):  # type: ignore[no-untyped-def]
    share = threshold / (1 + threshold)  # of both sizes together: what must be common
    beyond = 1 - 2 * share  # of a set: what is indexed
    documents = shingles = longest = np.int64(1)  # scratch for the largest block
    for block in range(len(bounds) - 1):
        inside = np.int64(0)
        for x in range(bounds[block], bounds[block + 1]):
            inside += sizes[x]
            longest = max(longest, sizes[x])
        shingles = max(shingles, inside)
        documents = max(documents, bounds[block + 1] - bounds[block])
    counts = np.empty(_table_size(shingles), np.uint16)
    cells = _table_size(np.int64(beyond * shingles) + 2 * documents)
    lists = np.empty(cells + 1, np.int32)  # where the list of each cell of the index begins,
    ends = np.empty(cells, np.int32)  # and ends so far
    united = np.empty(cells, np.bool_)  # whether all documents in it are of one cluster
    posts = np.empty((np.int64(beyond * shingles) + 2 * documents, 4), np.int32)
    prefixes = np.empty(np.int64((1 - threshold) * shingles) + 2 * documents, np.uint32)
    prefix_of = np.empty(documents + 1, np.int64)
    rare = np.empty(documents, np.int64)
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
                cell = np.int64(sets[at]) & last_cell
                counts[cell] += counts[cell] < _MANY
        candidates = several
        if several <= _SMALL:
            candidates = 0
        for place in range(several if several <= _SMALL else 0):
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
                    needed = np.int64(np.ceil(share * both - _SLACK))
                    if (
                        needed <= sizes[y]
                        and root(parent, x) != root(parent, y)
                        and _may(maps, x, y, both - 2 * needed)
                    ):
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
        cells = _table_size(np.int64(beyond * inside) + 2 * several)
        lists[: cells + 1] = 0
        prefix_of[0] = 0
        for place in range(candidates):
            x = chosen[place]
            # Shingles that no other has come first in the order; none of them can be met.
            common = np.int64(0)
            for at in range(starts[x], starts[x] + sizes[x]):
                times = counts[np.int64(sets[at]) & last_cell]
                ranked[common] = (np.uint64(times) << _HALF) | np.uint64(sets[at])
                common += times > 1
            rare[place] = sizes[x] - common
            probed, indexed = _prefix(sizes[x], threshold), _prefix(sizes[x], 2 * share)
            start = prefix_of[place]
            if rare[place] < probed:
                _to_front(ranked, common, probed - rare[place])
                ranked[: probed - rare[place]].sort()
                for at in range(probed - rare[place]):
                    prefixes[start + at] = np.uint32(ranked[at] & _LOWER)
                for at in range(indexed - rare[place]):
                    lists[np.int64(prefixes[start + at]) & (cells - 1)] += 1
            prefix_of[place + 1] = start + max(0, probed - rare[place])
        before = np.int32(0)
        for cell in range(cells):
            before, lists[cell] = before + lists[cell], before
            ends[cell] = lists[cell]
            united[cell] = True
        for place in range(candidates):
            x = chosen[place]
            start, visited = prefix_of[place], np.int64(0)
            least = threshold * sizes[x] - _SLACK
            for ahead in range(prefix_of[place + 1] - start):
                value = np.int32(prefixes[start + ahead])
                cell = np.int64(value) & (cells - 1)
                entry = ends[cell] - 1
                # Documents were posted by size: before one that is too small all are.
                while entry >= lists[cell] and visited < MAX_VISITED and posts[entry, _SIZE] >= least:
                    y, smaller = np.int64(posts[entry, _BY]), np.int64(posts[entry, _SIZE])
                    if united[cell] and root(parent, x) == root(parent, y):
                        break
                    visited += 1
                    # Where they first meet nothing before can be common, so these many are at most.
                    left = min(sizes[x] - rare[place] - ahead, smaller - posts[entry, _AT])
                    if posts[entry, _VALUE] == value and left >= share * (sizes[x] + smaller) - _SLACK and met[y] != x:
                        met[y] = x
                        both = sizes[x] + smaller
                        needed = np.int64(np.ceil(share * both - _SLACK))
                        if root(parent, x) != root(parent, y) and _may(maps, x, y, both - 2 * needed):
                            if loaded != x:
                                loaded, mask = x, _load(sets, starts[x], sizes[x], x, member, member_of)
                            work[0] += 1
                            shared = _common(sets, starts[y], sizes[y], needed, x, member, member_of, mask)
                            if shared >= 0 and shared / (both - shared) >= threshold:
                                parent[root(parent, x)] = root(parent, y)
                                found[0, pairs], found[1, pairs] = rows[y], rows[x]
                                similarity[pairs] = shared / (both - shared)
                                pairs += 1
                    entry -= 1
            work[1] += visited
            for ahead in range(_prefix(sizes[x], 2 * share) - rare[place]):
                value = np.int32(prefixes[start + ahead])
                cell = np.int64(value) & (cells - 1)
                entry = ends[cell]
                if entry > lists[cell] and united[cell]:
                    united[cell] = root(parent, x) == root(parent, np.int64(posts[entry - 1, _BY]))
                posts[entry, _VALUE], posts[entry, _BY] = value, x
                posts[entry, _AT], posts[entry, _SIZE] = rare[place] + ahead, sizes[x]
                ends[cell] = entry + 1
    return pairs


@compiled
def _prefix(size, share):  # type: ignore[no-untyped-def]
    """How many of the first members of a set cannot all be missing where `share` of the set is common."""
    return size - np.int64(np.ceil(share * size - _SLACK)) + 1


@compiled
def _to_front(values, count, least):  # type: ignore[no-untyped-def]
    """Moves the `least` smallest of the first `count` values, all different, to the front (Hoare's 'Find', 1961)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if least - 1 <= right:
            high = right
        elif least - 1 >= left:
            low = left
        else:
            return


@compiled
def _may(maps, x, y, spare):  # type: ignore[no-untyped-def]
    """Whether at most `spare` members can be in only one of two sets, as far as their bit maps tell."""
    for word in range(_MAP):
        spare -= ones(maps[x, word] ^ maps[y, word])
    return spare >= 0


@compiled
def _load(sets, start, size, name, member, member_of):  # type: ignore[no-untyped-def]
    """Puts a set under its name into a hash table; returns the mask of its slots."""
    mask = _table_size(size) - 1
    for place in range(start, start + size):
        slot = np.int64(sets[place]) & mask
        while member_of[slot] == name and member[slot] != sets[place]:  # the same set may come again
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
