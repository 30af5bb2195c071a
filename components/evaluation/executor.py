"""Runs the node Evaluate."""

from __future__ import annotations

import pathlib
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.evaluation import analysis, evaluating
from components.evaluation.config import EvaluationConfig
from components.evaluation.report import Report, Role
from schemas import progress
from schemas.config import from_json

NODE = "Evaluate"
_INPUTS = {Role.SERVED: "model", Role.REFERENCE: "reference", Role.BASELINE: "baseline"}
_MESSAGE_CHARACTERS = 2000


class Executor(base_beam_executor.BaseBeamExecutor):
    """Has the held-out samples scored by every model and the scores analysed by TFMA, and blesses or does not."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `EvaluateSpec`."""
        config = from_json(EvaluationConfig, exec_properties["config"])
        evaluation = artifact_utils.get_single_instance(output_dict["evaluation"])
        models = {role: input_dict[key][0] for role, key in _INPUTS.items() if input_dict.get(key)}
        if Role.REFERENCE in models and models[Role.REFERENCE].uri == models[Role.SERVED].uri:
            del models[Role.REFERENCE]  # it stems from itself
        paths = {role: pathlib.Path(path_utils.serving_model_path(artifact.uri)) for role, artifact in models.items()}

        answers = evaluating.ask(paths, artifact_utils.get_single_uri(input_dict["samples"]), config, node=NODE)
        measured = evaluating.lay_out(answers, config)
        progress.start(NODE, "analysing", total=measured.batch.num_rows, unit="groups of examples")
        with self._make_beam_pipeline() as pipeline:
            analysis.analyse(pipeline, measured.batch, measured.tfma_config, evaluation.uri)
        report = evaluating.conclude(measured, evaluation.uri, config)
        report.write(evaluation.uri)
        evaluation.set_string_custom_property("digest", report.digest())
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), report, models)
        progress.finish(NODE)


def _bless(blessing: types.Artifact, report: Report, models: dict[Role, types.Artifact]) -> None:
    """Marks the blessing as TFX's own Evaluator does, so that its resolvers and its Pusher understand."""
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, models[Role.SERVED].uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, models[Role.SERVED].id)
    if Role.BASELINE in models:
        baseline = models[Role.BASELINE]
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)
    value = constants.BLESSED_VALUE if report.blessed else constants.NOT_BLESSED_VALUE
    name = constants.BLESSED_FILE_NAME if report.blessed else constants.NOT_BLESSED_FILE_NAME
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSING_MESSAGE_KEY, report.message[:_MESSAGE_CHARACTERS]
    )
    blessing.set_string_custom_property("digest", report.digest())
    pathlib.Path(blessing.uri, name).touch()
