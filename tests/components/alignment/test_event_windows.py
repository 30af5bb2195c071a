import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from components.alignment import timestamps
from components.alignment.event_windows import HELD, LATE, PAIRS, REPEATED, Event, JoinByEventTime, Pair
from components.alignment.timestamps import How
from pipeline.dag import BEAM_ARGUMENTS

TIMES = st.lists(st.integers(-40, 40), max_size=5)
START = Timestamp(-1000)


def joined_at_once(reference, other, tolerance, how):
    """What `timestamps.join` says of the records of many series, in the order of times and ids."""
    pairs = []
    for series in {event.series for event in reference}:
        left, right = (
            sorted((event.time_us, event.record_id) for event in side if event.series == series)
            for side in (reference, other)
        )
        times = (np.array([time for time, _ in side], np.int64) for side in (left, right))
        found = timestamps.join(*times, tolerance_us=tolerance, how=how)
        pairs += [
            Pair(series, left[i][1], right[j][1], right[j][0] - left[i][0])
            for i, j in zip(found.reference.tolist(), found.other.tolist(), strict=True)
        ]
    return pairs


def outputs(found, name):
    """All outputs of the transform as one, each element with the name of its output."""
    named = [
        found[tag] | f"{name}-{tag}" >> beam.Map(lambda value, tag: (tag, value), tag)
        for tag in (PAIRS, LATE, REPEATED)
    ]
    return named | f"{name}-all" >> beam.Flatten()


@settings(max_examples=2, deadline=None, phases=(Phase.generate,))  # a run takes seconds, so that it takes many series
@given(
    st.lists(st.tuples(TIMES, TIMES), min_size=10, max_size=12),
    st.integers(0, 12),
    st.randoms(use_true_random=False),
)
def test_any_order_of_bounded_streams_gives_the_join_of_all(series, tolerance, order):
    sides = [
        [
            Event(f"{side}{place}", time, str(number))
            for number, times in enumerate(series)
            for place, time in enumerate(times[side])
        ]
        for side in (0, 1)
    ]
    again = [[order.choice(side)] if side else [] for side in sides]
    came = [side + more for side, more in zip(sides, again, strict=True)]
    for side in came:
        order.shuffle(side)
    with beam.Pipeline(options=PipelineOptions(BEAM_ARGUMENTS)) as pipeline:
        streams = tuple(pipeline | f"Stream{side}" >> beam.Create(came[side]) for side in (0, 1))
        for how in How:
            found = streams | how.name >> JoinByEventTime(tolerance_us=tolerance, how=how)
            expected = joined_at_once(*sides, tolerance, how)
            expected = [(PAIRS, pair) for pair in expected] + [(REPEATED, event) for more in again for event in more]
            assert_that(outputs(found, how.name), equal_to(expected), label=f"compare-{how.name}")


def stream(steps, expected, *, tolerance_s=1, allowed_lateness_s=0, how=How.ONE_TO_ONE, held=None):
    """Joins what comes step by step, and compares all that comes out.

    A step is a side and its records, as names with their seconds, or the second that the watermark reaches.
    """
    events = Stream(output_tags={"reference", "other"})
    # This runner does not wait at the end for timers that timers have set.
    for step in (START, *steps, *range(100, 116), MAX_TIMESTAMP):
        if isinstance(step, tuple):
            side, records = step
            at = [TimestampedValue((name, int(time_s * 1e6)), Timestamp(time_s)) for name, time_s in records.items()]
            events.add_elements(at, tag=side)
        else:
            for side in ("reference", "other"):
                events.advance_watermark_to(step, tag=side)
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=PipelineOptions([], streaming=True))
    sources = pipeline | events
    found = (sources["reference"], sources["other"]) | JoinByEventTime(
        tolerance_us=int(tolerance_s * 1e6), how=how, allowed_lateness_us=int(allowed_lateness_s * 1e6)
    )
    names = outputs(found, "stream") | beam.MapTuple(
        lambda tag, value: (tag, *value[1:3]) if tag == PAIRS else (tag, value.record_id)
    )
    assert_that(names, equal_to(expected))
    if held is not None:
        assert_that(found[HELD], held, label="held")
    pipeline.run().wait_until_finish()


def test_records_out_of_order_are_joined_as_in_order():
    steps = [
        ("reference", {"r3": 30, "r1": 10}),
        ("other", {"o2": 20.5, "o1": 10.2}),
        ("reference", {"r2": 20}),
        ("other", {"o3": 29.5}),
    ]
    stream(steps, [(PAIRS, "r1", "o1"), (PAIRS, "r2", "o2"), (PAIRS, "r3", "o3")])


def test_a_record_within_the_allowed_lateness_takes_its_partner_from_a_worse_one():
    steps = [
        ("reference", {"r1": 10}),
        ("other", {"worse": 10.8}),
        14,
        ("other", {"better": 10.1}),
    ]
    stream(steps, [(PAIRS, "r1", "better")], allowed_lateness_s=5)


def test_a_record_beyond_the_allowed_lateness_is_given_out_apart():
    steps = [
        ("reference", {"r1": 10}),
        ("other", {"worse": 10.8}),
        18,
        ("other", {"better": 10.1}),
        ("reference", {"r2": 9}),
    ]
    expected = [(PAIRS, "r1", "worse"), (LATE, "better"), (LATE, "r2")]
    stream(steps, expected, allowed_lateness_s=5)


def test_a_pair_waits_for_whatever_could_change_it():
    # What is nearest to o1 is known once all of its tolerance has come, which ends two tolerances after r1.
    steps = [
        ("reference", {"r1": 10}),
        ("other", {"o1": 10.9}),
        11.9,
        ("reference", {"r2": 11.85}),
        13,
    ]
    stream(steps, [(PAIRS, "r1", "o1")])
    steps[3] = ("reference", {"r2": 11.7})
    stream(steps, [(PAIRS, "r2", "o1")])


def test_no_record_belongs_to_two_pairs_however_late_its_better_partner_comes():
    steps = [
        ("reference", {"r1": 10}),
        ("other", {"o1": 10.9}),
        12.5,
        ("reference", {"r2": 11}),
        20,
    ]
    stream(steps, [(PAIRS, "r1", "o1"), (LATE, "r2")])


def test_repeated_records_are_joined_once_and_told():
    steps = [
        ("reference", {"r1": 10}),
        ("other", {"o1": 10.1}),
        ("reference", {"r1": 10}),
        11,
        ("other", {"o1": 10.1}),
        30,
        ("other", {"o1": 10.1}),
    ]
    expected = [(PAIRS, "r1", "o1"), (REPEATED, "r1"), (REPEATED, "o1"), (LATE, "o1")]
    stream(steps, expected)


def test_what_is_decided_is_not_held_any_more():
    steps = []
    for second in range(9):
        steps += [("reference", {f"r{second}": second}), ("other", {f"o{second}": second + 0.1}), second]
    pairs = [(PAIRS, f"r{second}", f"o{second}") for second in range(9)]

    def few(numbers):
        assert max(numbers) <= 4
        assert numbers[-1] == 0

    stream(steps, pairs, tolerance_s=0.4, held=few)


def test_a_record_far_ahead_keeps_none_back():
    steps = [("reference", {"ahead": 1e9, "r1": 10}), ("other", {"o1": 10}), 20, ("other", {"late": 10})]
    stream(steps, [(PAIRS, "r1", "o1"), (LATE, "late")])
