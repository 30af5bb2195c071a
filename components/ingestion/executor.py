"""Runs the ingestion into artifacts."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.ingestion import sources
from components.ingestion.config import IngestionConfig
from schemas import tables
from schemas.config import from_json
from schemas.home import Home


class Executor(base_executor.BaseExecutor):
    """-> `records`, `rejected`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Reads the sources that changed, and writes the records of all."""
        config = from_json(IngestionConfig, exec_properties["config"])
        records = artifact_utils.get_single_instance(output_dict["records"])
        rejected = artifact_utils.get_single_instance(output_dict["rejected"])
        sources.ingest(config, Home.current(), records.uri, rejected.uri)
        for artifact in (records, rejected):
            artifact.set_string_custom_property("digest", tables.digest(artifact.uri))
            artifact.set_int_custom_property("rows", tables.count(artifact.uri))
        records.set_string_custom_property("sources", ",".join(sorted(config.sources)))
