import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.timestamp_streams import START_US, derived, random_events
from components.alignment import streams
from components.alignment.config import TimestampJoin
from components.alignment.pairing import pair, scores
from components.alignment.report import Ambiguous, Unmatched
from components.alignment.streams import Thing

SECOND = 1_000_000
TIMES = st.lists(st.integers(-30, 30), max_size=12).map(sorted)


def agreeing(**fields):
    return TimestampJoin(reference="log", estimate_clock=False, **{"tolerance_s": 1.0, **fields})


def things(source, times):
    return [Thing(source, f"{source}{number}", (number,), time) for number, time in enumerate(times)]


def outcome(log, changes, config):
    joined, reports = streams.join("days", things("log", log) + things("changes", changes), config)
    return joined, [report.doubts for report in reports]


def test_the_score_is_the_probability_that_chance_puts_nothing_so_near():
    generator = np.random.default_rng(0)
    gap, number = 2000, 400
    free = told = 0.0
    for _ in range(number):
        times = np.sort(generator.integers(0, 10 * SECOND, 1000))
        places = generator.integers(SECOND, 9 * SECOND, 200)
        nearest = np.abs(times[:, None] - places).min(axis=0)
        free += (nearest > gap).mean() / number
        told += scores(np.array([gap]), times, 10_000)[0] / number
    assert told == pytest.approx(free, abs=0.01)
    assert 0.6 < free < 0.7


def test_one_record_alone_is_no_certainty():
    near, far = scores(np.array([1000, SECOND]), np.array([START_US]), SECOND)
    assert near == pytest.approx(1, abs=0.01)
    assert far == pytest.approx(0.25)
    [joined], _ = outcome([START_US], [START_US + SECOND // 2], agreeing())
    assert joined.partners[0].score == pytest.approx(1.5**-2)


@settings(deadline=None)  # compiles at first
@given(TIMES, st.integers(0, 10))
def test_a_score_is_a_probability_that_falls_with_the_gap(times, tolerance):
    found = scores(np.arange(12), np.array(times, np.int64), tolerance)
    assert ((found > 0) & (found <= 1)).all()
    assert (np.diff(found) < 0).all() or not times


@settings(deadline=None)  # compiles at first
@given(TIMES, TIMES, st.integers(1, 12), st.sampled_from(["one_to_one", "nearest", "windowed"]))
def test_a_rival_is_the_next_best_partner_of_either_side(reference, other, tolerance, how):
    found = pair(
        np.array(reference, np.int64), np.array(other, np.int64), agreeing(tolerance_s=tolerance / 1e6, how=how)
    )
    pairs = found.pairs
    for place, (i, j) in enumerate(zip(pairs.reference.tolist(), pairs.other.tolist(), strict=True)):
        gaps = [abs(other[k] - reference[i]) for k in range(len(other)) if k != j]
        if how == "one_to_one":
            gaps += [abs(reference[k] - other[j]) for k in range(len(reference)) if k != i]
        if how == "windowed" or not gaps:
            assert found.rivals[place] == -1 and not found.ambiguous[place]
            continue
        assert found.rival_gaps_us[place] == min(gaps)
        rival = int(found.rivals[place])
        there = abs(reference[rival] - other[j]) if found.rival_of_other[place] else abs(other[rival] - reference[i])
        assert there == min(gaps)
        own = abs(int(pairs.gaps_us[place]))
        assert found.ambiguous[place] == (min(gaps) <= tolerance and min(gaps) - own <= tolerance // 3)


def test_pairs_that_could_nearly_as_well_be_others_are_named():
    log = [START_US, START_US + 60 * SECOND]
    changes = [START_US - 200_000, START_US + 250_000, START_US + 60 * SECOND]
    _, [doubts] = outcome(log, changes, agreeing())
    assert doubts.ambiguous == 1
    assert doubts.ambiguous_examples == (
        Ambiguous("log0", "changes0", "2020-09-13T12:26:40+00:00", -0.2, "changes1", "changes", 0.25),
    )
    _, [doubts] = outcome(changes, log, agreeing())
    assert doubts.ambiguous_examples[0].rival == "log1"


def test_a_partner_with_two_of_the_reference_near_is_ambiguous_too():
    _, [doubts] = outcome([START_US, START_US + 500_000], [START_US + 240_000], agreeing())
    [example] = doubts.ambiguous_examples
    assert (example.rival, example.rival_source, example.rival_gap_s) == ("log1", "log", 0.26)


def test_what_is_unmatched_is_named_with_what_is_nearest():
    log = [START_US, START_US + 60 * SECOND, START_US + 90 * SECOND]
    changes = [START_US + 2 * SECOND, START_US + 60 * SECOND, None]
    _, [doubts] = outcome(log, changes, agreeing())
    assert doubts.unmatched_examples == (Unmatched("changes", "changes0", "2020-09-13T12:26:42+00:00", "log0", 2.0),)
    assert [(one.key, one.nearest, one.gap_s) for one in doubts.unmatched_reference_examples] == [
        ("log0", "changes0", 2.0),
        ("log2", "changes1", 30.0),
    ]
    _, [doubts] = outcome(log, [None], agreeing())
    assert [one.nearest for one in doubts.unmatched_reference_examples] == [None] * 3


def test_only_so_many_examples_are_named_the_nearest_first():
    log = [START_US + number * 60 * SECOND for number in range(100)]
    changes = [time + (3 + number % 7) * SECOND for number, time in enumerate(log)]
    _, [doubts] = outcome(log, changes, agreeing(examples=20))
    told = [(one.gap_s, one.key) for one in doubts.unmatched_examples]
    assert (
        told
        == sorted(((3.0 + n % 7, f"changes{n}") for n in range(100)), key=lambda one: (one[0], int(one[1][7:])))[:20]
    )
    _, [doubts] = outcome(log, changes, agreeing(examples=0))
    assert doubts.unmatched_examples == ()


def test_each_partner_tells_what_its_clock_was_corrected_by():
    generator = np.random.default_rng(0)
    made = derived(random_events(generator, 1500), generator, offset_us=4.2e6, drift_ppm=40)
    found, _ = outcome(made.reference.tolist(), made.other.tolist(), TimestampJoin(reference="log"))
    partners = [(joined.thing, partner) for joined in found for partner in joined.partners]
    assert len(partners) > 900
    for thing, partner in partners:
        assert partner.thing.time_us + partner.clock_correction_us - thing.time_us == partner.gap_us
        assert partner.clock_correction_us == pytest.approx(-made.offset_at(thing.time_us), abs=1000)
    [joined], _ = outcome([5], [7], agreeing())
    assert joined.partners[0].clock_correction_us == 0


def test_things_of_one_time_are_joined_in_the_order_of_their_keys_however_they_come():
    config = agreeing()
    rows = [Thing("log", key, (), 5) for key in "cab"] + [Thing("changes", key, (), 6) for key in "zx"]
    for order in (rows, rows[::-1]):
        joined, _ = streams.join("days", [*order, Thing("log", "untimed", (), None)], config)
        told = [(one.thing.key, [partner.thing.key for partner in one.partners]) for one in joined]
        assert told == [("a", ["x"]), ("b", ["z"]), ("c", []), ("untimed", [])]


def test_a_data_set_whose_other_modality_is_empty_keeps_the_reference_alone():
    found, reports = streams.join("days", things("log", [START_US, START_US + 1]), TimestampJoin(reference="log"))
    assert [joined.partners for joined in found] == [(), ()]
    assert reports == []


def test_a_score_stays_finite_for_streams_without_extent():
    assert math.isfinite(scores(np.array([0]), np.array([START_US]), 0)[0])
