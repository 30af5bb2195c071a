import numpy as np
import pytest

from benchmarks.timestamp_streams import START_US, derived, random_events
from components.alignment.clocks import Clock, NoAnswer, Refusal, relate
from components.alignment.timestamps import How, join


def ask(reference, other, max_offset_us=60_000_000, max_drift_ppm=200.0):
    return relate(np.sort(reference), np.sort(other), max_offset_us=max_offset_us, max_drift_ppm=max_drift_ppm)


@pytest.mark.parametrize("jitter_us", [5e3, 20e3])
def test_offset_and_drift_are_found_despite_missing_and_spurious_events(jitter_us):
    generator = np.random.default_rng(1)
    streams = derived(random_events(generator, 20_000), generator, offset_us=4.2e6, drift_ppm=40, jitter_us=jitter_us)
    clock = ask(streams.reference, streams.other)
    assert abs(clock.offset_us - streams.offset_at(clock.origin_us)) < 1000
    assert abs(clock.offset_at(START_US) - 4.2e6) < 1000
    assert abs(clock.drift_ppm - 40) < 1
    assert clock.spread_us == pytest.approx(jitter_us, rel=0.15)


@pytest.mark.parametrize("jitter_us", [5e3, 20e3])
def test_the_join_is_as_good_as_with_the_true_clock(jitter_us):
    generator = np.random.default_rng(2)
    streams = derived(random_events(generator, 20_000), generator, offset_us=4.2e6, drift_ppm=40, jitter_us=jitter_us)
    clock = ask(streams.reference, streams.other)
    tolerance_us = round(3 * jitter_us)
    true = streams.reference[0] + np.rint(
        (streams.other - streams.reference[0] - streams.offset_us) / (1 + 40e-6)
    ).astype(np.int64)
    given = join(streams.reference, true, tolerance_us=tolerance_us, how=How.ONE_TO_ONE)
    found = join(
        streams.reference, clock.to_reference(streams.other), tolerance_us=clock.tolerance_us, how=How.ONE_TO_ONE
    )
    assert streams.f1(found.reference, found.other) > streams.f1(given.reference, given.other) - 0.005
    assert streams.f1(given.reference, given.other) > 0.94


def test_no_random_offset_and_drift_gets_a_wrong_answer():
    answers = 0
    for seed in range(240):
        generator = np.random.default_rng(seed)
        offset_us, drift_ppm = generator.uniform(-50e6, 50e6), generator.uniform(-100, 100)
        streams = derived(random_events(generator, 600), generator, offset_us=offset_us, drift_ppm=drift_ppm)
        clock = ask(streams.reference, streams.other)
        if isinstance(clock, Clock):
            answers += 1
            assert abs(clock.offset_us - streams.offset_at(clock.origin_us)) < 5 * clock.offset_error_us
            assert abs(clock.drift_ppm - drift_ppm) < 5 * clock.drift_error_ppm
    assert answers > 230


def test_with_thin_evidence_there_is_no_wrong_answer_but_often_none():
    answers = 0
    for seed in range(120):
        generator = np.random.default_rng(seed)
        streams = derived(random_events(generator, 25), generator, offset_us=generator.uniform(-50e6, 50e6))
        clock = ask(streams.reference, streams.other)
        if isinstance(clock, Clock):
            answers += 1
            assert abs(clock.offset_us - streams.offset_at(clock.origin_us)) < 20e3
    assert 0 < answers < 120


@pytest.mark.parametrize("period_s", [1, 7, 30])
@pytest.mark.parametrize("jitter_us", [0, 5e3, 100e3])
def test_periodic_streams_are_refused_as_ambiguous(period_s, jitter_us):
    generator = np.random.default_rng(period_s)
    reference = START_US + np.arange(2000) * period_s * 1_000_000
    streams = derived(reference, generator, offset_us=4.2e6, jitter_us=jitter_us)
    assert ask(streams.reference, streams.other) == NoAnswer(Refusal.AMBIGUOUS)


def test_a_heartbeat_that_is_not_quite_regular_is_told():
    generator = np.random.default_rng(0)
    reference = START_US + np.cumsum(1e6 * (1 + generator.normal(0, 0.05, 3000))).astype(np.int64)
    streams = derived(reference, generator, offset_us=4.2e6)
    clock = ask(streams.reference, streams.other)
    assert abs(clock.offset_us - 4.2e6) < 2000


