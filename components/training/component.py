"""The contract of the node Train."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.augmentation.image.config import ImageAugmentation
from components.training import executor, outside
from components.training.config import TrainingConfig
from components.transform.config import TransformConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Checkpoint, Tokenizer
from schemas.config import to_json
from serving.config import SigningConfig


class TrainSpec(ComponentSpec):
    """Inputs, outputs and parameters of Train."""

    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "tokenizer": ChannelParameter(type=Tokenizer),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "checkpoint": ChannelParameter(type=Checkpoint),
    }
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "budgets": ExecutionParameter(type=str),
        "variation": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "signing_key": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class Train(base_component.BaseComponent):
    """Trains a multimodal decoder in a process of its own, and goes on from its last checkpoint after a kill.

    Outputs:
        model: `standard_artifacts.Model`, a SavedModel that tokenises by itself, signed.
        model_run: `standard_artifacts.ModelRun`, `report.json`, `metrics.jsonl` and TensorBoard logs.
        checkpoint: `headrace.Checkpoint`, the last one.

    Args:
        examples: transformed examples, splits train and eval.
        transform_graph: what transformed them; it travels with the model.
        tokenizer: what cut them into tokens.
        anomalies: what is wrong with the raw examples; anything there refuses the training.
        config: how to train.
        budgets: how much of a sample the model sees.
        variation: how the images are varied anew in each step; None if they are not.
        seed: all randomness comes from it.
        signing: which key signs the model. Only that is a parameter of the execution: other keys that come to be
            trusted are no reason to train again.
    """

    SPEC_CLASS = TrainSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        tokenizer: BaseChannel,
        anomalies: BaseChannel,
        config: TrainingConfig,
        budgets: TransformConfig,
        seed: int,
        variation: ImageAugmentation | None = None,
        signing: SigningConfig | None = None,
    ):
        code = fingerprint("components.training.executor") + fingerprint(executor.PROCESS), outside.digest(config)
        super().__init__(
            TrainSpec(
                examples=examples,
                transform_graph=transform_graph,
                tokenizer=tokenizer,
                anomalies=anomalies,
                model=Channel(type=standard_artifacts.Model),
                model_run=Channel(type=standard_artifacts.ModelRun),
                checkpoint=Channel(type=Checkpoint),
                config=to_json(config),
                budgets=to_json(budgets),
                variation=to_json(variation) if variation is not None else "",
                seed=seed,
                signing_key=(signing.key if signing else None) or "",
                code=" ".join(code).strip(),
            )
        )
