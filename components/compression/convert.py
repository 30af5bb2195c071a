"""Turns a SavedModel into a compressed LiteRT model and measures it. Runs as a process of its own, since TensorFlow's
converter may abort the one it runs in:

    python -m components.compression.convert JOB.json
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import pathlib
import re
import shutil
import tempfile
from typing import Any

import numpy.typing  # noqa: F401  (ai_edge_quantizer uses it without importing it)
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations, which the SavedModel names)
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import quantizer, recipe

from components import process
from components.compression import measure
from components.compression.config import CompressionConfig
from components.compression.job import Job
from components.compression.report import Report
from components.evaluation import held_out
from schemas import progress
from schemas.config import from_json
from schemas.errors import HeadraceError
from serving.litert import SIGNATURE
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest, ModelFormat

NODE = "Compress"

_UNKNOWN = re.compile(r"^(?:Custom|TF Select) ops: (.+)$", re.MULTILINE)


class ConversionError(HeadraceError):
    """The model has an operation that LiteRT does not know, or the recipe does not fit it."""


def compress(job: Job) -> None:
    """Writes the compressed model and its report.

    Raises:
        ConversionError: LiteRT cannot hold this model.
        SourceError: there is no held-out sample to measure with.
    """
    config = from_json(CompressionConfig, job.config)
    source, target = pathlib.Path(job.source), pathlib.Path(job.target)
    manifest = Manifest.read(source)
    samples = held_out.read(job.samples, "eval", config.loss_samples)
    progress.start(NODE, "converting", total=2, unit="models")
    float_model = to_litert(source)
    progress.advance(NODE)
    compressed = quantize(float_model, config.recipe)
    progress.advance(NODE)
    with tempfile.TemporaryDirectory() as aside:
        beside = write(pathlib.Path(aside), source, float_model, manifest, quantization="none")
        write(target, source, compressed, manifest, quantization=config.recipe)
        Report(
            recipe=config.recipe,
            size=measure.sizes(source, beside, target),
            latency=measure.latency(beside, target, samples, runs=config.latency_runs, node=NODE),
            loss=measure.loss(beside, target, samples, threads=config.threads, node=NODE),
        ).write(job.report)


def to_litert(saved_model: pathlib.Path) -> bytes:
    """The float32 LiteRT model of a SavedModel's `score_tokens`."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SIGNATURE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter's own error types are private
        unknown = _UNKNOWN.search(str(error))
        why = f"it has no operation {unknown[1]}" if unknown else str(error)
        raise ConversionError(
            f"LiteRT cannot hold this model: {why}",
            where=str(saved_model),
            remedy="have the network compute it with operations that LiteRT knows",
        ) from error


def quantize(float_model: bytes, name: str) -> bytes:
    """A LiteRT model compressed by one of the quantizer's recipes."""
    work = quantizer.Quantizer(_with_unique_names(float_model))
    work.load_quantization_recipe(getattr(recipe, name)())
    with contextlib.redirect_stdout(io.StringIO()):
        compressed = work.quantize().quantized_model
    if compressed is None:
        raise ConversionError(f"the recipe {name} fits nothing in this model")
    return bytes(compressed)


def _with_unique_names(model: bytes) -> bytearray:
    """The model with each tensor called otherwise: the quantizer knows them by name, and loops repeat names."""
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    names: set[bytes] = set()
    for number, graph in enumerate(unpacked.subgraphs):
        for place, tensor in enumerate(graph.tensors):
            if tensor.name in names:
                tensor.name += f"/{number}.{place}".encode()
            names.add(tensor.name)
    return bytearray(flatbuffer_utils.convert_object_to_bytearray(unpacked))


def write(
    directory: pathlib.Path, source: pathlib.Path, model: bytes, manifest: Manifest, *, quantization: str
) -> pathlib.Path:
    """Writes a LiteRT model with the tokeniser and the manifest of the SavedModel that it was made of; where to."""
    (directory / LITERT_FILE).write_bytes(model)
    shutil.copyfile(source / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    dataclasses.replace(manifest, format=ModelFormat.LITERT, quantization=quantization).write(directory)
    return directory


def _main(job: dict[str, Any]) -> None:
    compress(Job(**job))


if __name__ == "__main__":
    process.main(_main)
