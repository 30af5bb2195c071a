"""Several processes of this machine that train together: started, watched, ended together, started again.

On Kubeflow the training operator does this for pods; here it is done for processes, by the same exit codes, so that a
training that survives the one survives the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pathlib
import re
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from components import process
from components.process import ProcessError
from components.training.cluster import Cluster
from components.training.watchdog import PEER_LOST, PREEMPTED
from schemas.errors import HeadraceError

HOST = "127.0.0.1"

_POLL_S = 0.05
_LAST_WORDS_S = 5.0
_OTHER_PORTS = 5  # attempts; a port that is free now may not be when a worker, seconds later, listens on it
_PORT_TAKEN = re.compile("address already in use|could not start grpc server", re.IGNORECASE)

_log = logging.getLogger(__name__)


def run(
    module: str,
    job: dict[str, Any],
    *,
    workers: int,
    node: str,
    environment: dict[str, str] | None = None,
    restarts: int = 3,
    grace_s: float = 10.0,
    preemption_grace_s: float = 25.0,
) -> int:
    """Runs `python -m MODULE JOB.json` in several processes, each told by TF_CONFIG who they are, and waits.

    Once one ends badly, all are ended. They are started again where that can mend it: one was killed by a signal, lost
    its peer or noticed that it hangs (138), or was told to make room (143). Each start goes on from the last checkpoint,
    which is the module's affair. SIGTERM to this process, if it runs in the main thread, is passed on to the workers.

    Args:
        module: its `main` is `process.main(function)`.
        job: what to do, plain values; the same for all.
        workers: how many processes.
        node: whose progress the chief's progress becomes.
        environment: variables to set on top.
        restarts: how often all are started again, at most.
        grace_s: how long the others have, after one ended, before they are killed.
        preemption_grace_s: how long they have, after SIGTERM, to save. Kubernetes kills a pod after 30 s.

    Returns:
        How often all were started again.

    Raises:
        HeadraceError: the very error that a worker's function raised; that is not tried again.
        ProcessError: a worker ended in another way that no restart can mend, or once too often.
        SystemExit: with 143, after SIGTERM, when all workers have ended.
    """
    restarted, other_ports = 0, 0
    with _sigterm() as asked:
        while True:
            outcome = _attempt(module, job, workers, node, environment or {}, asked, (grace_s, preemption_grace_s))
            if asked and (outcome.failure is None or outcome.mendable):
                raise SystemExit(PREEMPTED)
            if outcome.failure is None:
                return restarted
            if outcome.port_taken and other_ports < _OTHER_PORTS:
                other_ports += 1
                _log.warning("a port was taken meanwhile; all workers start again on other ports")
                continue
            if not outcome.mendable:
                raise outcome.failure
            if restarted == restarts:
                outcome.failure.remedy = f"it was started again {restarts} times; what its workers wrote is in the log"
                raise outcome.failure
            restarted += 1
            _log.warning(
                "%s; all workers start again from the last checkpoint (%d of %d times)",
                str(outcome.failure).splitlines()[0],
                restarted,
                restarts,
            )


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """How an attempt ended: well if there is no failure."""

    failure: HeadraceError | None = None
    mendable: bool = False
    port_taken: bool = False


def _attempt(
    module: str,
    job: dict[str, Any],
    count: int,
    node: str,
    environment: dict[str, str],
    asked: list[int],
    graces_s: tuple[float, float],
) -> _Outcome:
    if asked:
        return _Outcome(ProcessError("was asked to stop before it started", where=module), mendable=True)
    addresses = _free_addresses(count)
    with tempfile.TemporaryDirectory(prefix="headrace-workers-") as folder:
        workers: list[_Worker] = []
        try:
            for index in range(count):
                place = pathlib.Path(folder, str(index))
                place.mkdir()
                variables = environment | Cluster(addresses, index).to_environment()
                workers.append(_Worker(index, module, job, node, place, variables))
            first = _until_one_fails(workers, asked)
            if any(worker.code == PREEMPTED for worker in first):
                _wait(workers, graces_s[1])  # all stop after the same step; a SIGTERM more would end one that saves
            elif first:
                _end(workers, graces_s[0])
            elif asked:
                _pass_on(workers, asked, graces_s[1])
        finally:
            for worker in workers:
                worker.child.kill()
            for worker in workers:
                worker.close()
        return _judge(workers, first)


class _Worker:
    """One process and the thread that carries its words over."""

    def __init__(
        self, index: int, module: str, job: dict[str, Any], node: str, folder: pathlib.Path, variables: dict[str, str]
    ):
        self.index, self._module = index, module
        self.child = process.Child(module, job, node=node, folder=folder, environment=variables)
        self._follower = threading.Thread(target=self.child.follow, kwargs={"show": index == 0}, daemon=True)
        self._follower.start()
        self._seen_ended = False

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives. The end is logged when it is first seen."""
        code = self.child.code
        if code is not None and not self._seen_ended:
            self._seen_ended = True
            _log.info("worker %d ended with %d", self.index, code)
        return code

    @property
    def failed(self) -> bool:
        """Whether it has ended, and badly."""
        return self.code not in (None, 0)

    def close(self) -> None:
        """After it has ended: hears it out and logs what it wrote to stderr."""
        self._follower.join(_LAST_WORDS_S)  # a process that it left behind may hold its end open
        self.child.log(f"{self._module}, worker {self.index}")

    def failure(self) -> HeadraceError:
        """Why it ended badly; what is no error of its function's is told with its number."""
        failure = self.child.failure()
        assert failure is not None
        if isinstance(failure, ProcessError):
            failure.what = f"worker {self.index}: {failure.what}"
        return failure


