"""Answers of `headrace data ...`: what came in, what was dropped and why, a schema drafted from what was seen."""

from __future__ import annotations

import itertools
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

from lineage import store
from schemas import tables
from schemas.errors import HeadraceError
from schemas.home import Home

_SHOWN_BYTES = 400
_HIDDEN = "sensitive_"  # the reasons of records whose contents are not shown
_CATEGORIES = ("source", "modality")
_OPTIONAL = ("text", "image", "code", "parent")


def sample(home: Home, count: int) -> list[dict[str, Any]]:
    """The first aligned samples of the newest alignment, long fields cut, images as their length."""
    rows = itertools.islice(tables.rows(_newest(home, "headrace.Samples").uri), count)
    return [{name: _brief(value) for name, value in row.items()} for row in rows]


def rejected(home: Home, reason: str | None = None) -> Iterator[dict[str, Any]]:
    """What the newest Ingest and Clean dropped: where from, which stage, why, the measured value and its limit.

    Args:
        home: whose.
        reason: only what was dropped for this reason, each with the beginning of its content, so that limits can be
            tuned by looking. What was dropped for sensitive data is not shown.
    """
    newest = _newest_by_node(home, "headrace.Rejected")
    if not newest:
        raise HeadraceError("no node has rejected anything yet", where=str(home.root), remedy="headrace run")
    rows = (row for artifact in newest.values() for row in tables.rows(artifact.uri))
    if reason is None:
        yield from rows
        return
    chosen = [row for row in rows if row["reason"] == reason]
    contents = {}
    if not reason.startswith(_HIDDEN):
        contents = _contents(_newest_by_node(home, "headrace.Records")["Ingest"].uri, {r["record_id"] for r in chosen})
    for row in chosen:
        content = contents.get(row["record_id"])
        yield row if content is None else {**row, "content": content}


def _newest_by_node(home: Home, type_name: str) -> dict[str, store.Artifact]:
    connected = store.connect(home)
    found = [artifact for artifact in connected.artifacts_of_type(type_name) if artifact.live]
    makers = {
        event.artifact: event.execution
        for event in connected.events_of_artifacts(a.id for a in found)
        if event.role is store.Role.OUTPUT
    }
    nodes = {execution.id: execution.node for execution in connected.executions(makers.values())}
    newest: dict[str, store.Artifact] = {}
    for artifact in found:
        newest.setdefault(nodes.get(makers.get(artifact.id, 0), ""), artifact)
    return newest


def _contents(uri: str, wanted: set[str]) -> dict[str, str]:
    """The beginnings of some records' contents."""
    found = {}
    for shard, group in tables.groups(uri):
        batch = tables.read_group(shard, group)
        for row, record_id in enumerate(batch["record_id"].to_pylist()):
            if record_id in wanted:
                content = batch["content"][row].as_py()
                is_image = batch["modality"][row].as_py() == "image"
                found[record_id] = _brief(content if is_image else content.decode("utf-8", "replace"))
    return found


def draft_schema(home: Home) -> str:
    """A TensorFlow Metadata schema inferred from the newest statistics of all splits, as text to look through.

    Only the categories (`source`, `modality`) get a list of values; every sample has a text or a code of its own.

    Raises:
        HeadraceError: StatisticsGen has not run yet.
    """
    statistics = sorted(pathlib.Path(_newest(home, "ExampleStatistics").uri).glob("Split-*/FeatureStats.pb"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_data_validation as tfdv
        from google.protobuf import text_format

    first, *others = (tfdv.load_stats_binary(str(path)) for path in statistics)
    schema = tfdv.infer_schema(first, infer_feature_shape=False)
    for other in others:
        schema = tfdv.update_schema(schema, other)
    free = [feature for feature in schema.feature if feature.name not in _CATEGORIES]
    for feature in free:
        if feature.domain:
            domain = next(domain for domain in schema.string_domain if domain.name == feature.domain)
            schema.string_domain.remove(domain)
            feature.ClearField("domain")
        if feature.name in _OPTIONAL:
            feature.presence.min_fraction = 0
            feature.presence.min_count = 0
    for feature in schema.feature:
        if feature.name not in _OPTIONAL:
            # What every sample has is a scalar to Transform, not a list.
            feature.ClearField("value_count")
            feature.shape.dim.add(size=1)
    return text_format.MessageToString(schema)


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
