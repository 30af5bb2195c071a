"""Finds the dual encoder that a run aligns with, as TFX's resolver strategies do."""

from __future__ import annotations

import ml_metadata as mlmd
from pyarrow import fs
from tfx import types
from tfx.dsl.components.common import resolver

from schemas import storage


class LatestEncoderStrategy(resolver.ResolverStrategy):
    """The newest encoder that was not trained on what these very records were aligned to.

    That keeps a second, unchanged run cached: it is still aligned with what the first was aligned with.

    Use it in a `Resolver` with the channels `records` (what will be aligned) and `encoder` (all encoders). It resolves
    `encoder` to one that is still there, or to nothing.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """See the class."""
        aligned = _made_of(store, {artifact.id for artifact in input_dict["records"]})
        for encoder in sorted(input_dict["encoder"], key=lambda artifact: artifact.id, reverse=True):
            makers = _executions(store, {encoder.id}, mlmd.proto.Event.OUTPUT)
            learnt_from = _artifacts(store, makers, mlmd.proto.Event.INPUT)
            if not learnt_from & aligned and storage.kind(encoder.uri) == fs.FileType.Directory:
                return {**input_dict, "encoder": [encoder]}
        return {**input_dict, "encoder": []}


def _made_of(store: mlmd.MetadataStore, artifacts: set[int]) -> set[int]:
    """What was made by the executions that read artifacts."""
    return _artifacts(store, _executions(store, artifacts, mlmd.proto.Event.INPUT), mlmd.proto.Event.OUTPUT)


def _executions(store: mlmd.MetadataStore, artifacts: set[int], role: int) -> set[int]:
    """The executions that read artifacts, or that made them."""
    events = store.get_events_by_artifact_ids(sorted(artifacts))
    return {event.execution_id for event in events if event.type == role}


def _artifacts(store: mlmd.MetadataStore, executions: set[int], role: int) -> set[int]:
    """The artifacts that executions read, or that they made."""
    events = store.get_events_by_execution_ids(sorted(executions))
    return {event.artifact_id for event in events if event.type == role}
