"""Puts the state of the sources into the cache key.

Ingest has no input artifact, so without this TFX would answer it from the cache for ever.
"""

from __future__ import annotations

from tfx.dsl.components.base import base_driver as component_driver
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto.orchestration import driver_output_pb2

from components.ingestion.config import IngestionConfig
from components.ingestion.sources import sources_fingerprint
from schemas.config import from_json

PROPERTY = "sources_fingerprint"


class Driver(component_driver.BaseDriver, base_driver.BaseDriver):
    """Adds the execution property `sources_fingerprint` before the cache is asked.

    Components require the one base class, launchers call the other.
    """

    def __init__(self, metadata_handle: metadata.Metadata):
        component_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Fingerprints the sources that the configuration names."""
        config = from_json(IngestionConfig, execution_info.exec_properties["config"])
        output = driver_output_pb2.DriverOutput()
        for name, value in {**execution_info.exec_properties, PROPERTY: sources_fingerprint(config)}.items():
            data_types_utils.set_metadata_value(output.exec_properties[name], value)
        return output
