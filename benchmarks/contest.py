"""Contenders side by side: each in a process of its own, on the same cores, in turn."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent
PEERS = ROOT / ".tools" / "peers"
OURS = "headrace"

# Thread pools that would hide behind processor time, each by its own variable.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "ARROW_IO_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclasses.dataclass(frozen=True)
class Contender:
    """Who competes.

    Attributes:
        module: what runs, by its dotted name; see `benchmarks.worker`.
        arguments: what it is given, as JSON.
        environment: the peer's environment below `.tools/peers`, or None for the product's own.
        name: what it is called in the figures.
    """

    module: str
    arguments: dict[str, Any]
    environment: str | None = None
    name: str = OURS

    @property
    def python(self) -> str:
        """The interpreter that runs it."""
        return sys.executable if self.environment is None else str(PEERS / self.environment / "bin" / "python")


@dataclasses.dataclass(frozen=True)
class Reading:
    """One timed run.

    Attributes:
        processor_s: processor time of the process and its descendants.
        wall_s: time on the clock.
        peak_bytes: the most memory held until then, loading included.
        value: what the run told besides.
    """

    processor_s: float
    wall_s: float
    peak_bytes: int
    value: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Standing:
    """What came of a contender.

    Attributes:
        contender: who.
        version: of its distribution; empty for ours.
        readings: its runs, in order.
        why: why it could not run, if so; then there are no readings.
    """

    contender: Contender
    version: str = ""
    readings: tuple[Reading, ...] = ()
    why: str = ""

    def median(self, of: Callable[[Reading], float] = lambda reading: reading.processor_s) -> float:
        """The median over the runs."""
        return statistics.median(map(of, self.readings))


class CannotRunError(Exception):
    """A contender's process could not be started or failed; the message says why in a line."""


def contest(
    contenders: Sequence[Contender], *, runs: int, cores: int = 1, limit_s: float = 1800.0
) -> tuple[Standing, ...]:
    """Lets the contenders run in turn, `runs` times each, on the same cores.

    Args:
        contenders: who competes; each round goes through them in this order.
        runs: rounds.
        cores: how many processor cores all processes are bound to; thread pools are limited to as many.
        limit_s: how long one preparation or one run may take on the clock.

    Returns:
        For each contender its runs, or why it has none.
    """
    allowed = sorted(os.sched_getaffinity(0))[-cores:]
    with contextlib.ExitStack() as stack:
        processes: dict[int, _Process] = {}
        failed: dict[int, str] = {}
        readings: dict[int, list[Reading]] = {number: [] for number in range(len(contenders))}
        for number, contender in enumerate(contenders):
            try:
                processes[number] = stack.enter_context(_running(contender, allowed, limit_s))
            except CannotRunError as error:
                failed[number] = str(error)
        for _ in range(runs):
            for number, process in processes.items():
                if number in failed:
                    continue
                try:
                    readings[number].append(Reading(**process.ask(limit_s)))
                except CannotRunError as error:
                    failed[number] = str(error)
        return tuple(
            Standing(contender, why=failed[number])
            if number in failed
            else Standing(contender, processes[number].version, tuple(readings[number]))
            for number, contender in enumerate(contenders)
        )


class _Process:
    """A contender's process, from prepared on."""

    def __init__(self, process: subprocess.Popen[str], log: pathlib.Path):
        self._process = process
        self._log = log
        self.version = ""

    def ask(self, limit_s: float) -> dict[str, Any]:
        """One run."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise CannotRunError(self._last_words()) from error
        return self.answer(limit_s)

    def answer(self, limit_s: float) -> dict[str, Any]:
        """The next line that the process says."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        if not ready:
            raise CannotRunError(f"no answer within {limit_s:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise CannotRunError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._process.wait(timeout=10)
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"exit code {self._process.returncode}: {lines[-1][:300] if lines else 'nothing was said'}"


@contextlib.contextmanager
def _running(contender: Contender, allowed: list[int], limit_s: float) -> Iterator[_Process]:
    if not pathlib.Path(contender.python).exists():
        raise CannotRunError(f"{contender.environment} is not installed: make bench-setup")
    surroundings = {
        **os.environ,
        **dict.fromkeys(_THREADS, str(len(allowed))),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as aside:
        log = pathlib.Path(aside, "log")
        with log.open("w") as words:
            process = subprocess.Popen(
                [contender.python, "-m", contender.module, json.dumps(contender.arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
                cwd=ROOT,
                env=surroundings,
                preexec_fn=lambda: os.sched_setaffinity(0, allowed),
            )
        try:
            running = _Process(process, log)
            running.version = running.answer(limit_s)["version"]
            yield running
        finally:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
