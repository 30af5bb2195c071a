"""Moves shards through Beam; what an Example holds is said in `conversion`."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.example_gen import conversion
from schemas import progress, tables

NODE = "ExampleGen"


class Executor(base_beam_executor.BaseBeamExecutor):
    """`samples` -> `examples`."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """Converts each shard of the samples on its own, so that the files do not depend on the Beam runner."""
        samples = artifact_utils.get_single_instance(input_dict["samples"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        shards = [str(path) for path in tables.shards(samples.uri)]
        progress.start(NODE, "writing", total=tables.count(samples.uri), unit="samples")
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(list(enumerate(shards)))
                | "Reshuffle" >> beam.Reshuffle()
                | "Write" >> beam.Map(conversion.write_shard, directory=examples.uri, shards=len(shards))
            )
        examples.split_names = artifact_utils.encode_split_names(list(conversion.SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples.set_int_custom_property("rows", tables.count(samples.uri))
        examples.set_string_custom_property("digest", samples.get_string_custom_property("digest"))
