"""Runs the alignment between artifacts."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.alignment import joining
from components.alignment.config import AlignmentConfig
from components.alignment.grouping import Encoders
from components.alignment.things import ImageText
from schemas import progress, tables
from schemas.config import from_json
from schemas.home import Home


class Executor(base_executor.BaseExecutor):
    """`records`, perhaps an `encoder` -> `samples`, `report`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Joins and splits, and reports how."""
        config = from_json(AlignmentConfig, exec_properties["config"])
        records = artifact_utils.get_single_instance(input_dict["records"])
        samples = artifact_utils.get_single_instance(output_dict["samples"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        encoders = Encoders(
            cache=Home.current().root / "cache" / "vectors",
            image_text=_image_text(input_dict.get("encoder", [])) if config.image_text.use else None,
        )
        started = time.monotonic()
        progress.start(joining.NODE, "joining", unit="samples")
        told = joining.align(
            pathlib.Path(records.uri), pathlib.Path(samples.uri), config, int(exec_properties["seed"]), encoders
        )
        told = dataclasses.replace(told, seconds=round(time.monotonic() - started, 3))
        told.write(pathlib.Path(report.uri))
        samples.set_string_custom_property("digest", tables.digest(samples.uri))
        samples.set_int_custom_property("rows", told.samples)


def _image_text(found: list[types.Artifact]) -> ImageText | None:
    """The encoder that an earlier run trained; None if there is none yet."""
    if not found:
        return None
    from components.dual_encoder import encoder  # TensorFlow, which no other join needs

    loaded = encoder.load(artifact_utils.get_single_uri(found))
    return ImageText(loaded.encode_texts, loaded.encode_images)
