"""Runs of a part of the pipeline: which nodes, and which earlier run gives them what they need."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.portable import partial_run_utils
from tfx.proto.orchestration import pipeline_pb2

from lineage.store import Run, State, Store
from pipeline.connection import DamagedArtifactsError, NodeConnection
from schemas.errors import ConfigError, IntegrityError

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"
_SUCCESSFUL = frozenset({State.COMPLETE, State.CACHED})
_RECENT_RUNS = 100


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a partial run does with each node.

    Attributes:
        run: executed, on the earlier outputs of `reuse`.
        reuse: taken from the run `base`.
        leave: neither executed nor reused.
    """

    run: frozenset[str]
    reuse: frozenset[str]
    leave: frozenset[str]
    base: str | None


def resolve_node(pipeline: tfx_pipeline.Pipeline, name: str) -> str:
    """The id of the node that a person means, whatever the case.

    Raises:
        ConfigError: there is none; the nearest is named.
    """
    nodes = [component.id for component in pipeline.components]
    matches = {node.lower(): node for node in nodes}
    if name.lower() in matches:
        return matches[name.lower()]
    near = difflib.get_close_matches(name.lower(), matches, n=1, cutoff=0.5)
    hint = f"did you mean {matches[near[0]]}? " if near else ""
    raise ConfigError(f"no node is called {name!r}", remedy=f"{hint}The nodes are {', '.join(nodes)}.")


def from_node(pipeline: tfx_pipeline.Pipeline, name: str) -> tfx_pipeline.RunOptions:
    """The options to run a node and everything after it."""
    return tfx_pipeline.RunOptions(from_nodes=[resolve_node(pipeline, name)])


def only_node(pipeline: tfx_pipeline.Pipeline, name: str) -> tfx_pipeline.RunOptions:
    """The options to run a node alone."""
    node = resolve_node(pipeline, name)
    return tfx_pipeline.RunOptions(from_nodes=[node], to_nodes=[node])


def select(ir: pipeline_pb2.Pipeline, options: pipeline_pb2.RunOptions, store: Store) -> Selection:
    """Marks a compiled pipeline for a partial run and says what that means.

    Resolvers that a running node reads are run again: what they find may have changed since. The run that is reused is
    the last one in which every node that is needed was successful (TFX would take the very last one, even if it failed
    early).

    Raises:
        ConfigError: no earlier run has what is needed.
    """
    partial = options.partial_run
    partial_run_utils.mark_pipeline(
        ir,
        from_nodes=list(partial.from_nodes) or None,
        to_nodes=list(partial.to_nodes) or None,
        snapshot_settings=partial.snapshot_settings,
    )
    nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in ir.nodes}
    run = {name for name, node in nodes.items() if not node.execution_options.HasField("skip")}
    for name, node in nodes.items():
        if node.node_info.type.name == _RESOLVER and name not in run and run & set(node.downstream_nodes):
            node.execution_options.run.depends_on_snapshot = False
            run.add(name)
    required = {name for name, node in nodes.items() if name not in run and _reuse(node) == _REQUIRED}
    optional = {name for name, node in nodes.items() if name not in run and _reuse(node) == _OPTIONAL}
    base: str | None = partial.snapshot_settings.base_pipeline_run_strategy.base_run_id or None
    if required or optional:
        successes = {run.id: succeeded_in(store, run) for run in store.runs()[:_RECENT_RUNS]}
        base = base or _base(successes, required, optional)
        optional &= successes.get(base or "", set())
    reuse = frozenset(required | optional)
    return Selection(frozenset(run), reuse, frozenset(nodes) - reuse - run, base)


def take_over(ir: pipeline_pb2.Pipeline, selection: Selection, connection: NodeConnection) -> None:
    """Gives this run the outputs of the earlier one, after comparing them with what was written.

    Raises:
        IntegrityError: they are not what was written.
    """
    try:
        partial_run_utils.snapshot(connection, ir, base_run_id=selection.base)
    except DamagedArtifactsError as error:
        _, path, what = error.damages[0]
        raise IntegrityError(
            f"an earlier output cannot be used again: {what}", where=str(path), remedy="headrace run (makes it anew)"
        ) from error


def succeeded_in(store: Store, run: Run) -> set[str]:
    """The nodes that were successful in a run."""
    return {execution.node for execution in store.executions_of(run.context_id) if execution.state in _SUCCESSFUL}


def _base(successes: dict[str, set[str]], required: set[str], optional: set[str]) -> str | None:
    complete = [run for run, nodes in successes.items() if required <= nodes]
    if complete:
        return complete[0]
    best = max(successes.values(), key=lambda nodes: len(nodes & required), default=set())
    missing = ", ".join(sorted(required - best))
    raise ConfigError(f"Dependencies were not executed: [{missing}]", remedy="run `headrace run` first")


def _reuse(node: Any) -> int:
    return int(node.execution_options.skip.reuse_artifacts_mode)


_REQUIRED = pipeline_pb2.NodeExecutionOptions.Skip.REQUIRED
_OPTIONAL = pipeline_pb2.NodeExecutionOptions.Skip.OPTIONAL
