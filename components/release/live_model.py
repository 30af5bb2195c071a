"""Finds the model that is live, as TFX's resolver strategies do, for whoever must compare with it."""

from __future__ import annotations

import pathlib

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.release import marks


class LiveModelStrategy(resolver.ResolverStrategy):
    """The live model, unless that is the candidate itself: then the one before it.

    A candidate is never compared with itself. That also keeps a second, unchanged run cached: the model that went live
    in the first run is still compared with the one that was live before.

    Use it in a `Resolver` with the channels `candidate` (the model that would serve), `model` (all models) and
    `pushed_model` (all pushes). It resolves `model` and `pushed_model` to the live model and its push, or to nothing.
    A push counts only if it is live, its version directory is still there, and so is the model it came from.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """See the class."""
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        models = {artifact.id: artifact for artifact in input_dict["model"] if pathlib.Path(artifact.uri).is_dir()}
        for pushed in sorted(input_dict["pushed_model"], key=lambda artifact: artifact.id, reverse=True):
            model = models.get(pushed.get_int_custom_property(marks.MODEL_ID))
            if (
                model is not None
                and model.id not in candidates
                and marks.is_live(pushed)
                and pathlib.Path(pushed.get_string_custom_property(marks.DESTINATION)).is_dir()
            ):
                return {**input_dict, "model": [model], "pushed_model": [pushed]}
        return {**input_dict, "model": [], "pushed_model": []}
