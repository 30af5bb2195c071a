"""Joins two streams by event time on Beam, while they come: late, out of order, and some records more than once.

`timestamps.join` needs all records at hand. Here a record of the reference is decided once the watermark says that
all that could matter has come: what is within the tolerance of it, and within the tolerance of that. That is done by
one stateful step per series (a data set, a device), with one event-time timer:

- Records are buffered in whatever order they come.
- The timer stands for a time, the *plan*. It fires when the watermark passes plan + 2 tolerances + allowed lateness;
  then `timestamps.join` joins the buffer, and the pairs of the references before the plan are given out. Every record
  before it that matters is there, and later ones cannot change these pairs, so the result is that of a join of
  everything, whatever the order.
- Records that no undecided reference can see any more are dropped: what is held are the records of 4 tolerances, the
  allowed lateness, and what is ahead of the watermark.
- The next plan is the time of the record at an eighth of those that wait. So the waiting grows by an eighth at most,
  and of a bounded stream, whose watermark jumps to the end, each record is looked at 8 times on average, not once for
  each of the others.

A record is late once something was decided that it could have changed. That is never before the watermark is more than
the allowed lateness beyond its time. Late records are given out apart, and counted, as are repeated ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam import coders, pvalue
from apache_beam.metrics import Metrics
from apache_beam.transforms import userstate, window
from apache_beam.utils.timestamp import Timestamp

from components.alignment import timestamps
from components.alignment.timestamps import How

PAIRS, LATE, REPEATED, HELD = "pairs", "late", "repeated", "held"
_NAMESPACE = "event_windows"
_REFERENCE, _OTHER = 0, 1
_PART = 8
_TIMER_RESOLUTION_US = 1_000  # Beam sends the times of timers in milliseconds, cut off
_NEVER_US = window.GlobalWindow().max_timestamp().micros


class Event(NamedTuple):
    """A record of a stream. Plain tuples of the first two, or of all three, will do.

    Attributes:
        record_id: its id. A record is repeated if one with the same id and time has come.
        time_us: when, in microseconds since 1970, UTC, on the reference's clock.
        series: what it belongs to; only records of one series are joined.
    """

    record_id: str
    time_us: int
    series: str = ""


class Pair(NamedTuple):
    """Two records that belong together.

    Attributes:
        series: which they belong to.
        reference: the id of the reference's record.
        other: the id of the other stream's.
        gap_us: other - reference.
    """

    series: str
    reference: str
    other: str
    gap_us: int


class JoinByEventTime(beam.PTransform):
    """Two collections of `Event`s, (reference, other), to `PAIRS`, and the `Event`s that were `LATE` or `REPEATED`.

    The pairs are those of `timestamps.join` with the records in the order of their times and, of equal times, of their
    ids. The elements' Beam timestamps must be their times, or earlier, as those of a bounded collection are. Metrics of
    the namespace `event_windows` count what comes out by the same names. `HELD` are numbers: how many records are held
    each time that something was decided.

    Args:
        tolerance_us: the largest gap, inclusive.
        how: which records belong together.
        allowed_lateness_us: how far the watermark may be beyond a record's time when it comes. Pairs wait for that.

    Raises:
        SourceError: while running: there are too many pairs.
    """

    def __init__(self, *, tolerance_us: int, how: How, allowed_lateness_us: int = 0):
        super().__init__()
        self._join = _Join(tolerance_us, how, allowed_lateness_us)

    def expand(self, pcollections: Sequence[beam.PCollection]) -> dict[str, beam.PCollection]:
        """(reference, other) to the outputs by name."""
        reference, other = pcollections
        keyed = (
            reference | "Reference" >> beam.Map(_keyed, _REFERENCE).with_output_types(_KEYED),
            other | "Other" >> beam.Map(_keyed, _OTHER).with_output_types(_KEYED),
        )
        found = (
            keyed
            | beam.Flatten()
            | beam.WindowInto(window.GlobalWindows())
            | beam.ParDo(self._join).with_outputs(LATE, REPEATED, HELD, main=PAIRS)
        )
        counted = {tag: found[tag] | f"Count-{tag}" >> beam.ParDo(_Counted(tag)) for tag in (PAIRS, LATE, REPEATED)}
        return {**counted, HELD: found[HELD]}


class _Counted(beam.DoFn):
    """Counts what passes. Not every runner counts within timers, so that this is a step of its own."""

    def __init__(self, name: str):
        self._counter = Metrics.counter(_NAMESPACE, name)

    def process(self, element: Any) -> Iterator[Any]:
        """Counts one."""
        self._counter.inc()
        yield element


# What is buffered: time, side and id.
_Entry = tuple[int, int, str]
_KEYED = tuple[str, _Entry]
_ENTRY_CODER = coders.TupleCoder((coders.VarIntCoder(), coders.VarIntCoder(), coders.StrUtf8Coder()))
_HELD_CODER = coders.IterableCoder(_ENTRY_CODER)
_NONE = _HELD_CODER.encode([])


def _keyed(element: Sequence[Any], side: int) -> tuple[str, _Entry]:
    event = Event(*element)
    return event.series, (event.time_us, side, event.record_id)


_CAME = beam.DoFn.StateParam(userstate.BagStateSpec("came", _ENTRY_CODER))  # since the last decision
# After it, in one piece, which is quicker by far.
_HELD = beam.DoFn.StateParam(userstate.ReadModifyWriteStateSpec("held", coders.BytesCoder()))
_DECIDED = beam.DoFn.StateParam(userstate.ReadModifyWriteStateSpec("decided", coders.VarIntCoder()))
_PLAN = beam.DoFn.StateParam(userstate.ReadModifyWriteStateSpec("plan", coders.VarIntCoder()))
_TIMER_SPEC = userstate.TimerSpec("timer", userstate.TimeDomain.WATERMARK)
_TIMER = beam.DoFn.TimerParam(_TIMER_SPEC)
_KEY = beam.DoFn.KeyParam


class _Join(beam.DoFn):
    """The stateful step. References before the time `decided` have been decided; `plan` is the next such time."""

    def __init__(self, tolerance_us: int, how: How, allowed_lateness_us: int):
        self._tolerance_us = tolerance_us
        self._how = how
        self._allowed_lateness_us = allowed_lateness_us

    def process(
        self,
        element: tuple[str, _Entry],
        came: Any = _CAME,
        decided: Any = _DECIDED,
        plan: Any = _PLAN,
        timer: Any = _TIMER,
    ) -> Iterator[pvalue.TaggedOutput]:
        """Buffers a record unless it is late, and sees to it that it will be decided."""
        series, entry = element
        time_us, _, record_id = entry
        before = decided.read()
        if before is not None and time_us < before + 2 * self._tolerance_us:
            yield pvalue.TaggedOutput(LATE, Event(record_id, time_us, series))
            return
        came.add(entry)
        planned = plan.read()
        if planned is None or time_us < planned:
            self._set(time_us + 1, plan, timer)

    @userstate.on_timer(_TIMER_SPEC)
    def decide(
        self,
        series: str = _KEY,
        came: Any = _CAME,
        held: Any = _HELD,
        decided: Any = _DECIDED,
        plan: Any = _PLAN,
        timer: Any = _TIMER,
    ) -> Iterator[Pair | pvalue.TaggedOutput]:
        """Gives out the pairs of the references before the plan, and plans on."""
        before, now = decided.read(), plan.read()
        entries = sorted([*_HELD_CODER.decode(held.read() or _NONE), *came.read()])
        again = [place for place in range(1, len(entries)) if entries[place] == entries[place - 1]]
        for time_us, _, record_id in (entries[place] for place in again):
            yield pvalue.TaggedOutput(REPEATED, Event(record_id, time_us, series))
        entries = list(dict.fromkeys(entries))
        yield from self._pairs(series, entries, before, now)

        decided.write(now)
        came.clear()
        left = [entry for entry in entries if entry[0] >= now - 2 * self._tolerance_us]
        waiting = [entry[0] for entry in left if entry[0] >= now]
        yield pvalue.TaggedOutput(HELD, len(left))
        if left:
            held.write(_HELD_CODER.encode(left))
        else:
            held.clear()
        if waiting:
            self._set(waiting[len(waiting) // _PART] + 1, plan, timer)
        elif left:  # for what is still to come; dropped at this plan if nothing does
            self._set(now + 2 * self._tolerance_us, plan, timer)
        else:
            plan.clear()

    def _pairs(self, series: str, entries: Sequence[_Entry], before: int | None, now: int) -> Iterator[Pair]:
        """Those of the references from `before` to `now`."""
        sides = [[entry for entry in entries if entry[1] == side] for side in (_REFERENCE, _OTHER)]
        times = [np.array([entry[0] for entry in side], np.int64) for side in sides]
        found = timestamps.join(*times, tolerance_us=self._tolerance_us, how=self._how)
        for left, right, gap in zip(
            found.reference.tolist(), found.other.tolist(), found.gaps_us.tolist(), strict=True
        ):
            time_us, _, record_id = sides[_REFERENCE][left]
            if time_us < now and (before is None or time_us >= before):
                yield Pair(series, record_id, sides[_OTHER][right][2], gap)

    def _set(self, time_us: int, plan: Any, timer: Any) -> None:
        plan.write(time_us)
        due = time_us + 2 * self._tolerance_us + self._allowed_lateness_us
        due += -due % _TIMER_RESOLUTION_US
        timer.set(Timestamp(micros=min(due, _NEVER_US)))
