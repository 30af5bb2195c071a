"""What an artifact came from, to be read: a text tree or plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lineage import graph
from lineage.graph import Ancestry
from lineage.integrity import BYTES
from lineage.store import Artifact, Execution

_DIGEST_CHARACTERS = 12
_SOURCE_FACTS = ("kind", "dataset", "path", "limit", "license")


def tree(ancestry: Ancestry) -> str:
    """The artifact at the top, below each artifact what it was made from; each is spelt out once.

    headrace/1  PushedModel #16
    │  pushed: blessed, the first version · Release, 2025-03-01 12:00:00
    └─ model: Model #12 ...
    """
    lines: list[str] = []
    told: set[int] = set()

    def tell(key: str, artifact: Artifact, first: str, rest: str) -> None:
        title = _title(artifact)
        name = f"{key}: {title}" if key else title
        if artifact.id in told:
            lines.append(f"{first}{name} (see above)")
            return
        told.add(artifact.id)
        lines.append(first + name)
        maker = ancestry.makers.get(artifact.id)
        inputs = ancestry.inputs.get(maker.id, ()) if maker else ()
        sources = list(_sources(maker)) if maker else []
        children = len(inputs) + len(sources)
        facts = " · ".join(_facts(artifact, maker))
        if facts:
            lines.append(f"{rest}{'│  ' if children else '   '}{facts}")
        for index, (child_key, child) in enumerate(inputs):
            last = index == children - 1
            branch, below = (f"{rest}└─ ", f"{rest}   ") if last else (f"{rest}├─ ", f"{rest}│  ")
            tell(child_key, ancestry.artifacts[child], branch, below)
        for index, source in enumerate(sources, start=len(inputs)):
            lines.append(f"{rest}{'└─' if index == children - 1 else '├─'} source {source}")

    tell("", ancestry.root, "", "")
    return "\n".join(lines) + "\n"


def plain(ancestry: Ancestry) -> dict[str, Any]:
    """The same as plain values for JSON: `artifacts` and `executions` refer to each other by id."""
    executions = {execution.id: execution for execution in ancestry.makers.values()}
    return {
        "root": ancestry.root.id,
        "artifacts": [
            {
                "id": artifact.id,
                "type": artifact.type,
                "uri": artifact.uri,
                "live": artifact.live,
                "created": artifact.created.isoformat(),
                "properties": dict(artifact.properties),
                "made_by": ancestry.makers[artifact.id].id if artifact.id in ancestry.makers else None,
            }
            for artifact in sorted(ancestry.artifacts.values(), key=lambda artifact: artifact.id)
        ],
        "executions": [
            {
                "id": execution.id,
                "node": execution.node,
                "type": execution.type,
                "run": execution.run,
                "state": execution.state.value,
                "started": execution.started.isoformat(),
                "ended": execution.ended.isoformat(),
                "properties": dict(execution.properties),
                "inputs": [{"key": key, "artifact": artifact} for key, artifact in ancestry.inputs[execution.id]],
                "sources": {name: dict(source) for name, source in _configured(execution).items()},
            }
            for execution in sorted(executions.values(), key=lambda execution: execution.id)
        ],
    }


def _title(artifact: Artifact) -> str:
    kind = artifact.type.rpartition(".")[2]
    name = graph.label(artifact) if artifact.type == graph.PUSHED_MODEL else ""
    return f"{name}  {kind} #{artifact.id}" if name else f"{kind} #{artifact.id}"


def _facts(artifact: Artifact, maker: Execution | None) -> Iterator[str]:
    """What matters about an artifact, and who made it when."""
    properties = artifact.properties
    if isinstance(properties.get("blessed"), int):
        message = properties.get("blessing_message")
        yield ("blessed" if properties["blessed"] == 1 else "not blessed") + (f": {message}" if message else "")
    if "pushed" in properties:
        reason = properties.get("reason")
        yield ("pushed" if properties["pushed"] == 1 else "not pushed") + (f": {reason}" if reason else "")
    if properties.get("live") == 1:
        yield "live"
    if not artifact.live:
        yield f"withdrawn: {properties.get('damaged', 'no longer live')}"
    rows = properties.get("rows")
    if isinstance(rows, int):
        yield f"{rows:,} rows"
    size = properties.get(BYTES)
    if isinstance(size, int):
        yield f"{size:,} bytes"
    if properties.get("digest"):
        yield f"digest {str(properties['digest'])[:_DIGEST_CHARACTERS]}"
    if maker:
        yield f"{maker.node or maker.type}, {maker.ended.astimezone():%Y-%m-%d %H:%M:%S}"


def _sources(maker: Execution) -> Iterator[str]:
    for name, source in _configured(maker).items():
        facts = [f"{fact} {source[fact]}" for fact in _SOURCE_FACTS if source.get(fact) is not None]
        yield f"{name}: {', '.join(facts)}"


def _configured(execution: Execution) -> Mapping[str, Mapping[str, Any]]:
    """The sources in an execution's `config` parameter, by name; none where it reads none."""
    try:
        config = json.loads(str(execution.properties.get("config") or "{}"))
    except ValueError:
        return {}
    sources = config.get("sources") if isinstance(config, dict) else None
    return sources if isinstance(sources, dict) else {}
