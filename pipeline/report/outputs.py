"""What the nodes of a run have published: node and key to artifact, and why one is not there."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from lineage import integrity, store
from lineage.store import Artifact, Role, State
from pipeline.report.facts import Node
from pipeline.runs import Outcome
from schemas.errors import HeadraceError
from schemas.home import Home

_PUBLISHED = (State.COMPLETE, State.CACHED)


class NotThereError(Exception):
    """A part of the run is not there; the message is a clause that says why."""


class Outputs:
    """The artifacts of a run.

    Args:
        home: where the metadata store is.
        run_id: the run.
        nodes: what is known of its nodes, to say why an output is not there.

    Attributes:
        store: the metadata store.
    """

    def __init__(self, home: Home, run_id: str, nodes: Mapping[str, Node]):
        self._nodes = nodes
        try:
            self.store = store.connect(home)
        except HeadraceError as error:
            raise NotThereError(error.what) from error
        context = next((run.context_id for run in self.store.runs() if run.id == run_id), None)
        executions = self.store.executions_of(context) if context is not None else []
        # Of several attempts at a node that were published, the last one counts.
        last = {row.node: row.id for row in sorted(executions, key=lambda row: row.id) if row.state in _PUBLISHED}
        nodes_by_execution = {execution_id: node for node, execution_id in last.items()}
        events = [event for event in self.store.events_of_executions(last.values()) if event.role is Role.OUTPUT]
        artifacts = {artifact.id: artifact for artifact in self.store.artifacts(event.artifact for event in events)}
        self._artifacts = {(nodes_by_execution[e.execution], e.key): artifacts[e.artifact] for e in events}

    def artifact(self, node: str, key: str) -> Artifact:
        """An output of a node.

        Raises:
            NotThereError: it has none in this run.
        """
        found = self._artifacts.get((node, key))
        if found is None:
            raise NotThereError(self._why_not(node))
        return found

    def directory(self, node: str, key: str) -> pathlib.Path:
        """Where an output of a node lies.

        Raises:
            NotThereError: it has none in this run, or it is not on this disk any more.
        """
        uri = self.artifact(node, key).uri
        path = integrity.local_path(uri)
        if path is None or not path.exists():
            raise NotThereError(f"what {node} wrote is gone from {uri}")
        return path

    def rows(self, node: str, key: str) -> int | None:
        """How many rows an output holds; None where it is not there or does not say."""
        found = self._artifacts.get((node, key))
        rows = found.properties.get("rows") if found else None
        return rows if isinstance(rows, int) else None

    def _why_not(self, name: str) -> str:
        node = self._nodes.get(name)
        if node is None or node.outcome is None:
            return f"{name} was not reached"
        if node.outcome is Outcome.SKIPPED:
            return f"{name} was skipped, {node.reason}" if node.reason else f"{name} was skipped"
        if node.outcome in (Outcome.FAILED, Outcome.REFUSED):
            return f"{name} {'failed' if node.outcome is Outcome.FAILED else 'was refused'}"
        return f"{name} left nothing in the metadata store"
