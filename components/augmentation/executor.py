"""Runs the augmentation between artifacts."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.augmentation import augmenting
from components.augmentation.config import AugmentationConfig
from components.cleaning.config import CleaningConfig
from schemas import progress, tables
from schemas.config import from_json
from schemas.home import Home


class Executor(base_executor.BaseExecutor):
    """`samples` -> `augmented`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Writes the samples and the copies."""
        config = from_json(AugmentationConfig, exec_properties["config"])
        cleaning = from_json(CleaningConfig, exec_properties["cleaning"])
        samples = artifact_utils.get_single_instance(input_dict["samples"])
        augmented = artifact_utils.get_single_instance(output_dict["augmented"])
        twice = 2 * tables.count(samples.uri)  # they are read once to be copied as they are and once to be varied
        progress.start(augmenting.NODE, "augmenting", total=twice, unit="samples")
        made = augmenting.augment(
            pathlib.Path(samples.uri),
            pathlib.Path(augmented.uri),
            config,
            cleaning,
            int(exec_properties["seed"]),
            Home.current().root / "cache" / "translations",
        )
        augmented.set_string_custom_property("digest", tables.digest(augmented.uri))
        augmented.set_int_custom_property("rows", made.rows)
        augmented.set_string_custom_property("copies", json.dumps(made.copies))
        augmented.set_string_custom_property("skipped", json.dumps(made.skipped))
