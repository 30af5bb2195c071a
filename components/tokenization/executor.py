"""Runs the node Tokenize."""

from __future__ import annotations

import pathlib
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.tokenization import vocabulary
from components.tokenization.config import TokenizationConfig
from schemas import progress, tables
from schemas.config import from_json
from serving.manifest import TOKENIZER_FILE


class Executor(base_executor.BaseExecutor):
    """`samples` -> `tokenizer`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `TokenizeSpec`."""
        config = from_json(TokenizationConfig, exec_properties["config"])
        samples = artifact_utils.get_single_uri(input_dict["samples"])
        tokenizer = artifact_utils.get_single_instance(output_dict["tokenizer"])
        model = vocabulary.learn(tables.rows(samples), config)
        pathlib.Path(tokenizer.uri, TOKENIZER_FILE).write_bytes(model)
        tokenizer.set_string_custom_property("digest", vocabulary.digest(model))
        progress.finish(vocabulary.NODE)
