"""Makes what the figures of the convolutional network are measured on: trained, folded, as LiteRT in float and in int8.

Runs by `components.process`, since TensorFlow's converter may abort the process that it runs in.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert import interpreter
from ai_edge_quantizer import quantizer

from benchmarks import conv_case
from benchmarks.conv_case import Case, Images
from components import process
from components.compression import convert, fusion, variants
from serving.litert import SIGNATURE

VARIANT = "static_wi8_ai8"
_REPRESENTATIVE = 200
_TIMED = 32


def make(job: dict[str, Any]) -> None:
    """Writes, into `folder`: the SavedModels `plain` and `fused`; `float.tflite`, `int8.tflite`; `inputs.npz` to time them
    with; `facts.json`.

    Args:
        job: `case`, `seed`, `folder`, which exists.
    """
    case = Case(**job["case"])
    folder = pathlib.Path(job["folder"])
    examples, held_out, names = conv_case.read(case)
    model = conv_case.train(case, examples, len(names), job["seed"])
    fused = fusion.fuse(model)
    for name, network in (("plain", model), ("fused", fused)):
        _save(network, case, folder / name)
    float_model = convert.with_unique_names(convert.to_litert(folder / "plain"))
    chosen = np.random.default_rng(job["seed"]).permutation(len(examples))[:_REPRESENTATIVE]
    int8_model = convert.quantize(float_model, VARIANT, ranges=_ranges(float_model, examples.pixels[chosen]))
    for name, content in (("float", float_model), ("int8", int8_model)):
        (folder / f"{name}.tflite").write_bytes(content)
    np.savez(folder / "inputs.npz", pixels=held_out.pixels[:_TIMED, None])
    before, after = (network.predict(held_out.pixels, verbose=0) for network in (model, fused))
    facts = {
        "parameters": model.count_params(),
        "categories": len(names),
        "learnt_from": len(examples),
        "held_out": len(held_out),
        "accuracy": {
            "float": _accuracy(float_model, held_out),
            "int8": _accuracy(int8_model, held_out),
        },
        "fused_apart": float(np.abs(before - after).max() / np.abs(before).max()),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def _save(model: keras.Model, case: Case, directory: pathlib.Path) -> None:
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    signature = [tf.TensorSpec([1, case.size, case.size, 3], tf.float32, "pixels")]
    module.call = tf.function(lambda pixels: {"logits": model(pixels, training=False)}, input_signature=signature)
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE: module.call})


def _ranges(model: bytes, pixels: npt.NDArray[np.float32]) -> dict[str, Any]:
    work = quantizer.Quantizer(bytearray(model))
    work.load_quantization_recipe(variants.recipe(VARIANT))
    ranges: dict[str, Any] = work.calibrate({SIGNATURE: [{"pixels": image[None]} for image in pixels]})
    return ranges


def _accuracy(model: bytes, held_out: Images) -> float:
    call = interpreter.Interpreter(model_content=model, num_threads=1).get_signature_runner(SIGNATURE)
    told = [int(call(pixels=image[None])["logits"].argmax()) for image in held_out.pixels]
    return float(np.mean(np.array(told) == held_out.categories))


if __name__ == "__main__":
    process.main(make)
