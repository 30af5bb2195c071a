"""Runs the node InfraValidate."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import process, signing
from components.evaluation import held_out
from components.evaluation.held_out import HeldOut
from components.infra_validation import golden, reference
from components.infra_validation.config import InfraValidationConfig
from components.infra_validation.job import Job
from components.infra_validation.report import Check, Report
from schemas.config import from_json
from schemas.errors import IntegrityError
from serving.config import SigningConfig
from serving.instance import InstanceError, Score
from serving.keys import PublicKey
from serving.manifest import Manifest

NODE = "InfraValidate"
PROCESS = "components.infra_validation.probe"

# As TFX's InfraValidator marks a blessing (tfx/components/infra_validator/executor.py; importing it needs TF Serving).
BLESSED_KEY, MODEL_FLAG_KEY = "blessed", "has_model"
BLESSED_FILE_NAME, NOT_BLESSED_FILE_NAME = "INFRA_BLESSED", "INFRA_NOT_BLESSED"


class Executor(base_executor.BaseExecutor):
    """Has a clean process load the model and answer the golden requests; a model that cannot is not blessed."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `InfraValidateSpec`."""
        config = from_json(InfraValidationConfig, exec_properties["config"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        samples = held_out.read(artifact_utils.get_single_uri(input_dict["samples"]), "test", config.golden_samples)
        float_model = input_dict.get("reference")
        report = validate(
            model,
            samples,
            config,
            output=blessing.uri,
            trusted=signing.trusted(from_json(SigningConfig, exec_properties["signing"])),
            float_model=path_utils.serving_model_path(float_model[0].uri) if float_model else None,
        )
        blessing.set_int_custom_property(BLESSED_KEY, int(report.blessed))
        blessing.set_int_custom_property(MODEL_FLAG_KEY, 0)
        blessing.set_string_custom_property("blessing_message", report.message)
        blessing.set_string_custom_property("digest", golden.digest(blessing.uri))
        pathlib.Path(blessing.uri, BLESSED_FILE_NAME if report.blessed else NOT_BLESSED_FILE_NAME).touch()


def validate(
    model: str,
    samples: Sequence[HeldOut],
    config: InfraValidationConfig,
    *,
    output: str,
    trusted: Sequence[PublicKey],
    float_model: str | None = None,
) -> Report:
    """Probes a model and reports; a model that brings the process down, hangs or is not one gets a report too.

    Args:
        model: the model that would serve.
        samples: held-out samples, for requests.
        config: what it is held against.
        output: where the report goes, and the requests with their answers.
        trusted: whose signature it must have.
        float_model: what it was made of; its answers are asked for here, in the meantime. None, or the model itself: no
            answers are compared.
    """
    requests: list[golden.Golden] = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            manifest = Manifest.read(model)
            requests = golden.requests(samples, text_tokens=manifest.text_tokens, code_tokens=manifest.code_tokens)
            golden.write(output, requests)
            job = Job(
                model=model,
                output=output,
                trusted=tuple(key.pem for key in trusted),
                max_latency_ms=config.max_latency_ms,
                max_memory_mb=config.max_memory_mb,
            )
            expected = None
            if float_model not in (None, model):
                expected = pool.submit(reference.answers, str(float_model), requests, trusted)
            process.run(PROCESS, dataclasses.asdict(job), node=NODE, clean=True, time_limit_s=config.time_limit_s)
            if expected is not None:
                _compare(output, expected, config.max_difference)
        except (IntegrityError, InstanceError, process.ProcessError) as error:
            golden.write(output, requests)
            Report(blessed=False, message=str(error), requests=len(requests)).write(output)
    return Report.read(output)


def _compare(output: str, expected: concurrent.futures.Future[list[tuple[Score, ...]]], max_difference: float) -> None:
    try:
        check = reference.check(golden.read(output), expected.result(), max_difference)
    except (IntegrityError, InstanceError) as error:
        check = Check("answers as the float model's", False, f"the float model cannot be asked: {error}")
    Report.read(output).including(check).write(output)
