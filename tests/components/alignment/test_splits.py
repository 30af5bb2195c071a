import collections
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.alignment import splits
from components.alignment.config import AlignmentConfig, Splits
from schemas.config import from_json
from schemas.errors import IntegrityError, SourceError

MARKS = st.lists(
    st.tuples(st.sampled_from("abcdefghijkl"), st.sets(st.integers(0, 8), max_size=3)).map(
        lambda drawn: frozenset({("cluster", drawn[0]), *(("content", str(number)) for number in drawn[1])})
    ),
    max_size=25,
)
NAMES = st.sets(st.text(min_size=1), min_size=3, max_size=60)


@given(MARKS)
def test_what_shares_a_mark_shares_a_cluster_and_what_does_not_does_not(marks):
    found = splits.clusters(marks)
    members = collections.defaultdict(list)
    for cluster, own in zip(found, marks, strict=True):
        members[cluster].append(own)
    for one, other in itertools.combinations(members.values(), 2):
        assert set().union(*one).isdisjoint(set().union(*other)), "kept apart although a mark is shared"
    for alike in members.values():
        reached, grown = set(alike[0]), True
        while grown:
            more = set().union(*(own for own in alike if not reached.isdisjoint(own)))
            grown, reached = not more <= reached, reached | more
        assert reached == set().union(*alike), "joined without a chain of marks"


@given(MARKS, st.randoms())
def test_a_clusters_name_does_not_depend_on_the_order(marks, random):
    order = random.sample(range(len(marks)), len(marks))
    shuffled = splits.clusters([marks[index] for index in order])
    found = splits.clusters(marks)
    assert [found[index] for index in order] == shuffled
    for name, own in zip(found, marks, strict=True):
        assert name <= min(mark for kind, mark in own if kind == "cluster")


@given(NAMES, st.integers(0, 5))
def test_no_split_is_empty_and_every_cluster_has_one(names, seed):
    assigned = splits.assign(names, Splits(), seed)
    assert assigned.keys() == names
    assert set(assigned.values()) == {"train", "eval", "test"}


def test_more_data_moves_no_cluster():
    names = [f"thing {number}" for number in range(1000)]
    fewer = splits.assign(names[:500], Splits(), 7)
    more = splits.assign(names, Splits(), 7)
    assert all(more[name] == split for name, split in fewer.items())


def test_the_fractions_are_kept_and_the_seed_matters():
    names = [f"thing {number}" for number in range(20_000)]
    assigned = splits.assign(names, Splits(train=0.7, eval=0.1, test=0.2), 0)
    counts = collections.Counter(assigned.values())
    assert counts["train"] / 20_000 == pytest.approx(0.7, abs=0.015)
    assert counts["test"] / 20_000 == pytest.approx(0.2, abs=0.015)
    assert splits.assign(names, Splits(train=0.7, eval=0.1, test=0.2), 1) != assigned


def test_too_few_clusters_are_an_error_in_words():
    with pytest.raises(SourceError, match="2 kinds of samples") as caught:
        splits.assign(["a", "b", "a"], Splits(), 0)
    assert "three" in caught.value.remedy


@given(MARKS)
def test_the_check_finds_every_leak(marks):
    found = splits.clusters(marks)
    assigned = [("train", "test")[hash(name) % 2] for name in found]
    splits.check(marks, assigned)
    for index, own in enumerate(marks):
        shared = any(not own.isdisjoint(other) for place, other in enumerate(marks) if place != index)
        moved = [*assigned]
        moved[index] = "eval"
        if shared:
            with pytest.raises(IntegrityError, match="is in the splits"):
                splits.check(marks, moved)
        else:
            splits.check(marks, moved)


def test_fractions_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match=r"must add up to 1, not 0\.9"):
        from_json(AlignmentConfig, '{"splits": {"train": 0.7, "eval": 0.1, "test": 0.1}}')
