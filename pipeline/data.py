"""Answers of `headrace data ...`: what came in, what was dropped and why, a schema drafted from what was seen."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

from lineage import store
from schemas import tables
from schemas.errors import HeadraceError
from schemas.home import Home

_SHOWN_BYTES = 400


def sample(home: Home, count: int) -> list[dict[str, Any]]:
    """The first aligned samples of the newest alignment, long fields cut, images as their length."""
    rows = itertools.islice(tables.rows(_newest(home, "headrace.Samples").uri), count)
    return [{name: _brief(value) for name, value in row.items()} for row in rows]


def rejected(home: Home, reason: str | None = None) -> Iterator[dict[str, Any]]:
    """What the newest Ingest and Clean dropped: where from, which stage, why, the measured value and its limit.

    Args:
        home: whose.
        reason: only what was dropped for this reason.
    """
    connected = store.connect(home)
    found = [artifact for artifact in connected.artifacts_of_type("headrace.Rejected") if artifact.live]
    if not found:
        raise HeadraceError("no node has rejected anything yet", where=str(home.root), remedy="headrace run")
    newest: dict[str, store.Artifact] = {}
    makers = {
        event.artifact: event.execution
        for event in connected.events_of_artifacts(a.id for a in found)
        if event.role is store.Role.OUTPUT
    }
    nodes = {execution.id: execution.node for execution in connected.executions(makers.values())}
    for artifact in found:
        newest.setdefault(nodes.get(makers.get(artifact.id, 0), ""), artifact)
    for artifact in newest.values():
        for row in tables.rows(artifact.uri):
            if reason is None or row["reason"] == reason:
                yield row


def draft_schema(home: Home) -> str:
    """A TensorFlow Metadata schema inferred from the newest statistics of the training split, as text to look through.

    Raises:
        HeadraceError: StatisticsGen has not run yet.
    """
    import tensorflow_data_validation as tfdv
    from google.protobuf import text_format

    uri = pathlib.Path(_newest(home, "ExampleStatistics").uri)
    statistics = tfdv.load_stats_binary(str(uri / "Split-train" / "FeatureStats.pb"))
    return text_format.MessageToString(tfdv.infer_schema(statistics, infer_feature_shape=False))


def _newest(home: Home, type_name: str) -> store.Artifact:
    for artifact in store.connect(home).artifacts_of_type(type_name):
        if artifact.live:
            return artifact
    raise HeadraceError(f"there is no {type_name} yet", where=str(home.root), remedy="headrace run")


def _brief(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > _SHOWN_BYTES:
        return value[:_SHOWN_BYTES] + "..."
    return value
