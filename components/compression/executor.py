"""Runs the node Compress."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import process, signing
from components.compression.job import Job
from components.compression.report import Report
from schemas.config import from_json
from serving.config import SigningConfig
from serving.litert import weights_digest
from serving.manifest import LITERT_FILE
from serving.signing import sign, verify

PROCESS = "components.compression.main"


class Executor(base_executor.BaseExecutor):
    """Hands the conversion to a process of its own and records what came of it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `CompressSpec`."""
        keys = from_json(SigningConfig, exec_properties["signing"])
        model = artifact_utils.get_single_instance(output_dict["compressed_model"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        target = pathlib.Path(path_utils.serving_model_dir(model.uri))
        target.mkdir(parents=True)
        source, reference = (
            path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict.get(name) or input_dict["model"]))
            for name in ("model", "reference")
        )
        job = Job(
            source=source,
            reference=reference,
            target=str(target),
            report=report.uri,
            samples=artifact_utils.get_single_uri(input_dict["samples"]),
            config=exec_properties["config"],
        )
        for directory in dict.fromkeys((source, reference)):
            verify(directory, signing.trusted(keys))  # else the signature below would vouch for anything
        process.run(PROCESS, dataclasses.asdict(job), node="Compress")
        sign(target, signing.private_key(keys.key))
        measured = Report.read(report.uri)
        model.set_string_custom_property("digest", weights_digest(target / LITERT_FILE))
        model.set_string_custom_property("format", "litert")
        report.set_string_custom_property("digest", measured.digest())
