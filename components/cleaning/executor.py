"""Runs the cleaning on its engine and accounts for every record."""

from __future__ import annotations

import pathlib
import time
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.cleaning import beam_engine, report
from components.cleaning.config import CleaningConfig
from schemas import progress, tables
from schemas.config import from_json


class Executor(base_beam_executor.BaseBeamExecutor):
    """`records` -> `cleaned`, `rejected`, `report`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Cleans the records; rejections and survivors together are all that came."""
        config = from_json(CleaningConfig, exec_properties["config"])
        source = artifact_utils.get_single_instance(input_dict["records"])
        cleaned = artifact_utils.get_single_instance(output_dict["cleaned"])
        rejected = artifact_utils.get_single_instance(output_dict["rejected"])
        started = time.monotonic()
        progress.start(beam_engine.NODE, "cleaning", total=tables.count(source.uri), unit="records")
        with self._make_beam_pipeline() as pipeline:
            beam_engine.clean(pipeline, source.uri, config, cleaned.uri, rejected.uri)
        for artifact in (cleaned, rejected):
            artifact.set_string_custom_property("digest", tables.digest(artifact.uri))
            artifact.set_int_custom_property("rows", tables.count(artifact.uri))
        told = report.count(
            pathlib.Path(source.uri),
            pathlib.Path(cleaned.uri),
            pathlib.Path(rejected.uri),
            engine=config.engine,
            seconds=round(time.monotonic() - started, 3),
        )
        told.write(pathlib.Path(artifact_utils.get_single_instance(output_dict["report"]).uri))