def _until_one_fails(workers: list[_Worker], asked: list[int]) -> list[_Worker]:
    """Waits until all have ended well, or it has been asked to stop, or some have ended badly: these."""
    while True:
        living = [worker for worker in workers if worker.code is None]
        failed = [worker for worker in workers if worker.failed]
        if failed or asked or not living:
            return failed
        time.sleep(_POLL_S)


def _end(workers: list[_Worker], grace_s: float) -> None:
    """Asks those that live to end and waits; whoever goes on after the grace is killed by whoever calls this."""
    for worker in workers:
        worker.child.send(signal.SIGTERM)
        worker.child.send(signal.SIGCONT)  # a stopped process hears nothing else
    _wait(workers, grace_s)


def _pass_on(workers: list[_Worker], asked: list[int], grace_s: float) -> None:
    """Passes on each SIGTERM that this process gets, until all have ended or the grace is over."""
    deadline, passed = time.monotonic() + grace_s, 0
    while passed < len(asked) and time.monotonic() < deadline:
        passed = len(asked)
        _end(workers, 0)
        while passed == len(asked) and time.monotonic() < deadline and _wait(workers, _POLL_S):
            pass
    late = [str(worker.index) for worker in workers if worker.code is None]
    if late:
        _log.warning("did not end within %g s after SIGTERM and are killed: workers %s", grace_s, ", ".join(late))


def _wait(workers: list[_Worker], at_most_s: float) -> bool:
    """Waits until all have ended; whether some have not."""
    deadline = time.monotonic() + at_most_s
    while living := [worker for worker in workers if worker.code is None]:
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_S)
    return bool(living)


def _judge(workers: list[_Worker], first: list[_Worker]) -> _Outcome:
    """What ended the attempt, once all have ended.

    An error of the work itself is the cause, whoever was first. Otherwise it is whatever ended first, except that a
    worker that lost its peer (138) may be seen before the peer, which takes its time to end: then that one is.
    """
    for worker in workers:
        if worker.child.error is not None:
            return _Outcome(worker.failure())
    failed = first or [worker for worker in workers if worker.failed]
    if not failed:
        return _Outcome()
    if all(worker.code == PEER_LOST for worker in failed):
        failed = [worker for worker in workers if worker.failed and not _mendable(worker)] or failed
    by_signal = [worker for worker in failed if (worker.code or 0) < 0]
    cause = (by_signal or failed)[0]
    taken = any(_PORT_TAKEN.search(line) for worker in failed for line in worker.child.said)
    return _Outcome(cause.failure(), mendable=_mendable(cause), port_taken=taken)


def _mendable(worker: _Worker) -> bool:
    code = worker.code or 0
    return code in (PEER_LOST, PREEMPTED) or (code < 0 and code != -signal.SIGINT)


def _free_addresses(count: int) -> tuple[str, ...]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:  # all are held at once, so that all differ
            one.bind((HOST, 0))
        return tuple(f"{HOST}:{one.getsockname()[1]}" for one in sockets)


@contextlib.contextmanager
def _sigterm() -> Iterator[list[int]]:
    """The SIGTERMs that come meanwhile, one entry each; in another thread than the main one there are none."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
