import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.alignment import timestamps
from components.alignment.timestamps import How, join
from schemas.errors import SourceError

TIMES = st.lists(st.integers(-30, 30), max_size=15)
TOLERANCE = st.integers(0, 12)


def found(reference, other, tolerance, how):
    pairs = join(np.array(reference, np.int64), np.array(other, np.int64), tolerance_us=tolerance, how=how)
    gaps = [other[j] - reference[i] for i, j in zip(pairs.reference, pairs.other, strict=True)]
    assert pairs.gaps_us.tolist() == gaps
    assert all(abs(gap) <= tolerance for gap in gaps)
    return list(zip(pairs.reference.tolist(), pairs.other.tolist(), strict=True))


@settings(deadline=None)  # compiles at first
@given(TIMES, TIMES, TOLERANCE)
def test_windowed_takes_all_within_the_tolerance(reference, other, tolerance):
    assert found(reference, other, tolerance, How.WINDOWED) == [
        (i, j)
        for i in range(len(reference))
        for j in sorted(range(len(other)), key=lambda j: (other[j], j))
        if abs(other[j] - reference[i]) <= tolerance
    ]


@settings(deadline=None)  # compiles at first
@given(TIMES, TIMES, TOLERANCE)
def test_nearest_takes_the_nearest_the_earlier_of_equally_near_and_the_first_of_equal(reference, other, tolerance):
    expected = []
    for i, time in enumerate(reference):
        ranked = sorted(range(len(other)), key=lambda j: (abs(other[j] - time), other[j], j))
        if ranked and abs(other[ranked[0]] - time) <= tolerance:
            expected.append((i, ranked[0]))
    assert found(reference, other, tolerance, How.NEAREST) == expected


@settings(deadline=None)  # compiles at first
@given(TIMES, TIMES, TOLERANCE)
def test_one_to_one_pairs_those_that_are_nearest_to_each_other_each_once(reference, other, tolerance):
    pairs = found(reference, other, tolerance, How.ONE_TO_ONE)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    for i, j in pairs:
        gap = abs(reference[i] - other[j])
        assert all(abs(reference[i] - time) >= gap for time in other)
        assert all(abs(other[j] - time) >= gap for time in reference)


def test_records_of_one_time_are_paired_in_their_order_and_the_rest_stays_alone():
    assert found([5, 5, 5, 90], [6, 6], 3, How.ONE_TO_ONE) == [(0, 0), (1, 1)]


def test_the_order_in_which_records_come_changes_no_pair():
    generator = np.random.default_rng(0)
    reference, other = generator.permutation(10_000)[:2000], generator.permutation(10_000)[:3000]
    for how in How:
        pairs = join(reference, other, tolerance_us=4, how=how)
        ordered = join(np.sort(reference), np.sort(other), tolerance_us=4, how=how)
        one = sorted(zip(reference[pairs.reference], other[pairs.other], strict=True))
        two = sorted(zip(np.sort(reference)[ordered.reference], np.sort(other)[ordered.other], strict=True))
        assert one == two and len(one) > 100
        assert (np.diff(pairs.reference) >= 0).all()


def test_the_distribution_of_the_gaps_is_told():
    pairs = join(np.arange(101) * 1000, np.arange(101) * 1000 + np.arange(101), tolerance_us=100, how=How.ONE_TO_ONE)
    told = pairs.quantiles_us()
    assert told == {"0%": 0, "5%": 5, "25%": 25, "50%": 50, "75%": 75, "95%": 95, "100%": 100}
    assert join(np.array([1]), np.array([50]), tolerance_us=3, how=How.NEAREST).quantiles_us() == {}


@pytest.mark.parametrize("how", list(How))
def test_an_empty_stream_has_no_pair(how):
    assert found([], [1, 2], 5, how) == found([1, 2], [], 5, how) == found([], [], 5, how) == []


def test_too_many_pairs_are_an_error_in_words(monkeypatch):
    monkeypatch.setattr(timestamps, "_MOST_PAIRS", 99)
    with pytest.raises(SourceError, match="100 pairs of records") as caught:
        found([0] * 10, [0] * 10, 1, How.WINDOWED)
    assert "one to one" in caught.value.remedy
