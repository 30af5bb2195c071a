"""Runs the node Evaluate."""

from __future__ import annotations

import pathlib
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.evaluation import analysis, examples, held_out, judgement, scoring
from components.evaluation.config import EvaluationConfig
from components.evaluation.limits import limits
from components.evaluation.report import Report, Role
from schemas import progress
from schemas.config import from_json
from serving.instance import Score
from serving.manifest import Manifest
from serving.model import load

NODE = "Evaluate"
SPLIT = "test"
_INPUTS = {Role.SERVED: "model", Role.REFERENCE: "reference", Role.BASELINE: "baseline"}


class Executor(base_beam_executor.BaseBeamExecutor):
    """Scores the held-out samples with every model, has TFMA analyse the scores, and blesses or does not."""

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
        paths = {role: path_utils.serving_model_path(artifact.uri) for role, artifact in models.items()}
        samples = held_out.read(artifact_utils.get_single_uri(input_dict["samples"]), SPLIT, config.max_samples)

        scores: dict[Role, list[Score]] = {}
        for role, path in paths.items():
            progress.start(NODE, f"scoring, {role.value} model", total=len(samples), unit="samples")
            scores[role] = scoring.score_all(load(path, threads=config.threads), samples, node=NODE)

        rows = examples.build(samples, scores)
        rules = limits(config, examples.count(rows), has_baseline=Role.BASELINE in models)
        names = examples.models(rows)
        progress.start(NODE, "analysing", total=rows.num_rows, unit="examples")
        with self._make_beam_pipeline() as pipeline:
            analysis.analyse(pipeline, rows, analysis.eval_config(names, rules), evaluation.uri)

        report = judgement.judge(
            analysis.read(evaluation.uri, names),
            rules,
            manifests={role: Manifest.read(path) for role, path in paths.items()},
            split=SPLIT,
            samples=len(samples),
        )
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
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BLESSING_MESSAGE_KEY, report.message)
    blessing.set_string_custom_property("digest", report.digest())
    pathlib.Path(blessing.uri, name).touch()
