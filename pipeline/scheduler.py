"""Runs a graph of tasks in threads: each as soon as all it needs is done, and what a failure cuts off not at all.

It knows nothing of TFX. One thread (the caller's) takes every decision and sees every message; workers only work.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

R = TypeVar("R")

_TICK_S = 0.2


@dataclasses.dataclass(frozen=True)
class Started:
    """A task begins."""

    task: str


@dataclasses.dataclass(frozen=True)
class Ended(Generic[R]):
    """A task is over.

    Attributes:
        result: what the work returned.
    """

    task: str
    result: R


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A task cannot run.

    Attributes:
        because: the task that ended badly, at the root of it.
    """

    task: str
    because: str


@dataclasses.dataclass(frozen=True)
class Note:
    """Something that a worker wants said."""

    task: str
    text: str


@dataclasses.dataclass(frozen=True)
class Signal:
    """The process was asked to stop."""

    number: int


@dataclasses.dataclass(frozen=True)
class Tick:
    """Time passed: a chance to draw."""


@dataclasses.dataclass(frozen=True)
class _Broken:
    """The work of a task raised what it should have answered for."""

    error: BaseException


class Scheduler(Generic[R]):
    """See `run`.

    Args:
        work: does a task, in a thread, and returns what became of it; should it raise, so does `run`.
        good: whether what became of a task lets those that need it run.
        workers: how many tasks at once.
    """

    def __init__(self, work: Callable[[str], R], good: Callable[[R], bool], *, workers: int):
        self._work = work
        self._good = good
        self._workers = workers
        self._inbox: queue.SimpleQueue[Ended[R] | Note | Signal | _Broken] = queue.SimpleQueue()

    def note(self, task: str, text: str) -> None:
        """Has something said; for workers."""
        self._inbox.put(Note(task, text))

    def signal(self, number: int) -> None:
        """Has the run told that the process was asked to stop; safe in a signal handler."""
        self._inbox.put(Signal(number))

    def run(self, needs: Mapping[str, frozenset[str]]) -> Iterator[Started | Ended[R] | Skipped | Note | Signal | Tick]:
        """Runs all tasks; yields what happens as it happens, and a tick where nothing does.

        Args:
            needs: every task with those that must be done before it, in an order in which they could run.
        """
        waiting = list(needs)
        done: set[str] = set()
        lost: dict[str, str] = {}
        running: set[str] = set()
        while waiting or running:
            for task in list(waiting):
                roots = [lost[need] for need in needs[task] if need in lost]
                if roots:
                    waiting.remove(task)
                    lost[task] = sorted(roots)[0]
                    yield Skipped(task, lost[task])
                elif needs[task] <= done and len(running) < self._workers:
                    waiting.remove(task)
                    running.add(task)
                    yield Started(task)
                    # Daemons: a thread inside a library must not keep an interrupted process from ending.
                    threading.Thread(target=self._do, args=(task,), name=task, daemon=True).start()
            if not running:
                continue
            try:
                message = self._inbox.get(timeout=_TICK_S)
            except queue.Empty:
                yield Tick()
                continue
            if isinstance(message, _Broken):
                raise message.error
            if isinstance(message, Ended):
                running.remove(message.task)
                if self._good(message.result):
                    done.add(message.task)
                else:
                    lost[message.task] = message.task
            yield message

    def _do(self, task: str) -> None:
        try:
            self._inbox.put(Ended(task, self._work(task)))
        except BaseException as error:
            self._inbox.put(_Broken(error))
