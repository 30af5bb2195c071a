"""The contract of the node Transform: TFX's own, with the tokeniser beside the examples."""

from __future__ import annotations

from tfx.components.transform import component
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import transform_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.transform import executor
from components.transform.config import TransformConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Tokenizer
from schemas.config import to_plain

SPLITS = transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"])


class TransformSpec(standard_component_specs.TransformSpec):
    """TFX's `TransformSpec`, with the tokeniser and the fingerprint of the code."""

    INPUTS = {**standard_component_specs.TransformSpec.INPUTS, "tokenizer": ChannelParameter(type=Tokenizer)}
    PARAMETERS = {**standard_component_specs.TransformSpec.PARAMETERS, "code": ExecutionParameter(type=str)}


class Transform(component.Transform):
    """TFX's Transform of the splits `train` and `eval`, with a tokeniser inside its graph.

    Outputs:
        transform_graph: `standard_artifacts.TransformGraph`, from raw examples to what the model reads.
        transformed_examples: `standard_artifacts.Examples`, as `components.transform.preprocessing` describes them.

    Args:
        examples: raw examples.
        schema: what features they have.
        tokenizer: a SentencePiece model.
        config: how much of a sample the model sees.
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, *, examples: BaseChannel, schema: BaseChannel, tokenizer: BaseChannel, config: TransformConfig):
        transformed = Channel(type=standard_artifacts.Examples)
        transformed.matching_channel_name = "examples"
        spec = TransformSpec(
            examples=examples,
            schema=schema,
            tokenizer=tokenizer,
            preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
            splits_config=SPLITS,
            force_tf_compat_v1=0,
            disable_statistics=1,  # StatisticsGen has them of the raw examples; of token ids they say nothing
            custom_config=json_utils.dumps(to_plain(config)),
            code=fingerprint("components.transform.executor"),
            transform_graph=Channel(type=standard_artifacts.TransformGraph),
            transformed_examples=transformed,
        )
        # TFX's own constructor would make TFX's own spec.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
