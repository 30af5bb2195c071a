"""The work on one node, in its thread: TFX's launcher, retries, and what became of it."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher
from tfx.proto.orchestration import pipeline_pb2

from lineage.store import Execution, Role, State, Store
from pipeline import executions, failures, logs, reasons
from pipeline.connection import DamagedArtifactsError, NodeConnection, SharedStore
from pipeline.operators import sealing_operators
from pipeline.runs import Failure, NodeResult, Outcome, RunDirectory
from schemas import progress
from schemas.errors import HeadraceError
from schemas.home import Home

_BACKOFF_S = 1.0
_INTERRUPTION_S = 0.2

_log = logging.getLogger(__name__)


class NodeWorker:
    """Does nodes of a compiled pipeline; called with a node's id, in any thread.

    Args:
        home: where state lives.
        directory: the run's folder.
        pipeline: compiled, its runtime parameters filled in.
        deployment: how its nodes are executed here.
        store: the connection that all threads share.
        retries: how often a node is tried again after a transient failure.
        note: has something said about a node that is not over yet.

    Attributes:
        asked_to_stop: set when this process was asked to stop: then no failure is one.
    """

    def __init__(
        self,
        home: Home,
        directory: RunDirectory,
        pipeline: pipeline_pb2.Pipeline,
        deployment: Any,
        store: SharedStore,
        *,
        retries: int,
        note: Callable[[str, str], None],
    ):
        self.asked_to_stop = threading.Event()
        self._home = home
        self._directory = directory
        self._pipeline = pipeline
        self._deployment = deployment
        self._store = store
        self._retries = retries
        self._note = note
        self._questions = Store(store)
        self._nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in pipeline.nodes}
        self._connections: dict[str, NodeConnection] = {}

    def __call__(self, name: str) -> NodeResult:
        """Does a node; raises nothing."""
        since = time.monotonic()
        attempt, result = 0, None
        with logs.node(name):
            while result is None:
                attempt += 1
                try:
                    result = self._attempt(name, attempt)
                except DamagedArtifactsError as error:
                    attempt -= 1  # nothing was tried yet
                    self._withdraw(name, error)
                except Exception as error:
                    _log.exception("%s failed in attempt %d", name, attempt)
                    result = self._failed(name, attempt, error)
            progress.finish(name)
        log = self._directory.node_log(name)
        return dataclasses.replace(
            result,
            seconds=round(time.monotonic() - since, 3),
            attempts=max(attempt, 1),
            execution_id=self.execution_of(name),
            log=log if log.exists() else self._directory.log,
        )

    def execution_of(self, name: str) -> int | None:
        """A node's execution in the store, once it is registered."""
        connection = self._connections.get(name)
        return connection.execution_id if connection else None

    def _attempt(self, name: str, attempt: int) -> NodeResult:
        before = self.execution_of(name)
        connection = self._connections[name] = NodeConnection(self._store, attempt=attempt, execution_id=before)
        launcher.Launcher(
            pipeline_node=self._nodes[name],
            mlmd_connection=connection,
            pipeline_info=self._pipeline.pipeline_info,
            pipeline_runtime_spec=self._pipeline.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, name),
            custom_executor_operators=sealing_operators(connection),
        ).launch()
        if before is not None and before != connection.execution_id:
            # Another attempt at a resolver is another execution, unlike a component's.
            executions.fail(self._store, before, "tried again")
        if connection.execution_id is None:
            return NodeResult(name, Outcome.SKIPPED, reason="its condition does not hold")
        return self._published(name, connection.execution_id)

    def _published(self, name: str, execution_id: int) -> NodeResult:
        """What became of a node, by what TFX has published."""
        [execution] = self._questions.executions([execution_id])
        if execution.state not in (State.COMPLETE, State.CACHED):
            # TFX records inputs that it cannot resolve, and raises nothing.
            raise HeadraceError(f"its inputs cannot be found: {_recorded_error(execution)}")
        refusal = self._refusal(execution_id)
        if refusal:
            return NodeResult(name, Outcome.REFUSED, reason=refusal, failure=Failure(refusal))
        if execution.state is State.CACHED:
            return NodeResult(name, Outcome.CACHED)
        afresh = not self._nodes[name].execution_options.caching_options.enable_cache
        return NodeResult(name, Outcome.RAN, reason="" if afresh else reasons.why_ran(self._questions, execution_id))

    def _refusal(self, execution_id: int) -> str:
        """Why a release did not push its model, if it didn't: TFX's Pushers publish that and raise nothing."""
        made = [e.artifact for e in self._questions.events_of_executions([execution_id]) if e.role is Role.OUTPUT]
        for artifact in self._questions.artifacts(made):
            if artifact.properties.get("pushed") == 0:
                return str(artifact.properties.get("reason") or "the model was not pushed")
        return ""

    def _withdraw(self, name: str, error: DamagedArtifactsError) -> None:
        """Has TFX forget damaged outputs, so that the next attempt makes them anew or does without them."""
        self._store.withdraw(error.damages)
        _log.warning("damaged: %s", error)
        for _, path, what in error.damages:
            self._note(name, f"an earlier output is damaged and not used: {failures.relative(path)}: {what}")

    def _failed(self, name: str, attempt: int, error: Exception) -> NodeResult | None:
        """What to say of a failed attempt; None if another follows, after a pause."""
        if self.asked_to_stop.wait(_INTERRUPTION_S):
            # Ctrl-C reaches child processes too: that their node fails is no failure, and nobody is to hear of it.
            threading.Event().wait()
        failure = failures.describe(error)
        execution_id = self.execution_of(name)
        if execution_id is not None:
            try:
                with self._store.lock:
                    executions.fail(self._store, execution_id, failure.what)
            except Exception:
                # The store's disk is full, or it is gone; whoever looks next finds a dead process in there.
                _log.exception("that %s failed cannot be recorded", name)
        if failures.transient(error) and attempt <= self._retries:
            pause = _BACKOFF_S * 2 ** (attempt - 1)
            first = failure.what.splitlines()[0]
            self._note(name, f"attempt {attempt} failed ({first}), again in {pause:g} s")
            time.sleep(pause)
            return None
        if execution_id is not None:
            list(executions.remove_outputs(self._home, name, execution_id))
        outcome = failures.outcome(error)
        return NodeResult(name, outcome, reason=failure.what.splitlines()[0], failure=failure)


def _recorded_error(execution: Execution) -> str:
    result = json.loads(str(execution.properties.get("__execution_result__") or "{}"))
    lines = str(result.get("resultMessage") or "no reason given").strip().splitlines()
    return re.sub(r"^[\w.]+Error: ", "", lines[-1])
