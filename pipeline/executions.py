"""Who works on an execution, whether they still live, and the tidying up after those who don't.

ML Metadata has no state for 'interrupted': an execution whose process was killed stays RUNNING for ever. So every
execution names its process in custom properties, beats while that lives, and whoever comes later can tell.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from lineage.store import Execution, Store
from pipeline import locks, processes, runs
from schemas.home import Home

PID, HOST, BOOT, PROCESS_STARTED = "pid", "host", "boot_id", "process_started"
HEARTBEAT, CHILDREN = "heartbeat", "children"
ATTEMPT, SECONDS, REASON, INTERRUPTED = "attempt", "seconds", "reason", "interrupted"
RUNTIME_PROPERTIES = frozenset(
    (PID, HOST, BOOT, PROCESS_STARTED, HEARTBEAT, CHILDREN, ATTEMPT, SECONDS, REASON, INTERRUPTED)
)
"""Custom properties of an execution that tell how it ran, not what it was asked to do."""

HEARTBEAT_S = 5.0
_SILENCE_S = 60.0
"""After so long without a heartbeat a process on another machine is taken for dead."""
_UNOWNED = datetime.timedelta(days=1)
"""After so long an execution that names no process (a plain LocalDagRunner's) is taken for dead."""
_RECENT = 1000
"""So many executions back are looked at; every run tidies up before it starts, so older ones have been."""


@dataclasses.dataclass(frozen=True)
class Interrupted:
    """An execution that was found dead.

    Attributes:
        reason: how one knows, in words.
        removed: the half-written outputs that were removed.
        ended: pids of the processes that it had left behind and that were ended.
    """

    execution_id: int
    node: str
    run: str
    reason: str
    removed: tuple[pathlib.Path, ...] = ()
    ended: tuple[int, ...] = ()


def stamp(row: Any, *, attempt: int = 1) -> None:
    """Names this process as the one that works on an execution (a `metadata_store_pb2.Execution`)."""
    pid = os.getpid()
    row.custom_properties[PID].int_value = pid
    row.custom_properties[HOST].string_value = processes.HOST
    row.custom_properties[BOOT].string_value = processes.boot_id()
    row.custom_properties[PROCESS_STARTED].string_value = processes.started(pid) or ""
    row.custom_properties[HEARTBEAT].double_value = _now().timestamp()
    row.custom_properties[ATTEMPT].int_value = attempt


def beat(raw: Any, ids: Iterable[int], children: dict[int, str]) -> None:
    """Says that this process still works on executions, and which processes it has started meanwhile.

    The caller sees to it that nobody else changes those executions between reading and writing them.
    """
    rows = [row for row in raw.get_executions_by_id(list(ids)) if row.last_known_state == _RUNNING]
    for row in rows:
        row.custom_properties[HEARTBEAT].double_value = _now().timestamp()
        row.custom_properties[CHILDREN].string_value = json.dumps(children)
    if rows:
        raw.put_executions(rows)


def fail(raw: Any, execution_id: int, reason: str, *, interrupted: bool = False) -> None:
    """Turns an execution into FAILED, with the reason; one that was published meanwhile stays as it is."""
    [row] = raw.get_executions_by_id([execution_id])
    if row.last_known_state in (_COMPLETE, _CACHED):
        return
    row.last_known_state = _FAILED
    row.custom_properties[REASON].string_value = reason
    if interrupted:
        row.custom_properties[INTERRUPTED].int_value = 1
    raw.put_executions([row])


def why_dead(execution: Execution) -> str | None:
    """How one knows that an unfinished execution's process is gone, in words; None if it may still live."""
    properties = execution.properties
    pid, host, boot = properties.get(PID), properties.get(HOST), properties.get(BOOT)
    if not isinstance(pid, int):
        long_ago = _now() - execution.started > _UNOWNED
        return "it names no process and began more than a day ago" if long_ago else None
    if host != processes.HOST:
        silence = _now().timestamp() - float(properties.get(HEARTBEAT) or 0)
        return f"no heartbeat from {host} for {silence:.0f} s" if silence > _SILENCE_S else None
    if boot != processes.boot_id():
        return f"the machine was restarted while process {pid} worked on it"
    if processes.alive(pid, str(properties.get(PROCESS_STARTED))):
        return None
    return f"process {pid} was killed or crashed while it worked on it"


def reap(home: Home, store: Store) -> list[Interrupted]:
    """Turns executions whose process is gone into FAILED, ends what they left running and removes what they left half.

    Safe to be killed in, and to be run by several at once.
    """
    dead = [(row, reason) for row in store.unfinished(_RECENT) if (reason := why_dead(row))]
    lost_runs = list(_lost_runs(home))
    orphans = {} if not (dead or lost_runs) else _orphans(home, [row for row, _ in dead], lost_runs)
    ended = tuple(processes.end(orphans))
    found = []
    for execution, reason in dead:
        removed = tuple(remove_outputs(home, execution.node, execution.id))
        fail(store.raw, execution.id, reason, interrupted=True)
        found.append(Interrupted(execution.id, execution.node, execution.run, reason, removed, ended))
    for record in lost_runs:
        directory = runs.RunDirectory(home.runs / record.run_id)
        processes.remove_scratch(directory.path)
        directory.event("run_ended", status=runs.Status.INTERRUPTED)
        directory.close(runs.Status.INTERRUPTED, f"process {record.pid} was killed or crashed")
    return found


def remove_outputs(home: Home, node: str, execution_id: int) -> Iterator[pathlib.Path]:
    """Removes what an execution that was never published has written under the home; yields what it removed.

    TFX lays outputs in `NODE/KEY/EXECUTION` and scratch space in `NODE/.system`.
    """
    folder = home.artifacts / node
    if not node or not folder.is_dir():
        return
    places = [
        *folder.glob(f"*/{execution_id}"),
        *folder.glob(f".system/*/{execution_id}"),
        # Named at random; a node has one execution at a time.
        *folder.glob(".system/stateful_working_dir/*"),
    ]
    for path in places:
        shutil.rmtree(path, ignore_errors=True)
        yield path


def _lost_runs(home: Home) -> Iterator[runs.RunRecord]:
    holder = locks.holder(home)
    for record in runs.records(home):
        if record.status is runs.Status.RUNNING and (holder is None or record.pid != holder.pid):
            yield record


def _orphans(home: Home, dead: list[Execution], lost_runs: list[runs.RunRecord]) -> dict[int, str]:
    """Processes that dead runs on this machine have left: those on record, and those that carry the run's mark."""
    recorded: dict[int, str] = {}
    for execution in dead:
        if execution.properties.get(HOST) == processes.HOST and execution.properties.get(BOOT) == processes.boot_id():
            children = json.loads(str(execution.properties.get(CHILDREN) or "{}"))
            recorded |= {int(pid): since for pid, since in children.items()}
    run_ids = {execution.run for execution in dead} | {record.run_id for record in lost_runs}
    return recorded | processes.marked(str(home.runs / run_id) for run_id in run_ids if run_id)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


_RUNNING = metadata_store_pb2.Execution.RUNNING
_COMPLETE = metadata_store_pb2.Execution.COMPLETE
_CACHED = metadata_store_pb2.Execution.CACHED
_FAILED = metadata_store_pb2.Execution.FAILED
