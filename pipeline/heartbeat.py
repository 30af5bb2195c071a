"""The sign of life that a run gives on each of its executions, and its note of the processes that it has started."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from pipeline import executions, processes
from pipeline.connection import SharedStore

_LOOK_S = 1.0
"""How often to look for new child processes, so that few escape the record of a run that is then killed."""

_log = logging.getLogger(__name__)


class Heartbeat:
    """Beats while entered.

    Args:
        store: where executions are.
        at_work: the ids of the executions that this process works on.
    """

    def __init__(self, store: SharedStore, at_work: Callable[[], Iterable[int]]):
        self._store = store
        self._at_work = at_work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        known: dict[int, str] = {}
        last = time.monotonic()
        while not self._stop.wait(_LOOK_S):
            try:
                children = processes.children()
                if children != known or time.monotonic() - last >= executions.HEARTBEAT_S:
                    with self._store.lock:
                        executions.beat(self._store, self._at_work(), children)
                    known, last = children, time.monotonic()
            except Exception:
                # A full disk or a locked store must not end the run by its pulse; the node will say so itself.
                _log.exception("no heartbeat")
