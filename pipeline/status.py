"""What runs, what ran and what was interrupted: `headrace status`.

Answers from the files of the runs and from ML Metadata, without TFX, and tidies up after what has died.
"""

from __future__ import annotations

import dataclasses
import datetime

from lineage import store as metadata
from lineage.store import Execution, State, Store
from pipeline import executions, failures, locks, runs
from pipeline.executions import HEARTBEAT, INTERRUPTED, PID, REASON, SECONDS, Interrupted
from pipeline.runs import RunRecord
from schemas.home import Home


@dataclasses.dataclass(frozen=True)
class NodeStatus:
    """How a node stands in the last run.

    Attributes:
        state: `running`, `interrupted`, or the node's outcome.
        seconds: how long it took, or has taken so far.
        heartbeat_s: how many seconds ago its process gave a sign of life, if it is running.
    """

    node: str
    state: str
    seconds: float | None = None
    reason: str = ""
    execution_id: int | None = None
    pid: int | None = None
    heartbeat_s: float | None = None


@dataclasses.dataclass(frozen=True)
class Status:
    """How a home stands.

    Attributes:
        busy: who runs a pipeline now.
        run: the last run.
        nodes: its nodes, in the order of the DAG.
        found: what was found dead and tidied up just now.
        go_on: the literal command that goes on, if there is something to go on with.
    """

    home: str
    busy: locks.Holder | None
    run: RunRecord | None
    nodes: tuple[NodeStatus, ...]
    found: tuple[Interrupted, ...]
    go_on: str | None


def status(home: Home) -> Status:
    """How a home stands; what has died is turned into interrupted first."""
    if not home.metadata.is_file():
        return Status(str(home.root), locks.holder(home), None, (), (), None)
    store = metadata.connect(home)
    found = tuple(executions.reap(home, store))
    record = runs.last_run(home)
    nodes = tuple(_nodes(home, store, record)) if record else ()
    unfinished = record is not None and record.status not in (runs.Status.DONE, runs.Status.RUNNING)
    go_on = failures.resume_command(home) if unfinished else None
    return Status(str(home.root), locks.holder(home), record, nodes, found, go_on)


def render(status: Status) -> str:
    """The status as text."""
    if status.run is None:
        return f"{status.home}: nothing has run here yet\n  start with  headrace run\n"
    run = status.run
    lines = [f"run {run.run_id} {run.status.value}: {run.command}", f"  began       {_local(run.started)}"]
    if run.ended:
        lines.append(f"  ended       {_local(run.ended)}")
    if run.reason:
        lines.append(f"  because     {run.reason}")
    if status.busy:
        lines.append(f"  process     {status.busy.pid} on {status.busy.host}")
    width = max([len(node.node) for node in status.nodes], default=0)
    lines.append("")
    lines += [_line(node, width) for node in status.nodes]
    for item in status.found:
        lines.append(f"\n{item.node} was found dead: {item.reason}")
        lines += [f"  removed     {path}" for path in item.removed]
        lines += [f"  ended       process {pid}" for pid in item.ended]
    if status.go_on:
        lines.append(f"\n  go on with  {status.go_on}")
    return "\n".join(lines) + "\n"


def _nodes(home: Home, store: Store, record: RunRecord) -> list[NodeStatus]:
    """What the run's events say of nodes that are over, and the store of those that are not."""
    names: list[str] = []
    over: dict[str, NodeStatus] = {}
    for event in runs.read_events(home.runs / record.run_id):
        if event["event"] == "run_started":
            names = [node["node"] for node in event["nodes"]]
        elif event["event"] == "node_ended":
            over[event["node"]] = NodeStatus(
                event["node"], event["outcome"], event["seconds"], event["reason"], event["execution_id"]
            )
    context = next((run.context_id for run in store.runs() if run.id == record.run_id), None)
    rows = {row.node: row for row in store.executions_of(context)} if context is not None else {}
    nodes = []
    for name in names:
        if name in over:
            nodes.append(over[name])
        elif name in rows:
            nodes.append(_of_execution(rows[name]))
        else:
            nodes.append(NodeStatus(name, "waiting" if record.status is runs.Status.RUNNING else "not run"))
    return nodes


def _of_execution(execution: Execution) -> NodeStatus:
    properties = execution.properties
    now = datetime.datetime.now(datetime.timezone.utc)
    running = execution.state is State.RUNNING
    seconds = properties.get(SECONDS)
    if not isinstance(seconds, float):
        seconds = ((now if running else execution.ended) - execution.started).total_seconds()
    heartbeat, pid = properties.get(HEARTBEAT), properties.get(PID)
    return NodeStatus(
        node=execution.node,
        state="interrupted" if properties.get(INTERRUPTED) else execution.state.value,
        seconds=round(seconds, 1),
        reason=str(properties.get(REASON, "")),
        execution_id=execution.id,
        pid=pid if isinstance(pid, int) else None,
        heartbeat_s=round(now.timestamp() - heartbeat, 1) if running and isinstance(heartbeat, float) else None,
    )


def _line(node: NodeStatus, width: int) -> str:
    seconds = f"{node.seconds:.1f} s" if node.seconds is not None else ""
    facts = [node.reason] if node.reason else []
    if node.heartbeat_s is not None:
        facts.append(f"sign of life {node.heartbeat_s:.0f} s ago")
    return f"  {node.state:<11} {node.node:<{width}} {seconds:>10}  {'; '.join(facts)}".rstrip()


def _local(text: str) -> str:
    return datetime.datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
