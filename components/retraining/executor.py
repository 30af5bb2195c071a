"""Runs the node FineTune."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import own_code, process, signing
from components.retraining import report
from components.training.report import CURVE_FILE_NAME
from schemas.config import from_json
from schemas.home import Home
from serving.config import SigningConfig
from serving.manifest import TOKENIZER_FILE
from serving.signing import sign, verify

NODE = "FineTune"
PROCESS = "components.retraining.main"


class Executor(base_executor.BaseExecutor):
    """Has a process of its own learn on, and moves what it made into the outputs."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `FineTuneSpec`."""
        keys = from_json(SigningConfig, exec_properties["signing"])
        key = signing.private_key(keys.key)
        source = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        verify(source, signing.trusted(keys))  # else the signature below would vouch for anything
        # The same inputs and parameters are the same training, whichever run asks for it: so a killed one goes on.
        inputs = [f"{name}={item.uri}" for name, items in sorted(input_dict.items()) for item in items]
        parameters = [f"{name}={exec_properties[name]}" for name in sorted(exec_properties) if name != "signing"]
        identity = "\0".join([NODE, *inputs, *parameters])
        directory = Home.current().checkpoints / hashlib.sha256(identity.encode()).hexdigest()[:20]
        output = directory / "output"
        shutil.rmtree(output, ignore_errors=True)
        examples = input_dict["examples"]
        job = {
            "source": source,
            **{name: exec_properties[name] for name in ("config", "training", "budgets", "seed")},
            "train": artifact_utils.get_split_uri(examples, "train"),
            "eval": artifact_utils.get_split_uri(examples, "eval"),
            "transform_graph": artifact_utils.get_single_uri(input_dict["transform_graph"]),
            "tokenizer": str(pathlib.Path(artifact_utils.get_single_uri(input_dict["tokenizer"]), TOKENIZER_FILE)),
            "directory": str(directory),
            "output": str(output),
        }
        environment = own_code.environment() | {"KERAS_BACKEND": "tensorflow"}  # whatever ~/.keras says
        process.run(PROCESS, job, node=NODE, environment=environment)

        told = report.Report.read(output)
        model = artifact_utils.get_single_instance(output_dict["tuned_model"])
        serving = pathlib.Path(path_utils.serving_model_dir(model.uri))
        serving.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(output / "model", serving)
        sign(serving, key)
        model.set_string_custom_property("digest", told.weights_digest)
        model.set_string_custom_property("format", "saved_model")
        run = artifact_utils.get_single_instance(output_dict["model_run"])
        shutil.move(output / report.FILE_NAME, pathlib.Path(run.uri, report.FILE_NAME))
        shutil.move(directory / CURVE_FILE_NAME, pathlib.Path(run.uri, CURVE_FILE_NAME))
        run.set_string_custom_property("digest", told.weights_digest)
        shutil.rmtree(directory)
