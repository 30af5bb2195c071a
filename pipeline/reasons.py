"""Why a node ran although a cache exists: what differs from the last time."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lineage import integrity
from lineage.store import Execution, Role, Scalar, State, Store
from pipeline.executions import RUNTIME_PROPERTIES, SECONDS

_RECENT = 20


def why_ran(store: Store, execution_id: int) -> str:
    """What differs from the last successful execution of the same node, in a few words; empty if one can't tell."""
    [execution] = store.executions([execution_id])
    before = _last_success(store, execution)
    if before is None:
        return "first run"
    changed = _changed(_asked(before), _asked(execution))
    if changed:
        return "changed: " + ", ".join(changed)
    events = store.events_of_executions([before.id, execution.id])
    inputs = [
        {(event.key, event.artifact) for event in events if event.execution == row.id and event.role is Role.INPUT}
        for row in (before, execution)
    ]
    if inputs[0] != inputs[1]:
        return "new input: " + ", ".join(sorted({key for key, _ in inputs[0] ^ inputs[1]}))
    outputs = store.artifacts(
        event.artifact for event in events if event.execution == before.id and event.role is Role.OUTPUT
    )
    paths = [integrity.local_path(artifact.uri) for artifact in outputs]
    if any(not artifact.live for artifact in outputs):
        return "its earlier output was damaged"
    if any(path is not None and not path.exists() for path in paths):
        return "its earlier output is gone"
    return ""


def last_seconds(store: Store, node: str) -> float | None:
    """How long the last successful execution of a node took; None if there is none."""
    context = store.nodes().get(node)
    if context is None:
        return None
    for execution in store.executions_of(context, newest=_RECENT):
        seconds = execution.properties.get(SECONDS)
        if execution.state is State.COMPLETE and isinstance(seconds, float):
            return seconds
    return None


def _last_success(store: Store, execution: Execution) -> Execution | None:
    context = store.nodes()[execution.node]
    earlier = store.executions_of(context, newest=_RECENT)
    return next((row for row in earlier if row.id < execution.id and row.state is State.COMPLETE), None)


def _asked(execution: Execution) -> dict[str, Scalar]:
    """What an execution was asked to do; a JSON object counts as its keys."""
    result: dict[str, Scalar] = {}
    for name, value in execution.properties.items():
        if name in RUNTIME_PROPERTIES or name.startswith("__"):
            continue
        fields = _fields(value)
        result |= {name: value} if fields is None else {f"{name}.{key}": json.dumps(v) for key, v in fields.items()}
    return result


def _fields(value: Scalar) -> Mapping[str, object] | None:
    if not (isinstance(value, str) and value.startswith("{")):
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _changed(before: dict[str, Scalar], now: dict[str, Scalar]) -> list[str]:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    # `config.steps` is `steps` to whoever wrote the configuration.
    return [name.removeprefix("config.") for name in names]
