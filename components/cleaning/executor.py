"""Runs the cleaning on its engine and accounts for every record."""

from __future__ import annotations

import time
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.cleaning import beam_engine, report, spark
from components.cleaning.config import CleaningConfig
from components.cleaning.steps import NODE, Cleaning
from schemas import progress, storage, tables
from schemas.config import from_json


class Executor(base_beam_executor.BaseBeamExecutor):
    """`records` and the `earlier` index, if there is one -> `cleaned`, `rejected`, `index`, `report`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Cleans the records; rejections and survivors together are all that came."""
        config = from_json(CleaningConfig, exec_properties["config"])
        source = artifact_utils.get_single_instance(input_dict["records"])
        earlier = input_dict.get("earlier", [])
        outputs = {name: artifact_utils.get_single_instance(output) for name, output in output_dict.items()}
        cleaning = Cleaning(
            source=source.uri,
            work=f"{outputs['cleaned'].uri}/.work",
            cleaned=outputs["cleaned"].uri,
            rejected=outputs["rejected"].uri,
            index=outputs["index"].uri,
            earlier=earlier[0].uri if earlier else None,
            config=config,
        )
        started = time.monotonic()
        progress.start(NODE, "cleaning", total=tables.count(source.uri), unit="records")
        if config.engine == "beam":
            with self._make_beam_pipeline() as pipeline:
                beam_engine.run(pipeline, cleaning.tasks(), cleaning.steps())
        else:
            spark.submit(cleaning)
        storage.remove(cleaning.work)
        for name in ("cleaned", "rejected", "index"):
            outputs[name].set_string_custom_property("digest", tables.digest(outputs[name].uri))
            outputs[name].set_int_custom_property("rows", tables.count(outputs[name].uri))
        told = report.tell(cleaning, seconds=round(time.monotonic() - started, 3))
        told.write(outputs["report"].uri)
