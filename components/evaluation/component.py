"""The contract of the node Evaluate."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.evaluation import executor
from components.evaluation.config import EvaluationConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Samples
from schemas.config import to_json


class EvaluateSpec(ComponentSpec):
    """Inputs, outputs and parameters of Evaluate."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "reference": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "baseline": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "samples": ChannelParameter(type=Samples),
    }
    OUTPUTS = {
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    PARAMETERS = {"config": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}


class Evaluate(base_beam_component.BaseBeamComponent):
    """Judges the model that would serve, by slice, against limits and against the live model.

    Outputs:
        evaluation: `standard_artifacts.ModelEvaluation`, TFMA's files and `report.json`.
        blessing: `standard_artifacts.ModelBlessing`, marked as TFX's Evaluator marks it.

    Args:
        model: the model that would serve, SavedModel or LiteRT.
        samples: the aligned samples; the split `test` judges.
        config: the limits.
        reference: the float model that it stems from, reported beside it.
        baseline: the live model; may hold none.
    """

    SPEC_CLASS = EvaluateSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        samples: BaseChannel,
        config: EvaluationConfig,
        reference: BaseChannel | None = None,
        baseline: BaseChannel | None = None,
    ):
        super().__init__(
            EvaluateSpec(
                model=model,
                reference=reference,
                baseline=baseline,
                samples=samples,
                evaluation=Channel(type=standard_artifacts.ModelEvaluation),
                blessing=Channel(type=standard_artifacts.ModelBlessing),
                config=to_json(config),
                code=fingerprint("components.evaluation.executor"),
            )
        )
