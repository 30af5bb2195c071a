"""The metadata store as plain values: runs, executions, artifacts and what ties them, read without TFX.

Only `ml_metadata` is imported (0.2 s), so that a question to the store is answered before TensorFlow would have loaded.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from schemas.errors import HeadraceError, StorageError
from schemas.home import Home

Scalar = str | int | float | bool

_BATCH = 500
"""Ids in one query: SQLite refuses much longer ones."""

_RUN_CONTEXT, _NODE_CONTEXT = "pipeline_run", "node"


class State(str, enum.Enum):
    """The state of an execution, in ML Metadata's words."""

    NEW = "new"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CACHED = "cached"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class Role(str, enum.Enum):
    """What an artifact is to an execution."""

    INPUT = "input"
    OUTPUT = "output"
    RESOLVED = "resolved"
    """Found by a resolver, made by another execution."""
    OTHER = "other"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
        context_id: its context in the store.
        id: the run's id, as its folder under `HOME/runs` is named.
        started: when its first node began.
    """

    context_id: int
    id: str
    started: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Execution:
    """One attempt of a node to do its work.

    Attributes:
        type: the component's class, or the system node's.
        node: the node's id in its pipeline; empty where the store does not tell.
        run: the id of the run it belongs to; empty where the store does not tell.
        ended: the last change of the execution.
        properties: typed and custom properties together.
    """

    id: int
    type: str
    node: str
    run: str
    state: State
    started: datetime.datetime
    ended: datetime.datetime
    properties: Mapping[str, Scalar]


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One thing that an execution made.

    Attributes:
        live: published, and neither withdrawn nor deleted.
        properties: typed and custom properties together.
    """

    id: int
    type: str
    uri: str
    name: str
    live: bool
    created: datetime.datetime
    properties: Mapping[str, Scalar]


@dataclasses.dataclass(frozen=True)
class Event:
    """That an execution read or made an artifact, under which key."""

    execution: int
    artifact: int
    role: Role
    key: str


def connect(home: Home) -> Store:
    """The store of a home.

    Raises:
        HeadraceError: nothing has run there yet, or the store cannot be opened.
    """
    if not home.metadata.is_file():
        raise HeadraceError("nothing has run here yet", where=str(home.root), remedy="headrace run")
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(home.metadata)
    writable = os.access(home.metadata, os.W_OK) and os.access(home.root, os.W_OK)
    modes = metadata_store_pb2.SqliteMetadataSourceConfig
    config.sqlite.connection_mode = modes.READWRITE if writable else modes.READONLY
    return Store(connected(config))


def connected(config: Any) -> Any:
    """An `ml_metadata.MetadataStore` on a `metadata_store_pb2.ConnectionConfig`.

    Raises:
        StorageError: the disk is full.
        HeadraceError: it cannot be opened for another reason.
    """
    try:
        return metadata_store.MetadataStore(config)
    except RuntimeError as error:
        cause = str(error).removeprefix("Error when executing query: ").partition(" query:")[0]
        where = config.sqlite.filename_uri or None
        what = f"the metadata store cannot be opened: {cause}"
        if "disk is full" in cause:
            raise StorageError(what, where=where, remedy="free space, then go on") from error
        remedy = "put back a copy of it, or start over with another HEADRACE_HOME"
        raise HeadraceError(what, where=where, remedy=remedy) from error


