"""Runs the alignment between artifacts."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.alignment import joining
from components.alignment.config import AlignmentConfig
from schemas import progress, tables
from schemas.config import from_json


class Executor(base_executor.BaseExecutor):
    """`records` -> `samples`, `report`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Joins and splits, and reports how."""
        config = from_json(AlignmentConfig, exec_properties["config"])
        records = artifact_utils.get_single_instance(input_dict["records"])
        samples = artifact_utils.get_single_instance(output_dict["samples"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        started = time.monotonic()
        progress.start(joining.NODE, "joining", unit="samples")
        told = joining.align(pathlib.Path(records.uri), pathlib.Path(samples.uri), config, int(exec_properties["seed"]))
        told = dataclasses.replace(told, seconds=round(time.monotonic() - started, 3))
        told.write(pathlib.Path(report.uri))
        samples.set_string_custom_property("digest", tables.digest(samples.uri))
        samples.set_int_custom_property("rows", told.samples)
