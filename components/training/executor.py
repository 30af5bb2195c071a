"""Runs the node Train."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import own_code, process, signing
from components.training import anomalies, cluster, launcher, report
from components.training.config import TrainingConfig, of_result
from components.training.incidents import FILE_NAME as INCIDENTS
from schemas.config import from_json
from schemas.errors import GateRefused
from schemas.home import Home
from serving.manifest import TOKENIZER_FILE
from serving.signing import sign

NODE = "Train"
PROCESS = "components.training.main"


class Executor(base_executor.BaseExecutor):
    """Has a process of its own train, and moves what it made into the outputs."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `TrainSpec`."""
        found = anomalies.read(artifact_utils.get_single_uri(input_dict["anomalies"]))
        if found:
            raise GateRefused(
                "\n".join(["the examples do not fit the schema:", *found]),
                where="ExampleValidator",
                remedy="mend the data, or the schema (`headrace data schema` drafts one for `validation.schema_file`)",
            )
        config = from_json(TrainingConfig, exec_properties["config"])
        key = signing.private_key(exec_properties["signing_key"])
        # The same inputs and parameters are the same training, whichever run asks for it and on however many devices:
        # so a killed one goes on.
        inputs = [f"{key}={item.uri}" for key, items in sorted(input_dict.items()) for item in items]
        parameters = {**exec_properties, "config": json.dumps(of_result(config), sort_keys=True)}
        del parameters["signing_key"]
        identity = "\0".join([*inputs, *(f"{name}={parameters[name]}" for name in sorted(parameters))])
        directory = Home.current().checkpoints / hashlib.sha256(identity.encode()).hexdigest()[:20]
        output = directory / "output"
        shutil.rmtree(output, ignore_errors=True)
        examples = input_dict["examples"]
        job = {
            "config": exec_properties["config"],
            "budgets": exec_properties["budgets"],
            "variation": exec_properties["variation"],
            "seed": exec_properties["seed"],
            "train": artifact_utils.get_split_uri(examples, "train"),
            "eval": artifact_utils.get_split_uri(examples, "eval"),
            "transform_graph": artifact_utils.get_single_uri(input_dict["transform_graph"]),
            "tokenizer": str(pathlib.Path(artifact_utils.get_single_uri(input_dict["tokenizer"]), TOKENIZER_FILE)),
            "directory": str(directory),
            "output": str(output),
        }
        environment = own_code.environment() | {"KERAS_BACKEND": "tensorflow"}  # whatever ~/.keras says
        if config.strategy == "multi_worker" and cluster.read(os.environ) is None:
            launcher.run(
                PROCESS, job, workers=config.workers, node=NODE, environment=environment, restarts=config.restarts
            )
        else:
            process.run(PROCESS, job, node=NODE, environment=environment)
        _publish(directory, output_dict, key)


def _publish(directory: pathlib.Path, output_dict: dict[str, list[types.Artifact]], key: pathlib.Path) -> None:
    output = directory / "output"
    told = report.Report.read(output)
    model = artifact_utils.get_single_instance(output_dict["model"])
    serving = pathlib.Path(path_utils.serving_model_dir(model.uri))
    serving.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(output / "model", serving)
    sign(serving, key)
    model.set_string_custom_property("digest", told.weights_digest)
    model.set_string_custom_property("format", "saved_model")
    run = artifact_utils.get_single_instance(output_dict["model_run"])
    for name in (report.FILE_NAME, report.CURVE_FILE_NAME):
        shutil.move((output if name == report.FILE_NAME else directory) / name, pathlib.Path(run.uri, name))
    for name in ("logs", INCIDENTS):
        if (directory / name).exists():
            shutil.move(directory / name, pathlib.Path(run.uri, name))
    checkpoint = artifact_utils.get_single_instance(output_dict["checkpoint"])
    last = pathlib.Path((output / "checkpoint.txt").read_text())
    for path in last.parent.glob(last.name + ".*"):
        shutil.move(path, pathlib.Path(checkpoint.uri, path.name))
    checkpoint.set_string_custom_property("digest", told.weights_digest)
    shutil.rmtree(directory)
