"""Finds the index that a new day's records are compared with, as TFX's resolver strategies do."""

from __future__ import annotations

import ml_metadata as mlmd
from pyarrow import fs
from tfx import types
from tfx.dsl.components.common import resolver

from schemas import storage


class EarlierIndexStrategy(resolver.ResolverStrategy):
    """The newest index that was not made from the very records that are to be cleaned.

    That keeps a second, unchanged run cached: it is still compared with what the first was compared with.

    Use it in a `Resolver` with the channels `records` (what will be cleaned) and `index` (all indexes). It resolves
    `index` to one that is still there, or to nothing.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """See the class."""
        records = {artifact.id for artifact in input_dict["records"]}
        using = _executions(store, records, mlmd.proto.Event.INPUT)
        for index in sorted(input_dict["index"], key=lambda artifact: artifact.id, reverse=True):
            makers = _executions(store, {index.id}, mlmd.proto.Event.OUTPUT)
            if not makers & using and storage.kind(index.uri) == fs.FileType.Directory:
                return {**input_dict, "index": [index]}
        return {**input_dict, "index": []}


def _executions(store: mlmd.MetadataStore, artifacts: set[int], role: int) -> set[int]:
    """The executions that read artifacts, or that made them."""
    events = store.get_events_by_artifact_ids(sorted(artifacts))
    return {event.execution_id for event in events if event.type == role}
