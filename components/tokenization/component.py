"""The contract of the node Tokenize."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.tokenization import executor
from components.tokenization.config import TokenizationConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Samples, Tokenizer
from schemas.config import to_json


class TokenizeSpec(ComponentSpec):
    """Inputs, outputs and parameters of Tokenize."""

    INPUTS = {"samples": ChannelParameter(type=Samples)}
    OUTPUTS = {"tokenizer": ChannelParameter(type=Tokenizer)}
    PARAMETERS = {"config": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}


class Tokenize(base_component.BaseComponent):
    """Learns a vocabulary from the training split.

    Outputs:
        tokenizer: `headrace.Tokenizer`, a lossless SentencePiece model.

    Args:
        samples: aligned samples, before augmentation.
        config: how to learn.
    """

    SPEC_CLASS = TokenizeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, samples: BaseChannel, config: TokenizationConfig):
        super().__init__(
            TokenizeSpec(
                samples=samples,
                tokenizer=Channel(type=Tokenizer),
                config=to_json(config),
                code=fingerprint("components.tokenization.executor"),
            )
        )
