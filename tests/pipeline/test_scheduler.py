"""The scheduler alone: hypothesis graphs of plain functions."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scheduler import Ended, Note, Scheduler, Signal, Skipped, Started


@st.composite
def graphs(draw):
    """A graph, and the tasks that end badly."""
    names = [f"t{i}" for i in range(draw(st.integers(1, 9)))]
    needs = {
        name: frozenset(draw(st.sets(st.sampled_from(names[:i])))) if i else frozenset() for i, name in enumerate(names)
    }
    return needs, draw(st.sets(st.sampled_from(names)))


def upstream(needs, task):
    found = set(needs[task])
    for need in needs[task]:
        found |= upstream(needs, need)
    return found


@given(graphs(), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_every_task_runs_once_after_its_needs_or_is_skipped_for_a_bad_one(graph, workers):
    needs, bad = graph
    order, active, most = [], set(), 0
    lock = threading.Lock()

    def work(task):
        nonlocal most
        with lock:
            active.add(task)
            most = max(most, len(active))
            order.append(task)
        with lock:
            active.discard(task)
        return task not in bad

    scheduler = Scheduler(work, bool, workers=workers)
    messages = list(scheduler.run(needs))

    started = [m.task for m in messages if isinstance(m, Started)]
    skipped = {m.task: m.because for m in messages if isinstance(m, Skipped)}
    assert sorted(started) == sorted(order)
    assert sorted([*started, *skipped]) == sorted(needs)
    assert most <= workers
    for index, task in enumerate(order):
        assert needs[task] <= set(order[:index]) - bad
    for task, because in skipped.items():
        assert because in bad & upstream(needs, task) & set(started)


def test_notes_and_signals_arrive_among_the_messages():
    def work(task):
        scheduler.note(task, "hello")
        scheduler.signal(2)
        return True

    scheduler = Scheduler(work, bool, workers=1)
    messages = list(scheduler.run({"a": frozenset()}))

    assert messages == [Started("a"), Note("a", "hello"), Signal(2), Ended("a", True)]


def test_independent_tasks_overlap():
    meet = threading.Barrier(3)

    def work(task):
        meet.wait(10)
        return True

    began = time.monotonic()
    list(Scheduler(work, bool, workers=3).run(dict.fromkeys("abc", frozenset())))
    assert time.monotonic() - began < 5


def test_work_that_raises_ends_the_run_instead_of_hanging_it():
    def work(task):
        raise OSError("no thread may die in silence")

    with pytest.raises(OSError, match="in silence"):
        list(Scheduler(work, bool, workers=1).run({"a": frozenset()}))
