import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.near_duplicates.blocks import SMALL, components, repeated, star_edges

edges = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60).map(
    lambda pairs: np.array(pairs, np.int64).reshape(-1, 2)
)


def by_search(pairs):
    """Components by brute force: {id: smallest id}."""
    label = {int(one): int(one) for one in pairs.reshape(-1)}
    for _ in label:
        for a, b in pairs.tolist():
            label[a] = label[b] = min(label[a], label[b])
    return label


def buckets(keys, ids):
    return [ids[keys == key] for key in np.unique(keys)]


@settings(max_examples=150, deadline=None)
@given(edges)
def test_components_are_those_of_a_search(pairs):
    ids, labels = components(pairs[:, 0], pairs[:, 1])
    assert ids.dtype == labels.dtype == np.int64
    assert dict(zip(ids.tolist(), labels.tolist(), strict=True)) == by_search(pairs)
    assert (np.diff(ids) > 0).all()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 40)), max_size=60, unique=True))
def test_edges_connect_what_all_pairs_connect(rows):
    rows = np.array(rows, np.int64).reshape(-1, 2)
    keys, ids = rows[:, 0].astype(np.uint64), rows[:, 1]
    every = [(a, b) for bucket in buckets(keys, ids) for a in bucket for b in bucket if a < b]
    found = components(*star_edges(keys, ids))
    expected = components(*np.array(every, np.int64).reshape(-1, 2).T)
    assert (found[0] == expected[0]).all() and (found[1] == expected[1]).all()


def test_small_buckets_give_each_pair_and_large_ones_a_star_twice():
    a, b = star_edges(np.repeat([5, 6], [SMALL, SMALL + 1]).astype(np.uint64), np.arange(2 * SMALL + 1)[::-1])
    small = b > SMALL
    assert len(np.unique(np.stack([a, b])[:, small], axis=1).T) == small.sum() == SMALL * (SMALL - 1) // 2
    assert sorted(zip(a[~small].tolist(), b[~small].tolist(), strict=True)) == [
        (0, other) for other in range(1, SMALL + 1) for _ in range(2)
    ]


def test_a_bucket_of_everybody_gives_two_edges_a_member():
    a, _ = star_edges(np.full(100_000, 1, np.uint64), np.arange(100_000))
    assert len(a) == 2 * 99_999


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    keys, ids = rng.integers(0, 9000, 30_000, np.uint64), np.arange(30_000)
    order = rng.permutation(30_000)
    one = np.stack(star_edges(keys, ids))
    other = np.stack(star_edges(keys[order], ids[order]))
    assert (one[:, np.lexsort(one)] == other[:, np.lexsort(other)]).all()


@settings(max_examples=100, deadline=None)
@given(edges, st.sampled_from([0, 1 << 40]))
def test_repeated_edges_are_those_that_come_twice(pairs, shift):
    found = np.stack(repeated(pairs[:, 0] + shift, pairs[:, 1] + shift), axis=1) - shift
    rows = list(map(tuple, pairs.tolist()))
    assert list(map(tuple, found.tolist())) == sorted({row for row in rows if rows.count(row) > 1})


def test_nothing_gives_nothing():
    nothing = np.zeros(0, np.int64)
    assert [len(part) for part in star_edges(nothing.astype(np.uint64), nothing)] == [0, 0]
    assert [len(part) for part in components(nothing, nothing)] == [0, 0]
    assert [len(part) for part in repeated(nothing, nothing)] == [0, 0]