class Store:
    """Batch questions to an ML Metadata store.

    Args:
        raw: a connected store, `ml_metadata.MetadataStore` or what behaves as one.
    """

    def __init__(self, raw: Any):
        self.raw = raw

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        contexts = self.raw.get_contexts_by_type(_RUN_CONTEXT)
        found = [Run(c.id, c.name, _time(c.create_time_since_epoch)) for c in contexts]
        return sorted(found, key=lambda run: run.context_id, reverse=True)

    def nodes(self) -> dict[str, int]:
        """Every node that ever ran, with its context in the store."""
        return {_node_id(c.name): c.id for c in self.raw.get_contexts_by_type(_NODE_CONTEXT)}

    def executions(self, ids: Iterable[int]) -> list[Execution]:
        """Executions by id."""
        return self._executions(row for batch in _batches(ids) for row in self.raw.get_executions_by_id(batch))

    def executions_of(self, context_id: int, *, newest: int | None = None) -> list[Execution]:
        """The executions of a run or a node, newest first, at most so many."""
        return self._executions(self.raw.get_executions_by_context(context_id, list_options=_newest_first(newest)))

    def recent_executions(self, newest: int) -> list[Execution]:
        """The executions that began last, newest first."""
        return self._executions(self.raw.get_executions(list_options=_newest_first(newest)))

    def unfinished(self, newest: int) -> list[Execution]:
        """Those of the last executions that the store holds for running."""
        rows = self.raw.get_executions(list_options=_newest_first(newest))
        return self._executions(row for row in rows if _state(row) in (State.NEW, State.RUNNING))

    def artifacts(self, ids: Iterable[int]) -> list[Artifact]:
        """Artifacts by id."""
        return self._artifacts(row for batch in _batches(ids) for row in self.raw.get_artifacts_by_id(batch))

    def artifacts_of_type(self, type_name: str) -> list[Artifact]:
        """All artifacts of a type, newest first."""
        rows = self.raw.get_artifacts_by_type(type_name)
        return sorted(self._artifacts(rows), key=lambda artifact: artifact.id, reverse=True)

    def live_artifacts(self) -> list[Artifact]:
        """All artifacts that are published, and neither withdrawn nor deleted."""
        return [artifact for artifact in self._artifacts(self.raw.get_artifacts()) if artifact.live]

    def events_of_executions(self, ids: Iterable[int]) -> list[Event]:
        """What executions read and made."""
        return [_event(row) for batch in _batches(ids) for row in self.raw.get_events_by_execution_ids(batch)]

    def events_of_artifacts(self, ids: Iterable[int]) -> list[Event]:
        """Who made and who read artifacts."""
        return [_event(row) for batch in _batches(ids) for row in self.raw.get_events_by_artifact_ids(batch)]

    def _executions(self, rows: Iterable[Any]) -> list[Execution]:
        result = []
        for row in rows:
            contexts = {c.type: c.name for c in self.raw.get_contexts_by_execution(row.id)}
            result.append(
                Execution(
                    id=row.id,
                    type=row.type,
                    node=_node_id(contexts.get(_NODE_CONTEXT, "")),
                    run=contexts.get(_RUN_CONTEXT, ""),
                    state=_state(row),
                    started=_time(row.create_time_since_epoch),
                    ended=_time(row.last_update_time_since_epoch),
                    properties=_properties(row),
                )
            )
        return result

    def _artifacts(self, rows: Iterable[Any]) -> list[Artifact]:
        return [
            Artifact(
                id=row.id,
                type=row.type,
                uri=row.uri,
                name=row.name,
                live=row.state == metadata_store_pb2.Artifact.LIVE,
                created=_time(row.create_time_since_epoch),
                properties=_properties(row),
            )
            for row in rows
        ]


def _newest_first(limit: int | None) -> Any:
    return metadata_store.ListOptions(limit=limit, order_by=metadata_store.OrderByField.CREATE_TIME, is_asc=False)


def _batches(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    unique = sorted(set(ids))
    return [unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH)]


def _node_id(context_name: str) -> str:
    """Node contexts are named `PIPELINE.NODE`."""
    return context_name.rpartition(".")[2]


def _time(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)


def _state(row: Any) -> State:
    return State(metadata_store_pb2.Execution.State.Name(row.last_known_state).lower())


def _properties(row: Any) -> dict[str, Scalar]:
    return {key: _scalar(value) for group in (row.properties, row.custom_properties) for key, value in group.items()}


def _scalar(value: Any) -> Scalar:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    found: Any = getattr(value, kind)
    return found if isinstance(found, Scalar) else json_format.MessageToJson(found, indent=None)


def _event(row: Any) -> Event:
    types = metadata_store_pb2.Event
    role = {
        types.INPUT: Role.INPUT,
        types.DECLARED_INPUT: Role.INPUT,
        types.OUTPUT: Role.OUTPUT,
        types.DECLARED_OUTPUT: Role.OUTPUT,
        types.INTERNAL_OUTPUT: Role.RESOLVED,
    }.get(row.type, Role.OTHER)
    keys = [step.key for step in row.path.steps if step.WhichOneof("value") == "key"]
    return Event(row.execution_id, row.artifact_id, role, keys[0] if keys else "")
