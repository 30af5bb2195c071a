"""A contender's process: prepares once, then does its work each time it is asked, timing itself.

Ours and the peers run through this same loop, so that all are measured alike: imports, loading and warming up are
outside, garbage is collected before, processor time covers every thread and child process. Standard library only,
because it runs inside the peers' environments.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], "dict[str, Any]"]
"""One run; returns what is to be told about it besides its time, as JSON."""


def serve(prepare: Callable[[dict[str, Any]], Work], distribution: str | None = None) -> None:
    """Answers each line on standard input with one timed run.

    Answers are JSON, one a line: first `{"version": ...}` when prepared, then for each run `processor_s`, `wall_s`,
    `peak_bytes` and `value`. Whatever the work itself prints goes to standard error.

    Args:
        prepare: takes the arguments (JSON, the process's first argument), returns the work.
        distribution: whose version is told, by its name on the package index.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    work = prepare(json.loads(sys.argv[1]))
    version = importlib.metadata.version(distribution) if distribution else ""
    print(json.dumps({"version": version}), file=answers)
    for _ in sys.stdin:
        gc.collect()
        processor, wall = processor_s(), time.perf_counter()
        value = work()
        wall_s = time.perf_counter() - wall
        reading = {
            "processor_s": processor_s() - processor,
            "wall_s": wall_s,
            "peak_bytes": peak_bytes(),
            "value": value,
        }
        print(json.dumps(reading), file=answers)


def processor_s() -> float:
    """Processor time, in seconds, of this process and of all that descend from it, ended ones included."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = time.process_time()
    own = _fields(os.getpid())
    if own is not None:
        total += sum(map(int, own[13:15])) / ticks
    for process in descendants():
        fields = _fields(process)
        if fields is not None:
            total += sum(map(int, fields[11:15])) / ticks
    return total


def peak_bytes() -> int:
    """The most memory that this process and its living descendants have held, in bytes; their peaks summed."""
    total = 0
    for process in [os.getpid(), *descendants()]:
        try:
            status = pathlib.Path(f"/proc/{process}/status").read_text()
        except OSError:  # it ended meanwhile
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    return total


def descendants() -> list[int]:
    """The living processes that descend from this one."""
    parents: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _fields(int(entry.name))
            if fields is not None:
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _fields(process: int) -> list[str] | None:
    """/proc/PID/stat from its third field on (proc(5)): 1 parent, 11-12 own ticks, 13-14 those of ended children."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:  # it ended meanwhile
        return None
