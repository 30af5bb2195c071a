"""Joins of streams derived from real times: of this project's commits, and of the changes of installed packages.

They come in bursts and some are equal. Where the relation of the clocks cannot be told, no answer is right; a wrong one
never is.
"""

import functools
import os

import numpy as np
import pytest

from benchmarks import real_times
from benchmarks.timestamp_streams import derived
from components.alignment.clocks import NoAnswer
from components.alignment.config import TimestampJoin
from components.alignment.pairing import pair
from components.alignment.timestamps import How, join

HOUR_US = 3_600_000_000
DEFAULTS = TimestampJoin(reference="events")
WITHIN_A_DAY = TimestampJoin(reference="events", max_offset_s=86_400.0)


@functools.cache
def found():
    sources = {"commits": real_times.commits(), "package changes": real_times.package_changes()}
    return {name: times for name, times in sources.items() if times is not None}


@pytest.fixture(autouse=True)
def _real_times_are_there():
    if not found():
        reason = "neither a checkout with a history nor /usr/share/doc/*/changelog.Debian.gz is there"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def mean_gap_us(times):
    return (times[-1] - times[0]) / (len(times) - 1)


def is_wrong(clock, streams, jitter_us):
    ends = (int(streams.reference[0]), int(streams.reference[-1]))
    return max(abs(clock.offset_at(end) - streams.offset_at(end)) for end in ends) > jitter_us


def test_the_clock_of_a_stream_derived_from_real_times_is_found_and_the_join_is_as_good_as_with_the_true_one():
    for name, times in found().items():
        jitter_us = mean_gap_us(times) / 1000
        streams = derived(times, np.random.default_rng(1), offset_us=3 * HOUR_US, drift_ppm=40, jitter_us=jitter_us)
        pairing = pair(streams.reference, streams.other, WITHIN_A_DAY)
        assert not isinstance(pairing, NoAnswer), name
        assert not is_wrong(pairing.clock, streams, jitter_us), name
        given = join(streams.reference, streams.corrected(), tolerance_us=round(3 * jitter_us), how=How.ONE_TO_ONE)
        best = streams.f1(given.reference, given.other)
        assert best > 0.9, name
        a_pair_or_two = 2 / len(times)
        ours = streams.f1(pairing.pairs.reference, pairing.pairs.other)
        assert ours > best - 0.005 - a_pair_or_two, name


@pytest.mark.parametrize("mean_gap_s", [1.0, 60.0])
def test_real_times_that_are_as_dense_as_the_range_searched_are_told(mean_gap_s):
    for name, times in found().items():
        denser = real_times.with_mean_gap(times, mean_gap_s)
        streams = derived(denser, np.random.default_rng(2), offset_us=4.2e6, drift_ppm=40)
        pairing = pair(streams.reference, streams.other, DEFAULTS)
        assert not isinstance(pairing, NoAnswer), name
        assert not is_wrong(pairing.clock, streams, 5e3), name


@pytest.mark.parametrize("mean_gap_s", [0.1, 10.0, 300.0, 600.0, 1200.0, 3600.0, 86_400.0])
def test_no_density_of_real_times_gets_a_wrong_answer(mean_gap_s):
    for name, times in found().items():
        for seed in range(4):
            generator = np.random.default_rng(seed)
            streams = derived(
                real_times.with_mean_gap(times, mean_gap_s),
                generator,
                offset_us=generator.uniform(-50e6, 50e6),
                drift_ppm=generator.uniform(-100, 100),
            )
            pairing = pair(streams.reference, streams.other, DEFAULTS)
            assert isinstance(pairing, NoAnswer) or not is_wrong(pairing.clock, streams, 5e3), (name, seed)


@pytest.mark.parametrize(
    ("config", "mean_gap_s"),
    [
        *((DEFAULTS, gap_s) for gap_s in (1.0, 10.0, 60.0, 600.0, 3600.0)),
        (WITHIN_A_DAY, 3600.0),
        (WITHIN_A_DAY, 86_400.0),
    ],
)
def test_real_streams_that_share_their_bursts_but_no_event_are_refused(config, mean_gap_s):
    for name, times in found().items():
        for seed in range(4):
            dealt = np.random.default_rng(seed).random(len(times)) < 0.5
            denser = real_times.with_mean_gap(times, mean_gap_s)
            assert isinstance(pair(denser[dealt], denser[~dealt], config), NoAnswer), (name, seed)
