"""Augment's contract: `Samples` in, the same and copies out."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.augmentation import executor
from components.augmentation.config import AugmentationConfig
from components.cleaning.config import CleaningConfig
from lineage.fingerprint import fingerprint
from schemas import artifacts
from schemas.config import to_json


class AugmentSpec(ComponentSpec):
    """Inputs, outputs and parameters of Augment."""

    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "cleaning": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {"samples": ChannelParameter(type=artifacts.Samples)}
    OUTPUTS = {"augmented": ChannelParameter(type=artifacts.Samples)}


class Augment(base_component.BaseComponent):
    """Adds varied copies of training samples; each names its parent.

    Outputs:
        augmented: `headrace.Samples`, those that came and then the copies; how many of each `copies`, and why there are not
            more, is in its custom properties `copies` and `skipped`.

    Args:
        samples: aligned samples.
        config: how much to vary.
        cleaning: the rules that copies must pass.
        seed: which samples are copied and how they are varied.
    """

    SPEC_CLASS = AugmentSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, *, samples: channel.BaseChannel, config: AugmentationConfig, cleaning: CleaningConfig, seed: int
    ):
        super().__init__(
            AugmentSpec(
                samples=samples,
                config=to_json(config),
                cleaning=to_json(cleaning),
                seed=seed,
                code=fingerprint("components.augmentation.executor"),
                augmented=channel.Channel(type=artifacts.Samples),
            )
        )
