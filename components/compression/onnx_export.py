"""The way to a GPU: `score_tokens` of a SavedModel as ONNX, and that as an engine of TensorRT.

Not by TF-TRT, which TensorFlow's builds have had no more since 2.18, and those for CPUs never. The extra `tensorrt` brings the
converter; TensorRT itself comes with NVIDIA's images (docs/gpu-serving.md).
"""

from __future__ import annotations

import importlib
import os
import pathlib
import shutil
import subprocess
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations, which the SavedModel names)

from schemas.errors import ConfigError, HeadraceError
from serving.litert import SIGNATURE

OPSET = 17
"""What TensorRT has taken since 8.6."""

_TRTEXEC = "trtexec"
_DRIVER = pathlib.Path("/proc/driver/nvidia/version")
_ENGINE_LIMIT_S = 3600.0


class EngineError(HeadraceError):
    """TensorRT made no engine of the model."""


def export(saved_model: str | os.PathLike[str], target: pathlib.Path) -> None:
    """Writes `score_tokens` as ONNX, its inputs and outputs under their names and in their shapes, weights in float32.

    Raises:
        ConfigError: the extra `tensorrt` is not installed.
        HeadraceError: ONNX has no operation for one of the model's.
    """
    tf2onnx, checker = _library("tf2onnx"), _library("onnx.checker")
    loaded = tf.saved_model.load(os.fspath(saved_model))  # holds the weights of its signatures
    signature = loaded.signatures[SIGNATURE]
    names, specifications = zip(*signature.structured_input_signature[1].items(), strict=True)
    function = tf.function(lambda *tensors: signature(**dict(zip(names, tensors, strict=True))))
    try:
        model, _ = tf2onnx.convert.from_function(function, input_signature=list(specifications), opset=OPSET)
        checker.check_model(model, full_check=True)
    except (ValueError, NotImplementedError, checker.ValidationError) as error:
        raise HeadraceError(
            f"ONNX cannot hold this model: {error}",
            where=os.fspath(saved_model),
            remedy="have the network compute it with operations of ONNX",
        ) from error
    target.write_bytes(model.SerializeToString())


def build_engine(model: pathlib.Path, target: pathlib.Path) -> None:
    """Writes an engine in half precision, for the GPU of this machine and no other, by TensorRT's own `trtexec`.

    Args:
        model: as `export` writes it.
        target: the engine's file.

    Raises:
        ConfigError: there is no GPU, or no TensorRT.
        EngineError: TensorRT refused the model.
    """
    if why := missing():
        raise ConfigError(why, where=str(model), remedy="build the engine where the model will serve")
    command = [_TRTEXEC, f"--onnx={model}", f"--saveEngine={target}", "--fp16", "--skipInference"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=_ENGINE_LIMIT_S)
    if answer.returncode:
        said = [line for line in (answer.stdout + answer.stderr).splitlines() if "[E]" in line]
        why = said[0] if said else f"trtexec ended with {answer.returncode}"
        raise EngineError(f"TensorRT made no engine: {why}", where=str(model))


def missing() -> str:
    """Why no engine can be built on this machine; empty where one can."""
    if not _DRIVER.exists():
        return "no TensorRT engine can be built here: this machine has no NVIDIA GPU, or not its driver"
    if shutil.which(_TRTEXEC) is None:
        return "no TensorRT engine can be built here: TensorRT's `trtexec` is not on PATH"
    return ""


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"a model cannot be exported as ONNX: {error}", remedy='pip install "headrace[tensorrt]"'
        ) from error
