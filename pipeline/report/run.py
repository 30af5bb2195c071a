"""The run as a whole, from its folder: what was asked for, what became of each node, on which machine."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

import psutil

from pipeline import failures, runs
from pipeline.report import facts
from pipeline.runs import Failure, Outcome, Status
from schemas.home import Home

_LIBRARIES = (
    "headrace",
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-text",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "apache-beam",
    "ml-metadata",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "numpy",
    "pyarrow",
)


def read(home: Home, run_id: str) -> facts.Run:
    """What a run's folder tells; of what it does not tell there is a blank."""
    directory = home.runs / run_id
    record = runs.read_record(directory)
    events = _events(directory)
    times = [time for event in events if (time := _time(event.get("time")))]
    started = _time(record.started) if record else min(times, default=None)
    ended = _time(record.ended) if record and record.ended else max(times, default=None)
    return facts.Run(
        run_id=run_id,
        status=record.status if record else _status(events),
        command=str(record.command) if record else "not recorded",
        config_digest=record.command.config_digest if record else "",
        started=started,
        seconds=max((ended - started).total_seconds(), 0.0) if started and ended else 0.0,
        reason=record.reason if record else "",
        machine=_machine(),
        versions=_versions(),
        go_on=failures.resume_command(home),
        directory=str(directory),
        logs=_logs(directory),
        nodes=_nodes(events, started),
    )


def _events(directory: pathlib.Path) -> list[Mapping[str, Any]]:
    """The events of a run; none where the file was damaged, since then a run has its report all the more."""
    try:
        return [event for event in runs.read_events(directory) if isinstance(event, dict)]
    except ValueError:
        return []


def _nodes(events: list[Mapping[str, Any]], run_started: datetime.datetime | None) -> tuple[facts.Node, ...]:
    """The nodes in the order of the DAG; a node that only an event names comes last."""
    upstream: dict[str, tuple[str, ...]] = {}
    began: dict[str, float] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    for event in events:
        match event.get("event"):
            case "run_started":
                upstream = {item["node"]: tuple(item["upstream"]) for item in event["nodes"]}
            case "node_started":
                time = _time(event.get("time"))
                if time and run_started:
                    began[event["node"]] = max((time - run_started).total_seconds(), 0.0)
            case "node_ended":
                ended[event["node"]] = event
    names = dict.fromkeys([*upstream, *began, *ended])
    return tuple(_node(name, upstream.get(name, ()), began.get(name), ended.get(name)) for name in names)


def _node(name: str, upstream: tuple[str, ...], started_s: float | None, ended: Mapping[str, Any] | None) -> facts.Node:
    if ended is None:
        return facts.Node(name, upstream, started_s=started_s)
    log, failure = ended.get("log"), ended.get("failure")
    return facts.Node(
        id=name,
        upstream=upstream,
        outcome=Outcome(ended["outcome"]),
        started_s=started_s,
        seconds=ended.get("seconds"),
        attempts=ended.get("attempts", 0),
        reason=ended.get("reason", ""),
        log=pathlib.PurePath(log).name if log else None,
        failure=Failure(**failure) if failure else None,
    )


def _status(events: list[Mapping[str, Any]]) -> Status:
    """How a run without a record ended, by its events."""
    told = [event["status"] for event in events if event.get("event") == "run_ended"]
    return Status(told[-1]) if told else Status.INTERRUPTED


def _machine() -> dict[str, str]:
    return {
        "host": platform.node(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def _logs(directory: pathlib.Path) -> tuple[str, ...]:
    """The logs of a run, the whole one first."""
    names = sorted(path.name for path in directory.glob("*.log"))
    whole = runs.RunDirectory(directory).log.name
    return tuple(sorted(names, key=lambda name: name != whole))


def _time(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
