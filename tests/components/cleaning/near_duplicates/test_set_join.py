import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.near_duplicates.blocks import components
from components.cleaning.near_duplicates.set_join import join
from components.cleaning.near_duplicates.shingles import Shingles


def of_sets(sets):
    values = [np.array(one, np.uint32) for one in sets]
    return Shingles(np.concatenate([np.zeros(0, np.uint32), *values]), np.cumsum([0, *map(len, values)]))


def similar(sets, blocks, threshold):
    """All similar pairs, by comparing each with each."""
    whole = [set(map(int, one)) for one in sets]
    return [
        (a, b)
        for b in range(len(sets))
        for a in range(b)
        if blocks[a] == blocks[b]
        and whole[a]
        and len(whole[a] & whole[b]) / max(1, len(whole[a] | whole[b])) >= threshold
    ]


def assert_joined(sets, blocks, threshold):
    found = join(of_sets(sets), np.array(blocks, np.int64), threshold)
    every = similar(sets, blocks, threshold)
    assert set(zip(found.a.tolist(), found.b.tolist(), strict=True)) <= set(every)
    for a, b, value in zip(found.a.tolist(), found.b.tolist(), found.similarity.tolist(), strict=True):
        one, other = set(map(int, sets[a])), set(map(int, sets[b]))
        assert value == len(one & other) / len(one | other)
    expected = components(*np.array(every, np.int64).reshape(-1, 2).T)
    ids, labels = components(found.a, found.b)
    assert ids.tolist() == expected[0].tolist() and labels.tolist() == expected[1].tolist()
    return found


def families(rng, documents, tokens, edits, header=0):
    """Sets in families: each an edited copy of an earlier one or new; all begin with the same header."""
    top = rng.integers(0, 1 << 32, header)
    sets = []
    for _ in range(documents):
        new = rng.integers(0, 1 << 32, rng.integers(1, tokens))
        if sets and rng.random() < 0.7:
            new = sets[rng.integers(len(sets))][header:].copy()
            new[rng.random(len(new)) < edits] = rng.integers(0, 1 << 32)
        sets.append(np.concatenate([top, new]).astype(np.uint32))
    return sets


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 12), max_size=14), max_size=24),
    st.sampled_from([0.51, 0.6, 2 / 3, 0.7, 0.75, 0.9, 1.0]),
    st.integers(1, 3),
)
def test_small_sets_are_joined_as_by_comparing_each_with_each(sets, threshold, blocks):
    assert_joined(sets, [row % blocks for row in range(len(sets))], threshold)


@pytest.mark.parametrize("threshold", [0.55, 0.7, 0.9])
@pytest.mark.parametrize(("documents", "header"), [(6, 0), (50, 0), (300, 0), (300, 60)])
def test_families_are_joined_as_by_comparing_each_with_each(documents, header, threshold):
    rng = np.random.default_rng(documents + header)
    found = assert_joined(families(rng, documents, 80, 0.1, header), [3] * documents, threshold)
    assert len(found.a)


def test_what_is_found_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(5)
    sets = families(rng, 200, 60, 0.15)
    order = rng.permutation(200)
    blocks = rng.integers(0, 2, 200)
    one = join(of_sets(sets), blocks, 0.6)
    other = join(of_sets([sets[row] for row in order]), blocks[order], 0.6)
    contents = [tuple(sorted(set(one.tolist()))) for one in sets]
    as_contents = sorted(sorted([contents[a], contents[b]]) for a, b in zip(one.a, one.b, strict=True))
    assert as_contents == sorted(
        sorted([contents[order[a]], contents[order[b]]]) for a, b in zip(other.a, other.b, strict=True)
    )


def test_documents_of_other_blocks_are_never_paired():
    assert len(join(of_sets([[1, 2, 3]] * 4), np.array([7, 8, 9, 10]), 0.7).a) == 0


def test_a_set_that_is_looked_at_twice_leaves_room_for_others():
    # Sets of 4 in a hash table of 8: one that was put in twice, beside the other's places, would fill it.
    one, like, other = np.array([0, 1, 2, 3]), np.array([0, 1, 2, 7]), np.array([4, 5, 6, 7])
    sets = [part + 8 * shift for shift in range(40) for part in (one, like, other, one, like, other)]
    assert_joined(sets, np.repeat(np.arange(40), 6), 0.6)


def test_shared_boilerplate_costs_no_comparisons():
    """20,000 documents of which 0.55 is a common header, and 200 copies: work is counted, not timed."""
    rng = np.random.default_rng(2)
    header = rng.integers(0, 1 << 32, 71)
    bodies = rng.integers(0, 1 << 32, (19_800, 29))
    copies = bodies[:200].copy()
    copies[:, 0] = rng.integers(0, 1 << 32, 200)
    sets = np.concatenate([np.broadcast_to(header, (20_000, 71)), np.concatenate([bodies, copies])], axis=1)
    shingles = Shingles(sets.astype(np.uint32).reshape(-1), np.arange(20_001) * 100)
    found = join(shingles, np.zeros(20_000, np.int64), 0.7)
    assert sorted(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(row, 19_800 + row) for row in range(200)]
    assert found.compared < 1_000 and found.visited < 20_000


def test_a_cluster_of_near_duplicates_takes_work_in_proportion():
    rng = np.random.default_rng(3)
    common, own = rng.integers(0, 1 << 32, 90), rng.integers(0, 1 << 32, (20_000, 10))
    own[:, 0] = own[np.arange(20_000) // 2, 0]
    sets = np.concatenate([np.broadcast_to(common, (20_000, 90)), own], axis=1)
    shingles = Shingles(sets.astype(np.uint32).reshape(-1), np.arange(20_001) * 100)
    found = join(shingles, np.zeros(20_000, np.int64), 0.7)
    assert len(found.a) == 19_999
    assert found.compared < 60_000 and found.visited < 20 * 20_000


def test_nothing_and_a_huge_document_are_joined():
    assert len(join(of_sets([]), np.zeros(0, np.int64), 0.7).a) == 0
    assert len(join(of_sets([[], []]), np.zeros(2, np.int64), 0.7).a) == 0
    huge = np.arange(300_000)
    found = assert_joined([huge, huge[:250_000], [1]], [0, 0, 0], 0.7)
    assert found.similarity.tolist() == [250_000 / 300_000]
