"""Answers of `headrace data ...`: what came in, what was dropped and why, a schema drafted from what was seen."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lineage import store
from pipeline import logs
from schemas import tables
from schemas.errors import HeadraceError
from schemas.home import Home

_SHOWN_BYTES = 400
_OTHERS = 3  # with whose partners a suspect's own is compared
_AT_ONCE = 32
_HIDDEN = "sensitive_"  # the reasons of records whose contents are not shown
_CATEGORIES = ("source", "modality")
_OPTIONAL = ("text", "image", "code", "parent")
_LIST = "attributes"  # as many as a sample has, or none


def sample(home: Home, count: int) -> list[dict[str, Any]]:
    """The first aligned samples of the newest alignment, long fields cut, images as their length."""
    rows = itertools.islice(tables.rows(_newest(home, "headrace.Samples").uri), count)
    return [{name: _brief(value) for name, value in row.items()} for row in rows]


def one_sample(home: Home, sample_id: str) -> dict[str, Any]:
    """A sample, the records it was joined from, and why, in words.

    Args:
        home: whose newest run.
        sample_id: its id, or what that begins with.

    Raises:
        HeadraceError: there is none, or several begin so.
    """
    artifact = _newest(home, "headrace.Samples")
    newest = artifact.uri
    found = [row for row in tables.rows(newest) if row["sample_id"].startswith(sample_id)]
    if len(found) != 1:
        several = ", ".join(row["sample_id"] for row in found[:3])
        raise HeadraceError(
            f"{len(found)} samples of the last run have an id that begins with {sample_id!r}"
            if found
            else f"no sample of the last run has an id that begins with {sample_id!r}",
            where=newest,
            remedy=f"write more of it: {several}" if found else "`headrace data sample` shows some",
        )
    [row] = found
    origins = _origins(_records_of(store.connect(home), artifact).uri, row["record_ids"])
    return {
        **{name: _brief(value) for name, value in row.items()},
        "records": origins,
        "why": explanation(row, origins),
    }


def explanation(sample: Mapping[str, Any], origins: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why the records of a sample are together, a sentence each.

    Args:
        sample: a row of `schemas.records.SAMPLE`.
        origins: its records, as `one_sample` shows them.
    """
    joins = {join["record_id"]: join for join in sample["joins"] or ()}
    sentences = []
    for record in origins:
        join = joins.get(record["record_id"])
        what = f"{record['modality']} of {record['source']} ({record['origin']})"
        if join is None:
            sentences.append(f"{what}: has the key {record['key']!r} in the data set {sample['source']!r}")
            continue
        reason = f"{what}: joined by {join['method']}, sure to {join['score']:.3f}"
        if join["gap_us"] is not None:
            reason += f", {join['gap_us'] / 1e6:+.6f} s from the reference"
        if join["clock_correction_us"]:
            reason += f", after its clock was corrected by {join['clock_correction_us'] / 1e6:+.6f} s"
        sentences.append(reason)
    sentences.append(f"in the split {sample['split']!r} with its cluster of alike samples {sample['cluster']!r}")
    if sample["parent"] is not None:
        kind = sample["attributes"].get("augmentation", "augmented")
        sentences.append(f"a copy ({kind}) of {sample['parent']}, which counts {sample['weight']:g}")
    return sentences


def suspects(home: Home, split: str, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """The pairs of a split whose own partner helps the newest trained model no more than another's, the worst first.

    First of each kind of partner a line that says how many were looked at and how many are suspect.

    Args:
        home: whose newest run.
        split: which samples are looked at.
        count: how many samples at most; some thousands take minutes.
        seed: which others' partners are tried.
    """
    aligned, trained = _newest_by_node(home, "headrace.Samples"), _newest_by_node(home, "Model")
    if "Train" not in trained:
        raise HeadraceError("no model has been trained yet", where=str(home.root), remedy="headrace run")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with logs.redirected(home.root / "logs" / "data-suspects.log"):
        from tfx.utils import path_utils

        from components.evaluation import held_out
        from components.evaluation import suspects as finding
        from serving import model as models

        samples = held_out.read(aligned["Align"].uri, split, count)
        model = models.load(path_utils.serving_model_path(trained["Train"].uri))
        suspicions = finding.find(_in_chunks(model.score), samples, others=_OTHERS, seed=seed)
    for found in suspicions:
        yield {"partner": found.partner, "samples": found.samples, "suspects": len(found.suspects)}
        for suspect in found.suspects:
            yield {**dataclasses.asdict(suspect), "excess_nats": suspect.excess_nats}


def _in_chunks(score: Callable[[Sequence[Any]], list[Any]]) -> Callable[[Sequence[Any]], list[Any]]:
    return lambda instances: [
        one for start in range(0, len(instances), _AT_ONCE) for one in score(instances[start : start + _AT_ONCE])
    ]


def _records_of(connected: store.Store, samples: store.Artifact) -> store.Artifact:
    """The records that samples were joined from, whatever came in between."""
    made = [event for event in connected.events_of_artifacts([samples.id]) if event.role is store.Role.OUTPUT]
    read = connected.events_of_executions(event.execution for event in made)
    inputs = connected.artifacts(event.artifact for event in read if event.role is store.Role.INPUT)
    by_type = {artifact.type: artifact for artifact in inputs}
    found = by_type.get("headrace.Records")
    return found if found is not None else _records_of(connected, by_type["headrace.Samples"])


def _origins(uri: str, record_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What records say of where they come from, in the order asked for."""
    names = ["record_id", "modality", "source", "timestamp", "attributes"]
    table = tables.columns(uri, names)
    kept = table.filter(pc.is_in(table["record_id"], pa.array(record_ids)))
    found = {}
    for row in kept.to_pylist():
        own = dict(row.pop("attributes"))
        found[row["record_id"]] = {**row, "key": own["key"], "origin": own["origin"]}
    return [found[record_id] for record_id in record_ids if record_id in found]


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
        if feature.name == _LIST:
            feature.ClearField("value_count")
            feature.value_count.min = 1
            feature.presence.min_fraction = 0
            feature.presence.min_count = 0
    for feature in schema.feature:
        if feature.name not in (*_OPTIONAL, _LIST):
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
