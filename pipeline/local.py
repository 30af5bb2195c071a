"""Runs the DAG here: TFX's own launcher for each node, in threads of one warm process, over ML Metadata in SQLite.

What it adds to `LocalDagRunner`: branches in parallel, retries of what is transient, progress, executions that name
their process, outputs that are compared with what was written before they are used again, and an end that says what to
do next. A plain `LocalDagRunner` runs the same pipeline.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import json
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tfx.dsl.compiler import constants
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from lineage.store import Execution, Role, State, Store
from pipeline import executions, failures, heartbeat, locks, logs, partial, processes, reasons, storage
from pipeline.connection import DamagedArtifactsError, NodeConnection, SharedStore
from pipeline.console import Console
from pipeline.operators import sealing_operators
from pipeline.runs import Command, Failure, NodeResult, Outcome, RunDirectory, RunResult, Status
from pipeline.scheduler import Ended, Note, Scheduler, Signal, Skipped, Started
from schemas import progress
from schemas.errors import ExitCode, HeadraceError, StorageError
from schemas.home import Home

_BACKOFF_S = 1.0
_STOPPING = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "the terminal was closed"}
_SEALED_WITHIN_S = 5.0
_INTERRUPTION_S = 0.2
_GOOD = frozenset({Outcome.RAN, Outcome.CACHED, Outcome.REUSED})

_log = logging.getLogger(__name__)


class HeadraceRunner(local_dag_runner.LocalDagRunner):
    """Runs pipelines in this process.

    Args:
        home: where state lives; the pipeline's root and store are in it.
        workers: how many nodes at once.
        retries: how often a node is tried again after a transient failure.
        console: draws the run.
        command: what was typed, for `resume`.
        summarize: what to say at the end besides the nodes' table, from the run's record.

    `run` returns a `RunResult`. When the process is asked to stop (Ctrl-C, SIGTERM), it tidies up and ends the process
    with exit code 130.
    """

    def __init__(
        self,
        home: Home,
        *,
        workers: int = 2,
        retries: int = 2,
        console: Console | None = None,
        command: Command | None = None,
        summarize: Callable[[RunResult], list[str]] = lambda result: [],
    ):
        super().__init__()
        self._home = home
        self._workers = workers
        self._retries = retries
        self._console = console or Console()
        self._command = command or Command()
        self._summarize = summarize

    def run_with_ir(
        self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None, **_: Any
    ) -> RunResult:
        """Runs a compiled pipeline.

        Raises:
            BusyError: another process runs a pipeline on this home.
            StorageError: the home cannot be written or the disk is nearly full.
            ConfigError: a partial run needs what was never made.
            IntegrityError: a partial run needs what was changed since it was made.
        """
        storage.prepare(self._home)
        with locks.HomeLock(self._home, ("headrace", *self._command.argv)):
            deployment = runner_utils.extract_local_deployment_config(pipeline)
            connection = deployment.metadata_connection_config
            store = SharedStore(getattr(connection, connection.WhichOneof("connection_config")))
            lost = executions.reap(self._home, Store(store))
            directory = RunDirectory.create(self._home, self._command)
            with processes.belonging_to(directory.path), logs.captured(directory), _closing(directory, self._console):
                for item in lost:
                    self._console.say(f"{item.node} of run {item.run} had been interrupted: {item.reason}")
                run = _Run(self, directory, pipeline, deployment, store)
                run.select(run_options)
                return run.execute()


class _Run:
    """One run: the pipeline's nodes, the scheduler over them, and everybody who wants to know how it goes."""

    def __init__(
        self,
        runner: HeadraceRunner,
        directory: RunDirectory,
        pipeline: pipeline_pb2.Pipeline,
        deployment: Any,
        store: SharedStore,
    ):
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: directory.run_id}
        )
        self._home = runner._home
        self._console = runner._console
        self._command = runner._command
        self._retries = runner._retries
        self._summarize = runner._summarize
        self._directory = directory
        self._pipeline = pipeline
        self._deployment = deployment
        self._store = store
        self._questions = Store(store)
        self._nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in pipeline.nodes}
        self._selection = partial.Selection(frozenset(self._nodes), frozenset(), frozenset(), None)
        self._connections: dict[str, NodeConnection] = {}
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._at_work: set[str] = set()
        self._asked_to_stop = threading.Event()
        self._scheduler = Scheduler(self._work, lambda result: result.outcome in _GOOD, workers=runner._workers)

    def select(self, options: pipeline_pb2.RunOptions | None) -> None:
        """Prepares a partial run, if it is one: nodes run afresh, unless the run that is resumed had finished them."""
        if options is None:
            return
        self._selection = partial.select(self._pipeline, options, self._questions)
        finished = next((run for run in self._questions.runs() if run.id == self._command.resumes), None)
        kept = partial.succeeded_in(self._questions, finished) if finished else set()
        for name in self._selection.run - kept:
            self._nodes[name].execution_options.caching_options.enable_cache = False
        partial.take_over(self._pipeline, self._selection, NodeConnection(self._store))

    def execute(self) -> RunResult:
        """Runs the nodes and tells how it went."""
        needs = {
            name: frozenset(node.upstream_nodes) & self._selection.run
            for name, node in self._nodes.items()
            if name in self._selection.run
        }
        results: dict[str, NodeResult] = {}
        self._begin()
        for name in self._nodes:
            if name in self._selection.reuse:
                self._end(results, NodeResult(name, Outcome.REUSED, reason=f"from run {self._selection.base}"))
            elif name in self._selection.leave:
                results[name] = NodeResult(name, Outcome.SKIPPED, reason="not asked for")
        with self._signals(), heartbeat.Heartbeat(self._store, self._executions):
            for message in self._scheduler.run(needs):
                match message:
                    case Started(name):
                        self._at_work.add(name)
                        self._directory.event("node_started", node=name)
                        self._console.started(name)
                    case Ended(name, result):
                        self._at_work.discard(name)
                        self._end(results, result)
                    case Skipped(name, because):
                        self._end(results, NodeResult(name, Outcome.SKIPPED, reason=f"because of {because}"))
                    case Note(name, text):
                        self._directory.event("note", node=name, text=text)
                        self._console.note(name, text)
                    case Signal(number):
                        self._interrupted(number)
                    case _:
                        self._console.tick()
        return self._finish(results)

    def _begin(self) -> None:
        graph = [
            {"node": name, "upstream": list(node.upstream_nodes), "type": node.node_info.type.name}
            for name, node in self._nodes.items()
        ]
        self._directory.event("run_started", run_id=self._directory.run_id, command=str(self._command), nodes=graph)
        log = failures.relative(self._directory.log)
        title = f"run {self._directory.run_id}: {len(self._selection.run)} nodes, log {log}"
        self._console.begin(title, self._nodes, functools.partial(reasons.last_seconds, self._questions))

    def _end(self, results: dict[str, NodeResult], result: NodeResult) -> None:
        results[result.node] = result
        self._directory.event("node_ended", **dataclasses.asdict(result))
        self._console.ended(result)

    def _finish(self, results: dict[str, NodeResult]) -> RunResult:
        ended = datetime.datetime.now(datetime.timezone.utc)
        ordered = tuple(results[name] for name in self._nodes)
        result = RunResult(self._directory.run_id, ordered, self._started, ended, self._directory.path)
        self._directory.event("run_ended", status=result.status)
        self._directory.close(result.status)
        self._console.finish(result, self._summary(result), failures.block(self._home, ordered))
        return result

    def _summary(self, result: RunResult) -> list[str]:
        """What the caller has to say; that it can't does not change how the run ended."""
        try:
            return self._summarize(result)
        except Exception as error:
            _log.exception("no summary")
            return [f"  no summary: {failures.describe(error).what}; see {failures.relative(self._directory.log)}"]

    def _work(self, name: str) -> NodeResult:
        """Does a node, in its thread."""
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
            execution_id=self._execution_of(name),
            log=log if log.exists() else self._directory.log,
        )

    def _attempt(self, name: str, attempt: int) -> NodeResult:
        before = self._execution_of(name)
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
            self._scheduler.note(name, f"an earlier output is damaged and not used: {failures.relative(path)}: {what}")

    def _failed(self, name: str, attempt: int, error: Exception) -> NodeResult | None:
        """What to say of a failed attempt; None if another follows, after a pause."""
        if self._asked_to_stop.wait(_INTERRUPTION_S):
            # Ctrl-C reaches child processes too: that their node fails is no failure, and nobody is to hear of it.
            threading.Event().wait()
        failure = failures.describe(error)
        execution_id = self._execution_of(name)
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
            self._scheduler.note(name, f"attempt {attempt} failed ({first}), again in {pause:g} s")
            time.sleep(pause)
            return None
        if execution_id is not None:
            list(executions.remove_outputs(self._home, name, execution_id))
        outcome = failures.outcome(error)
        return NodeResult(name, outcome, reason=failure.what.splitlines()[0], failure=failure)

    def _execution_of(self, name: str) -> int | None:
        connection = self._connections.get(name)
        return connection.execution_id if connection else None

    def _executions(self) -> list[int]:
        found = [self._execution_of(name) for name in list(self._at_work)]
        return [execution_id for execution_id in found if execution_id is not None]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Has signals that ask to stop arrive among the scheduler's messages."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, _: object) -> None:
            self._asked_to_stop.set()
            self._scheduler.signal(number)

        before = {number: signal.signal(number, stop) for number in _STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, number: int) -> NoReturn:
        """Ends the process: children first, then the record is put in order, then this."""
        for other in _STOPPING:
            signal.signal(other, lambda *_: os._exit(ExitCode.INTERRUPTED))
        why = f"interrupted by {_STOPPING[signal.Signals(number)]}"
        self._console.stop()
        # Held until the end: no thread can publish any more. Should one hang in there, the next run does the rest.
        sealed = self._store.lock.acquire(timeout=_SEALED_WITHIN_S)
        processes.end(processes.children())
        for name in sorted(self._at_work):
            execution_id = self._execution_of(name)
            if sealed and execution_id is not None:
                executions.fail(self._store, execution_id, why, interrupted=True)
                list(executions.remove_outputs(self._home, name, execution_id))
        processes.remove_scratch(self._directory.path)
        self._directory.event("run_ended", status=Status.INTERRUPTED, nodes=sorted(self._at_work))
        self._directory.close(Status.INTERRUPTED, why)
        names = f" while at work: {', '.join(sorted(self._at_work))}" if self._at_work else ""
        self._console.say(f"\n{why}{names}; what was done stays done")
        self._console.say(f"  go on with  {failures.resume_command(self._home)}")
        os._exit(ExitCode.INTERRUPTED)


@contextlib.contextmanager
def _closing(directory: RunDirectory, console: Console) -> Iterator[None]:
    """Writes how the run ended where it ended before its nodes could tell.

    Raises:
        StorageError: in place of what went wrong with the run's own files.
    """
    try:
        yield
    except BaseException as error:
        status = Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.FAILED
        with contextlib.suppress(OSError):
            directory.close(status, str(error) or type(error).__name__)
        if isinstance(error, OSError):
            failure = failures.describe(error)
            raise StorageError(
                failure.what, where=failure.where or str(directory.path), remedy=failure.remedy
            ) from error
        raise
    finally:
        console.stop()


def _recorded_error(execution: Execution) -> str:
    result = json.loads(str(execution.properties.get("__execution_result__") or "{}"))
    lines = str(result.get("resultMessage") or "no reason given").strip().splitlines()
    return re.sub(r"^[\w.]+Error: ", "", lines[-1])
