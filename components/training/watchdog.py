"""How a training process ends before its time: hung, without a peer, or asked to make room.

All three leave by `end`, at once: what Python and TensorFlow do on a regular way out may wait for peers that are gone.
The exit codes are those that Kubeflow's training operator takes as worth another attempt (128 to 255).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import NoReturn

from typing_extensions import Self

PREEMPTED = 143
"""Exit code after SIGTERM: the state is saved, another attempt goes on from it."""

PEER_LOST = 138
"""Exit code when a peer is gone or hangs: another attempt of all goes on from the last checkpoint."""

_TICKS = 20  # in a limit
_LONGEST_TICK_S = 1.0
_SAME_REQUEST_S = 2.0


def end(code: int, why: str) -> NoReturn:
    """Ends the process here and now with one line on stderr; nothing that is registered for the exit runs."""
    with contextlib.suppress(OSError):  # nobody may be listening any more
        os.write(2, f"{why}\n".encode())
    os._exit(code)


class Watchdog:
    """Ends the process when the loop stands still: a peer that hangs blocks a collective for good.

    What counts is time in which this process itself could run: neither a suspended computer nor a stopped process or
    one held in a debugger has hung when it wakes. Where one worker is stopped to look at it, switch the others' off.

        with Watchdog(limit_s=60.0) as watchdog:
            for step in ...:
                ...
                watchdog.beat(step)

    Args:
        limit_s: the longest a step may take, seconds; None switches it off. Peers reach a step's collective at
            different times, so leave room for that.
        first_limit_s: the longest until the first beat: peers are awaited and the step is compiled.
        step: the last step done before, as after a resume.
    """

    def __init__(self, limit_s: float | None, *, first_limit_s: float = 600.0, step: int = 0):
        self._limit_s = limit_s
        self._doing = (f"step {step + 1}", first_limit_s if limit_s is None else max(first_limit_s, limit_s))
        self._silent_s = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        if self._limit_s is not None:
            tick_s = min(_LONGEST_TICK_S, self._limit_s / _TICKS)
            threading.Thread(target=self._watch, args=(tick_s,), name="watchdog", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()

    def beat(self, step: int) -> None:
        """A step is done; costs about a microsecond."""
        if self._limit_s is not None:
            self._now((f"step {step + 1}", self._limit_s))

    @contextlib.contextmanager
    def phase(self, name: str, *, limit_s: float) -> Iterator[None]:
        """Within it another limit holds; after it the one before, from zero.

        Args:
            name: what is done, as in "evaluating".
            limit_s: the longest it may take, seconds. Workers that wait for this one need the same.
        """
        before = self._doing
        self._now((name, limit_s))
        try:
            yield
        finally:
            self._now(before)

    def _now(self, doing: tuple[str, float]) -> None:
        with self._lock:
            self._doing, self._silent_s = doing, 0.0

    def _watch(self, tick_s: float) -> None:
        last = time.monotonic()
        while not self._over.wait(tick_s):
            now = time.monotonic()
            with self._lock:
                # A tick that took much longer is one in which this process did not run. Whether the clock goes on
                # while the computer sleeps, which differs between systems, then makes no difference.
                self._silent_s += min(now - last, 2 * tick_s)
                last = now
                name, limit_s = self._doing
                if self._silent_s > limit_s:
                    end(PEER_LOST, f"{name} hung: no sign of life for {self._silent_s:.1f} s (limit {limit_s:g} s)")


class Preemption:
    """Notes SIGTERM for a loop that asks after each step, saves, and ends with `PREEMPTED`.

        with Preemption() as preemption:
            for step in ...:
                ...
                if preemption.requested:
                    save()
                    end(PREEMPTED, f"stopped after step {step}, which is saved")

    A second SIGTERM ends the process at once, also where the main thread is stuck in a collective: a thread of its own
    hears both. One within two seconds of the first is the same request come twice, from whoever ends a whole group.

    Workers must stop after the same step: sum `requested` over them in a collective of the step, and ask the sum.

    To be entered in the main thread, once a process, and after the strategy is made: the coordination service of
    TensorFlow's workers puts a handler of its own in this one's place, and what came before is not heard.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether SIGTERM has come."""
        return self._requested.is_set()

    def __enter__(self) -> Self:
        self._heard, self._told = socket.socketpair()
        self._told.setblocking(False)
        # Python runs a handler between two of the main thread's instructions, too late for one that is stuck. What it
        # writes to this end, it writes when the signal comes.
        self._handler = signal.signal(signal.SIGTERM, lambda *_: None)
        self._descriptor = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, name="preemption", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._descriptor)
        signal.signal(signal.SIGTERM, self._handler)
        self._told.close()

    def _listen(self) -> None:
        first_s: float | None = None
        with self._heard:
            while numbers := self._heard.recv(16):
                if signal.SIGTERM not in numbers:
                    continue
                now_s = time.monotonic()
                if first_s is None:
                    first_s = now_s
                    self._requested.set()
                elif now_s - first_s > _SAME_REQUEST_S:
                    end(PREEMPTED, "ended by a second SIGTERM, without saving")
