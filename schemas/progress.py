"""How far each node is: counters that the work advances and the runner draws.

One registry a process. Work that another process or a remote Beam worker does is forwarded by whoever waits for it,
or simply not shown.
"""

from __future__ import annotations

import dataclasses
import threading
import time


@dataclasses.dataclass(frozen=True)
class Progress:
    """The state of one counter.

    Attributes:
        node: the node's id, as in the DAG.
        stage: what it is doing, in a word or two.
        done: units done.
        total: units in all, None if unknown.
        unit: what is counted, plural.
        started: `time.monotonic()` at the start of the stage.
    """

    node: str
    stage: str
    done: int
    total: int | None
    unit: str
    started: float


_lock = threading.Lock()
_current: dict[str, Progress] = {}


def start(node: str, stage: str, *, total: int | None = None, unit: str = "records") -> None:
    """Begins a stage of a node's work; the count restarts at zero."""
    with _lock:
        _current[node] = Progress(node, stage, 0, total, unit, time.monotonic())


def advance(node: str, amount: int = 1) -> None:
    """Counts units done in the node's current stage; a no-op where no stage was started."""
    with _lock:
        if node in _current:
            _current[node] = dataclasses.replace(_current[node], done=_current[node].done + amount)


def update(node: str, done: int) -> None:
    """Sets the units done in the node's current stage."""
    with _lock:
        if node in _current:
            _current[node] = dataclasses.replace(_current[node], done=done)


def finish(node: str) -> None:
    """Ends the node's progress."""
    with _lock:
        _current.pop(node, None)


def snapshot() -> dict[str, Progress]:
    """Every node that is at work now."""
    with _lock:
        return dict(_current)
