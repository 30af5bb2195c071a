"""A training process that hangs ends itself; one that is asked to stop is told so, wherever it is stuck."""

from __future__ import annotations

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from components.training.watchdog import PEER_LOST, PREEMPTED, Preemption, Watchdog, end

ROOT = pathlib.Path(__file__).resolve().parents[3]


def ending(work: Callable[[], None], then: Callable[[subprocess.Popen[str]], None] | None = None) -> tuple[int, str]:
    """The exit code and stderr of a process that does this; `then` is done meanwhile, once it has begun."""
    command = [sys.executable, "-m", "tests.components.training.test_watchdog", work.__name__]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        if then is not None:
            then(process)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    return process.returncode, said


def stuck() -> None:
    """Waits for good where no Python handler runs, as in a collective: for a lock that this thread holds itself."""
    lock = ctypes.create_string_buffer(256)
    library = ctypes.CDLL(None)
    library.pthread_mutex_lock(lock)
    library.pthread_mutex_lock(lock)


def hang_in_a_step() -> None:
    with Watchdog(0.4, first_limit_s=5.0, step=3) as watchdog:
        watchdog.beat(4)
        stuck()


def test_a_step_that_hangs_is_named_and_ends_the_process() -> None:
    began = time.monotonic()
    code, said = ending(hang_in_a_step)
    assert code == PEER_LOST
    assert said.startswith("step 5 hung: no sign of life for 0.4 s (limit 0.4 s)") and said.count("\n") == 1
    assert time.monotonic() - began < 4


def take_time() -> None:
    with Watchdog(0.6, first_limit_s=5.0) as watchdog:
        time.sleep(0.9)  # peers are awaited, the first step compiles
        for step in range(1, 7):
            time.sleep(0.2)
            watchdog.beat(step)
        with watchdog.phase("evaluating", limit_s=5.0):
            time.sleep(0.9)
        time.sleep(0.3)
    time.sleep(0.9)


def test_beats_and_known_phases_keep_it_alive() -> None:
    assert ending(take_time) == (0, "")


def hang_before_the_first_beat() -> None:
    with Watchdog(0.1, first_limit_s=0.4, step=7):
        stuck()


def hang_in_a_phase() -> None:
    with Watchdog(0.1, first_limit_s=5.0) as watchdog:
        watchdog.beat(1)
        with watchdog.phase("evaluating", limit_s=0.4):
            stuck()


@pytest.mark.parametrize(("work", "hung"), [(hang_before_the_first_beat, "step 8"), (hang_in_a_phase, "evaluating")])
def test_a_known_phase_that_hangs_ends_too(work: Callable[[], None], hung: str) -> None:
    code, said = ending(work)
    assert code == PEER_LOST and said.startswith(f"{hung} hung") and "(limit 0.4 s)" in said


def be_stopped() -> None:
    with Watchdog(1.0) as watchdog:
        watchdog.beat(1)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.2)


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    def go_on_later(process: subprocess.Popen[str]) -> None:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)

    assert ending(be_stopped, go_on_later) == (0, "")


def beat_without_a_limit() -> None:
    with Watchdog(None, first_limit_s=0.1) as watchdog:
        watchdog.beat(1)
        time.sleep(0.5)


def test_without_a_limit_it_watches_nothing() -> None:
    assert ending(beat_without_a_limit) == (0, "")


def be_asked() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Preemption() as preemption:
        assert not preemption.requested
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)  # the same request: whoever ends a group reaches a worker twice
        time.sleep(0.3)
        assert preemption.requested
    assert signal.getsignal(signal.SIGTERM) == before
    end(PREEMPTED, "saved")


def test_sigterm_is_noted_and_the_loop_decides() -> None:
    assert ending(be_asked) == (PREEMPTED, "saved\n")


def be_stuck() -> None:
    with Preemption():
        print("ready", flush=True)
        stuck()


def test_a_second_sigterm_ends_a_process_that_is_stuck() -> None:
    def ask_twice(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        time.sleep(2.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)

    assert ending(be_stuck, ask_twice) == (PREEMPTED, "ended by a second SIGTERM, without saving\n")


if __name__ == "__main__":
    print("begun", flush=True)
    globals()[sys.argv[1]]()
