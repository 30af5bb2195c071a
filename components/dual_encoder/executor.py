"""Runs the node TrainDualEncoder."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import process
from components.dual_encoder.card import Card

NODE = "TrainDualEncoder"
PROCESS = "components.dual_encoder.main"


class Executor(base_executor.BaseExecutor):
    """Has a process of its own train, and records what came of it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `TrainDualEncoderSpec`."""
        encoder = artifact_utils.get_single_instance(output_dict["encoder"])
        process.run(
            PROCESS,
            {
                "config": exec_properties["config"],
                "seed": exec_properties["seed"],
                "samples": artifact_utils.get_single_uri(input_dict["samples"]),
                "output": encoder.uri,
            },
            node=NODE,
            environment={"KERAS_BACKEND": "tensorflow"},  # whatever ~/.keras says
        )
        card = Card.read(encoder.uri)
        encoder.set_string_custom_property("digest", card.digest)
        encoder.set_int_custom_property("dim", card.towers.dim)
        encoder.set_int_custom_property("pairs", card.train_pairs)
        encoder.set_float_custom_property("recall_at_10", card.recall_at_10)
        encoder.set_float_custom_property("chance", card.chance)