def test_streams_that_come_in_bursts_are_told():
    for seed in range(20):
        generator = np.random.default_rng(seed)
        starts = np.cumsum(generator.pareto(1.2, 400) * 60e6)
        bursts = [start + np.cumsum(generator.exponential(2e6, 8)) for start in starts]
        reference = START_US + np.sort(np.concatenate(bursts)).astype(np.int64)
        streams = derived(reference, generator, offset_us=4.2e6)
        clock = ask(streams.reference, streams.other)
        if isinstance(clock, Clock):
            assert abs(clock.offset_us - 4.2e6) < 5e3


@pytest.mark.parametrize("seed", range(10))
def test_streams_that_have_nothing_to_do_with_each_other_are_refused(seed):
    generator = np.random.default_rng(seed)
    assert isinstance(ask(random_events(generator, 3000), random_events(generator, 3000)), NoAnswer)


@pytest.mark.parametrize("length_us", [2e6, 5e6, 20e6])
def test_what_is_common_to_bursts_alone_is_no_answer(length_us):
    for seed in range(10):
        generator = np.random.default_rng(seed)
        starts = START_US + np.cumsum(generator.exponential(300e6, 100))
        one, other = (
            (starts[:, None] + generator.uniform(0, length_us, (100, 20))).ravel().astype(int) for _ in range(2)
        )
        assert isinstance(ask(one, other), NoAnswer)


@pytest.mark.parametrize("seed", range(5))
def test_streams_that_are_related_for_a_tenth_of_the_time_are_told(seed):
    generator = np.random.default_rng(seed)
    reference = random_events(generator, 20_000)
    streams = derived(reference[18_000:], generator, offset_us=4.2e6)
    unrelated = generator.integers(reference[0], reference[18_000], 18_000)
    clock = ask(reference, np.concatenate([unrelated, streams.other]))
    assert abs(clock.offset_at(int(reference[19_000])) - 4.2e6) < 2000


@pytest.mark.parametrize("seed", range(5))
def test_peaks_that_chance_makes_are_called_weak_not_ambiguous(seed):
    generator = np.random.default_rng(seed)
    unrelated = ask(random_events(generator, 20_000), random_events(generator, 20_000))
    assert unrelated == NoAnswer(Refusal.WEAK)


def test_an_offset_beyond_the_limit_is_not_replaced_by_another():
    generator = np.random.default_rng(0)
    streams = derived(random_events(generator, 3000), generator, offset_us=80e6)
    assert isinstance(ask(streams.reference, streams.other), NoAnswer)
    assert isinstance(ask(streams.reference, streams.other, max_offset_us=100_000_000), Clock)


def test_streams_without_overlap_or_with_one_time_or_none_are_refused_with_the_reason():
    events = random_events(np.random.default_rng(0), 100)
    assert ask(events, events + 10**12) == NoAnswer(Refusal.NO_OVERLAP)
    assert ask(events, np.full(100, START_US)) == NoAnswer(Refusal.ALL_EQUAL)
    assert ask(np.full(100, START_US), events) == NoAnswer(Refusal.ALL_EQUAL)
    assert ask(events, events[:0]) == NoAnswer(Refusal.EMPTY)
    assert ask(events[:3], events) == NoAnswer(Refusal.EMPTY)


@pytest.mark.parametrize("turned", [False, True])
def test_a_stream_a_thousand_times_longer_is_told(turned):
    generator = np.random.default_rng(0)
    longer = random_events(generator, 500_000)
    shorter = longer[250_000:250_500] + 4_200_000
    pair = (shorter, longer) if turned else (longer, shorter)
    clock = ask(*pair)
    assert abs(clock.offset_us - (-4.2e6 if turned else 4.2e6)) < 10


def test_equal_times_and_a_swap_change_nothing_but_the_sign():
    generator = np.random.default_rng(3)
    streams = derived(random_events(generator, 3000), generator, offset_us=4.2e6, drift_ppm=40)
    clock = ask(streams.reference, streams.other)
    assert ask(np.repeat(streams.reference, 3), np.repeat(streams.other, 2)) == clock
    swapped = ask(streams.other, streams.reference)
    assert swapped.offset_us == pytest.approx(-clock.offset_at(swapped.origin_us), abs=1000)
    assert swapped.drift_ppm == pytest.approx(-clock.drift_ppm, abs=1)


def test_a_correction_undoes_the_clock_exactly():
    clock = Clock(START_US, 4.2e6, 40.0, 1.0, 1.0, 0.0, 100.0, 1.0, 1.0)
    times = START_US + np.array([-(10**10), 0, 10**10])
    read = times + np.rint([clock.offset_at(int(time)) for time in times]).astype(np.int64)
    assert np.abs(clock.to_reference(read) - times).max() <= 1
