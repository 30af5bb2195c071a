"""TFX's Transform with one more input: the tokeniser that its graph holds."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import transform_pb2
from tfx.types import component_spec, standard_component_specs
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils, proto_utils

from components.transform import executor, preprocessing
from components.transform.config import TransformConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Tokenizer
from schemas.config import to_json

_STOCK = standard_component_specs.TransformSpec

TRANSFORMED = ("train", "eval")
"""The split `test` is judged as it came, through the serving interface, so it is not transformed."""


class TransformSpec(component_spec.ComponentSpec):
    """The stock contract and `tokenizer`."""

    INPUTS = {**_STOCK.INPUTS, "tokenizer": ChannelParameter(type=Tokenizer)}
    OUTPUTS = _STOCK.OUTPUTS
    PARAMETERS = {**_STOCK.PARAMETERS, "code": ExecutionParameter(type=str)}


class Transform(base_beam_component.BaseBeamComponent):
    """Turns raw examples into token ids and small pictures, in a graph that the exported model takes along.

    Outputs:
        transform_graph: `standard_artifacts.TransformGraph`.
        transformed_examples: `standard_artifacts.Examples`, the splits train and eval.

    Args:
        examples: raw examples.
        schema: what they look like.
        tokenizer: what the graph cuts text and code with.
        config: how much of a sample the model sees.
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, *, examples: BaseChannel, schema: BaseChannel, tokenizer: BaseChannel, config: TransformConfig):
        splits = transform_pb2.SplitsConfig(analyze=["train"], transform=TRANSFORMED)
        outputs = {
            name: Channel(type=parameter.type)
            for name, parameter in _STOCK.OUTPUTS.items()
            if not parameter.optional or name == standard_component_specs.TRANSFORMED_EXAMPLES_KEY
        }
        super().__init__(
            TransformSpec(
                examples=examples,
                schema=schema,
                tokenizer=tokenizer,
                preprocessing_fn=f"{preprocessing.__name__}.{preprocessing.preprocessing_fn.__name__}",
                force_tf_compat_v1=0,
                splits_config=proto_utils.proto_to_json(splits),
                custom_config=json_utils.dumps({"config": to_json(config)}),
                disable_statistics=1,
                code=fingerprint("components.transform.executor") + fingerprint(preprocessing.__name__),
                **outputs,
            )
        )
