"""TFX's executor operators, with what happens around an executor: the clock, and the seal on what it wrote."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from tfx.orchestration.portable import beam_executor_operator, data_types, python_executor_operator
from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2

from lineage import integrity
from pipeline import executions
from pipeline.connection import NodeConnection


def sealing_operators(connection: NodeConnection) -> dict[Any, Callable[..., Any]]:
    """For each kind of executor, what makes its operator: as the launcher wants them, for one attempt of a node."""
    return {
        executable_spec_pb2.PythonClassExecutableSpec: functools.partial(_PythonOperator, connection),
        executable_spec_pb2.BeamExecutableSpec: functools.partial(_BeamOperator, connection),
    }


class _PythonOperator(python_executor_operator.PythonExecutorOperator):
    def __init__(self, connection: NodeConnection, **kwargs: Any):
        super().__init__(**kwargs)
        self._connection = connection

    def run_executor(self, execution_info: data_types.ExecutionInfo) -> execution_result_pb2.ExecutorOutput:
        return _around(self._connection, execution_info, super().run_executor)


class _BeamOperator(beam_executor_operator.BeamExecutorOperator):
    def __init__(self, connection: NodeConnection, **kwargs: Any):
        super().__init__(**kwargs)
        self._connection = connection

    def run_executor(
        self, execution_info: data_types.ExecutionInfo, make_beam_pipeline_fn: Any = None
    ) -> execution_result_pb2.ExecutorOutput:
        run = functools.partial(super().run_executor, make_beam_pipeline_fn=make_beam_pipeline_fn)
        return _around(self._connection, execution_info, run)


def _around(
    connection: NodeConnection,
    execution_info: data_types.ExecutionInfo,
    run: Callable[[data_types.ExecutionInfo], execution_result_pb2.ExecutorOutput],
) -> execution_result_pb2.ExecutorOutput:
    if connection.attempt > 1:
        _running_again(connection)
    since = time.monotonic()
    output = run(execution_info)
    output.execution_properties[executions.SECONDS].double_value = time.monotonic() - since
    _seal(output, execution_info)
    return output


def _running_again(connection: NodeConnection) -> None:
    """A failed execution that is tried again is still FAILED in the store: TFX leaves that to us."""
    with connection.shared.lock:
        [row] = connection.shared.get_executions_by_id([connection.execution_id])
        row.last_known_state = row.RUNNING
        executions.stamp(row, attempt=connection.attempt)
        connection.shared.put_executions([row])


def _seal(output: execution_result_pb2.ExecutorOutput, execution_info: data_types.ExecutionInfo) -> None:
    """Puts on every output artifact what its files are, before it is published."""
    for key, artifacts in execution_info.output_dict.items():
        if key not in output.output_artifacts:
            output.output_artifacts[key].artifacts.extend(artifact.mlmd_artifact for artifact in artifacts)
    for published in output.output_artifacts.values():
        for artifact in published.artifacts:
            path = integrity.local_path(artifact.uri)
            if path is not None and path.exists():
                seal = integrity.seal(path)
                artifact.custom_properties[integrity.DIGEST].string_value = seal.digest
                artifact.custom_properties[integrity.FILES].int_value = seal.files
                artifact.custom_properties[integrity.BYTES].int_value = seal.bytes
