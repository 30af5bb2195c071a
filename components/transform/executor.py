"""Runs the node Transform."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.components.transform import executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

from components.transform import preprocessing
from schemas import progress
from serving.manifest import TOKENIZER_FILE

NODE = "Transform"


class Executor(executor.Executor):
    """TFX's Transform, told where the tokeniser lies."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `TransformSpec`."""
        tokenizer = artifact_utils.get_single_uri(input_dict["tokenizer"])
        key = standard_component_specs.CUSTOM_CONFIG_KEY
        custom_config = {
            **json_utils.loads(exec_properties[key]),
            preprocessing.TOKENIZER: os.path.join(tokenizer, TOKENIZER_FILE),
        }
        progress.start(NODE, "transforming", unit="examples")
        super().Do(input_dict, output_dict, {**exec_properties, key: json_utils.dumps(custom_config)})
        progress.finish(NODE)
