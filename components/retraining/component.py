"""The contract of the node FineTune."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.retraining import executor
from components.retraining.config import RetrainingConfig
from components.training import outside
from components.training.config import TrainingConfig
from components.transform.config import TransformConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Tokenizer
from schemas.config import to_json
from serving.config import SigningConfig


class FineTuneSpec(ComponentSpec):
    """Inputs, outputs and parameters of FineTune."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "tokenizer": ChannelParameter(type=Tokenizer),
    }
    OUTPUTS = {
        "tuned_model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "training": ExecutionParameter(type=str),
        "budgets": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "signing": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class FineTune(base_component.BaseComponent):
    """Has a trained model learn on with weights that are pruned or on the quantizer's grid, in a process of its own.

    Outputs:
        tuned_model: `standard_artifacts.Model`, a SavedModel like the one that was given, signed.
        model_run: `standard_artifacts.ModelRun`, `report.json` and `metrics.jsonl`.

    Args:
        model: the exported SavedModel.
        examples: the transformed examples that it was trained on, splits train and eval.
        transform_graph: what transformed them.
        tokenizer: what cut them into tokens.
        config: how it goes on.
        training: how it was trained.
        budgets: how much of a sample it sees.
        seed: all randomness comes from it.
        signing: whose signature the SavedModel must have, and which key signs what becomes of it.
    """

    SPEC_CLASS = FineTuneSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        tokenizer: BaseChannel,
        config: RetrainingConfig,
        training: TrainingConfig,
        budgets: TransformConfig,
        seed: int,
        signing: SigningConfig | None = None,
    ):
        code = fingerprint("components.retraining.executor") + fingerprint(executor.PROCESS), outside.digest(training)
        super().__init__(
            FineTuneSpec(
                model=model,
                examples=examples,
                transform_graph=transform_graph,
                tokenizer=tokenizer,
                tuned_model=Channel(type=standard_artifacts.Model),
                model_run=Channel(type=standard_artifacts.ModelRun),
                config=to_json(config),
                training=to_json(training),
                budgets=to_json(budgets),
                seed=seed,
                signing=to_json(signing or SigningConfig()),
                code=" ".join(code).strip(),
            )
        )
