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
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tfx.dsl.compiler import constants
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from lineage.store import Store
from pipeline import executions, failures, heartbeat, locks, logs, partial, processes, reasons, storage
from pipeline.connection import NodeConnection, SharedStore
from pipeline.console import Console
from pipeline.nodes import NodeWorker
from pipeline.runs import Command, NodeResult, Outcome, RunDirectory, RunResult, Status
from pipeline.scheduler import Ended, Note, Scheduler, Signal, Skipped, Started
from schemas.errors import ExitCode, StorageError
from schemas.home import Home

_STOPPING = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "the terminal was closed"}
_SEALED_WITHIN_S = 5.0
_SAVED_WITHIN_S = 20.0
"""A training saves its state before it ends. Kubernetes kills a pod after 30 s; a second signal ends all at once."""
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
        self._summarize = runner._summarize
        self._directory = directory
        self._pipeline = pipeline
        self._store = store
        self._questions = Store(store)
        self._nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in pipeline.nodes}
        self._selection = partial.Selection(frozenset(self._nodes), frozenset(), frozenset(), None)
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._at_work: set[str] = set()
        self._worker = NodeWorker(
            self._home, directory, pipeline, deployment, store, retries=runner._retries, note=self._note
        )
        self._scheduler = Scheduler(self._worker, lambda result: result.outcome in _GOOD, workers=runner._workers)

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

    def _note(self, name: str, text: str) -> None:
        self._scheduler.note(name, text)

    def _executions(self) -> list[int]:
        found = [self._worker.execution_of(name) for name in list(self._at_work)]
        return [execution_id for execution_id in found if execution_id is not None]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Has signals that ask to stop arrive among the scheduler's messages."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, _: object) -> None:
            self._worker.asked_to_stop.set()
            self._scheduler.signal(number)

        # What is ignored stays so: `nohup` asks for that.
        wanted = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, number: int) -> NoReturn:
        """Ends the process: children first, then the record is put in order, then this."""
        for other in _STOPPING:
            signal.signal(other, lambda *_: os._exit(ExitCode.INTERRUPTED))
        try:
            why = f"interrupted by {_STOPPING[signal.Signals(number)]}"
            with contextlib.suppress(OSError):  # the terminal may be gone
                self._console.stop()
            # Held until the end: no thread can publish any more. Should one hang in there, the next run does the rest.
            sealed = self._store.lock.acquire(timeout=_SEALED_WITHIN_S)
            processes.end(processes.children(), grace_s=_SAVED_WITHIN_S)
            for name in sorted(self._at_work):
                execution_id = self._worker.execution_of(name)
                if sealed and execution_id is not None:
                    executions.fail(self._store, execution_id, why, interrupted=True)
                    list(executions.remove_outputs(self._home, name, execution_id))
            processes.remove_scratch(self._directory.path)
            self._directory.event("run_ended", status=Status.INTERRUPTED, nodes=sorted(self._at_work))
            self._directory.close(Status.INTERRUPTED, why)
            names = f" while at work: {', '.join(sorted(self._at_work))}" if self._at_work else ""
            self._console.say(f"\n{why}{names}; what was done stays done")
            self._console.say(f"  go on with  {failures.resume_command(self._home)}")
        finally:
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
