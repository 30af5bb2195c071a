"""One connection to ML Metadata for all threads of a run, and what is watched there on a node's behalf.

TFX opens a connection a step and says in no other place that an execution begins or that a cached output is about to be
used. Both pass through the store, so that is where this process signs executions and checks outputs: by the public
calls of the store, whatever TFX's launcher does inside.
"""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.release import marks, versions
from lineage import integrity
from lineage.store import connected
from pipeline import executions
from schemas.errors import IntegrityError

_STUCK = "Transaction already open"

ABANDONED_REASON = "damaged"
"""The custom property of an artifact that was withdrawn: what was wrong with it."""


class DamagedArtifactsError(Exception):
    """Outputs that were about to be used again are not what was written.

    Attributes:
        damages: artifact id, where it lies and what is wrong with it.
    """

    def __init__(self, damages: list[tuple[int, pathlib.Path, str]]):
        super().__init__("; ".join(f"{path}: {what}" for _, path, what in damages))
        self.damages = damages


class SharedStore:
    """An ML Metadata store whose calls wait for each other; `lock` keeps several calls together.

    Args:
        config: as TFX has it in the pipeline's deployment configuration.

    Raises:
        HeadraceError: it cannot be opened.
    """

    def __init__(self, config: metadata_store_pb2.ConnectionConfig):
        self.config = config
        self.lock = threading.RLock()
        self._store = connected(config)
        self._sound: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        def locked(*args: Any, **kwargs: Any) -> Any:
            with self.lock:
                try:
                    return getattr(self._store, name)(*args, **kwargs)
                except errors.FailedPreconditionError as error:
                    if _STUCK not in str(error):
                        raise
                    # A transaction that could not be committed, on a full disk say, makes its connection useless.
                    self._store = connected(self.config)
                    return getattr(self._store, name)(*args, **kwargs)

        return locked

    def check(self, artifacts: Iterable[metadata_store_pb2.Artifact]) -> None:
        """Compares artifacts on this disk with their seals, each once a run.

        Raises:
            DamagedArtifactsError: some are not what was written.
        """
        damages = []
        for artifact in artifacts:
            properties = {
                key: getattr(v, v.WhichOneof("value") or "int_value") for key, v in artifact.custom_properties.items()
            }
            sealed = integrity.Seal.of_properties(properties)
            path = integrity.local_path(artifact.uri)
            if sealed is None or path is None or artifact.id in self._sound:
                continue
            what = integrity.damage(path, sealed) or _damage_of_version(properties)
            if what:
                damages.append((artifact.id, path, what))
            else:
                self._sound.add(artifact.id)
        if damages:
            raise DamagedArtifactsError(damages)

    def withdraw(self, damages: list[tuple[int, pathlib.Path, str]]) -> None:
        """Marks artifacts so that TFX neither caches nor resolves them any more."""
        words = {artifact: what for artifact, _, what in damages}
        with self.lock:
            rows = self._store.get_artifacts_by_id(list(words))
            for row in rows:
                row.state = metadata_store_pb2.Artifact.ABANDONED
                row.custom_properties[ABANDONED_REASON].string_value = words[row.id]
            self._store.put_artifacts(rows)


class NodeConnection(metadata.Metadata):
    """What TFX's launcher gets as its connection for one attempt of a node.

    Attributes:
        execution_id: the execution, once it is registered; another attempt in the same run goes on with it.
    """

    def __init__(self, shared: SharedStore, *, attempt: int = 1, execution_id: int | None = None):
        super().__init__(shared.config)
        self.shared = shared
        self.attempt = attempt
        self.execution_id = execution_id
        self._node_store = _NodeStore(self)

    def __enter__(self) -> NodeConnection:
        return self

    def __exit__(
        self,
        exc_type: type[Exception] | None = None,
        exc_value: Exception | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        pass

    @property
    def store(self) -> Any:
        """The store, as TFX uses it."""
        return self._node_store


class _NodeStore:
    """The shared store, with the two writes watched that begin an execution and that reuse outputs."""

    def __init__(self, connection: NodeConnection):
        self._connection = connection
        self._shared = connection.shared

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)

    def put_execution(self, execution: Any, artifact_and_events: Any, *args: Any, **kwargs: Any) -> Any:
        if not execution.id and execution.last_known_state == _RUNNING:
            executions.stamp(execution, attempt=self._connection.attempt)
        resolved = [pair[0] for pair in artifact_and_events if pair[1] and pair[1].type == _INTERNAL_OUTPUT]
        self._shared.check(resolved)
        answer = self._shared.put_execution(execution, artifact_and_events, *args, **kwargs)
        self._connection.execution_id = answer[0]
        return answer

    def put_lineage_subgraph(self, rows: Any, artifacts: Any, *args: Any, **kwargs: Any) -> Any:
        if any(row.last_known_state == _CACHED for row in rows):
            self._shared.check(artifacts)
        return self._shared.put_lineage_subgraph(rows, artifacts, *args, **kwargs)


_RUNNING = metadata_store_pb2.Execution.RUNNING
_CACHED = metadata_store_pb2.Execution.CACHED
_INTERNAL_OUTPUT = metadata_store_pb2.Event.INTERNAL_OUTPUT


def _damage_of_version(properties: dict[str, Any]) -> str | None:
    """What is wrong with the served version that a PushedModel stands for, which lies outside of its own files."""
    if properties.get(marks.PUSHED) != 1:
        return None
    try:
        versions.verify(str(properties[marks.DESTINATION]))
    except IntegrityError as error:
        return f"{error.where}: {error.what}"
    return None
