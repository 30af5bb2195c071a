"""The signatures that a model must have, by name, dtype and shape, held against those in its file."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from components.infra_validation.report import Check
from serving import sequence
from serving.manifest import LITERT_FILE, Manifest, ModelFormat

NAME = "inputs and outputs are as promised"

_BUCKET = re.compile(r"score_tokens_(\d+)")


@dataclasses.dataclass(frozen=True)
class Signature:
    """What goes into a function of a model and what comes out: `dtype [shape]` by name, None for any length."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def check(directory: pathlib.Path, manifest: Manifest) -> Check:
    """Whether a model has the signatures that its manifest promises. It may have further outputs, but no further input."""
    found = _of_litert(directory) if manifest.format is ModelFormat.LITERT else _of_saved_model(directory)
    faults = [
        fault for name, promised in _promised(manifest, found).items() for fault in _faults(name, promised, found)
    ]
    return Check(NAME, not faults, "; ".join(faults) or ", ".join(sorted(found)))


def _promised(manifest: Manifest, found: Mapping[str, Signature]) -> dict[str, Signature]:
    longest = sequence.length(manifest.text_tokens, manifest.code_tokens)
    promised = {"score_tokens": _score_tokens(longest, manifest.image_size)}
    for name in found:
        bucket = _BUCKET.fullmatch(name)
        if bucket:
            promised[name] = _score_tokens(int(bucket[1]), manifest.image_size)
    if manifest.format is ModelFormat.SAVED_MODEL:
        promised["serving_default"] = Signature(
            dict.fromkeys(("text", "image", "code"), "string [None]"),
            {f"{name}_nll": "float32 [None]" for name in ("text", "code")}
            | {f"{name}_bytes": "int64 [None]" for name in ("text", "code")},
        )
    return promised


def _score_tokens(length: int, size: int) -> Signature:
    return Signature(
        {"ids": f"int32 [1, {length}]", "image": f"float32 [1, {size}, {size}, 3]", "has_image": "float32 [1]"},
        {"nll": f"float32 [1, {length}]"},
    )


def _faults(name: str, promised: Signature, found: Mapping[str, Signature]) -> list[str]:
    if name not in found:
        return [f"there is no signature {name}"]
    inputs, outputs = found[name].inputs, found[name].outputs
    faults = [f"{name} takes {extra}, which no one sends" for extra in sorted(inputs.keys() - promised.inputs.keys())]
    for kind, expected, given in (("input", promised.inputs, inputs), ("output", promised.outputs, outputs)):
        faults += [
            f"{kind} {tensor} of {name} is {given.get(tensor, 'missing')}, not {facts}"
            for tensor, facts in expected.items()
            if given.get(tensor) != facts
        ]
    return faults


def _of_litert(directory: pathlib.Path) -> dict[str, Signature]:
    from ai_edge_litert import interpreter

    def facts(details: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: f"{one['dtype'].__name__} {[int(size) for size in one['shape']]}" for name, one in details.items()
        }

    loaded = interpreter.Interpreter(model_path=str(directory / LITERT_FILE))
    runners = {name: loaded.get_signature_runner(name) for name in loaded.get_signature_list()}
    return {
        name: Signature(facts(runner.get_input_details()), facts(runner.get_output_details()))
        for name, runner in runners.items()
    }


def _of_saved_model(directory: pathlib.Path) -> dict[str, Signature]:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    def facts(tensors: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: f"{tf.as_dtype(one.dtype).name} {tf.TensorShape(one.tensor_shape).as_list()}"
            for name, one in tensors.items()
        }

    model = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    return {
        name: Signature(facts(one.inputs), facts(one.outputs))
        for graph in model.meta_graphs
        for name, one in graph.signature_def.items()
        if not name.startswith("__")
    }
