"""Runs the node Transform: hands TFX's executor the tokeniser's path, nothing else."""

from __future__ import annotations

import pathlib
from typing import Any

from tfx import types
from tfx.components.transform import executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

from serving.manifest import TOKENIZER_FILE


class Executor(executor.Executor):
    """TFX's own, with the tokeniser's path among what `preprocessing_fn` is configured by."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `TransformSpec`."""
        key = standard_component_specs.CUSTOM_CONFIG_KEY
        tokenizer = pathlib.Path(artifact_utils.get_single_uri(input_dict["tokenizer"]), TOKENIZER_FILE)
        configured = json_utils.loads(exec_properties[key]) | {"tokenizer": str(tokenizer)}
        stock = {name: items for name, items in input_dict.items() if name != "tokenizer"}
        super().Do(stock, output_dict, {**exec_properties, key: json_utils.dumps(configured)})
