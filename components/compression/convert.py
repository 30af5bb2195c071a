"""Turns a SavedModel into a LiteRT model, and that into a smaller one. To be used in a process of its own, since
TensorFlow's converter may abort the one it runs in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import pathlib
import re
import shutil
from collections.abc import Sequence

import numpy.typing  # noqa: F401  (ai_edge_quantizer uses it without importing it)
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations, which the SavedModel names)
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import quantizer

from components.compression import variants
from components.compression.representative import Ranges
from schemas.errors import HeadraceError
from serving.litert import SIGNATURE
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest, ModelFormat

_UNKNOWN = re.compile(r"^(?:Custom|TF Select) ops: (.+)$", re.MULTILINE)


class ConversionError(HeadraceError):
    """The model has an operation that LiteRT does not know, or the variant does not fit it."""


def to_litert(saved_model: pathlib.Path, *, signatures: Sequence[str] = (SIGNATURE,)) -> bytes:
    """The float32 LiteRT model of a SavedModel's `score_tokens`, of LiteRT's own operations alone.

    Args:
        signatures: to take over.

    Raises:
        ConversionError: it would need others (TensorFlow's, called flex operations); names them.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=list(signatures))
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


def quantize(
    float_model: bytes, name: str, *, ranges: Ranges | None = None, without: Sequence[variants.Unit] = ()
) -> bytes:
    """A LiteRT model, compressed.

    Args:
        name: the variant.
        ranges: of activations; a static variant needs them, of the tensors of `with_unique_names(float_model)`.
        without: what stays in float.

    Raises:
        ConversionError: it cannot be done.
    """
    return apply(with_unique_names(float_model), variants.recipe(name, without=without), name, ranges)


def apply(unique: bytes, recipe: list[dict], name: str, ranges: Ranges | None = None) -> bytes:
    """A LiteRT model whose tensors have names of their own, compressed by a recipe of the quantizer's.

    Raises:
        ConversionError: it cannot be done.
    """
    work = quantizer.Quantizer(bytearray(unique))
    work.load_quantization_recipe(recipe)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a progress bar that it draws in any case
            result = work.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    except Exception as error:  # it raises ValueError, RuntimeError, KeyError and others, all for what it cannot do
        why = str(error).strip() or type(error).__name__
        raise ConversionError(f"the variant {name} does not fit this model: {why}") from error
    if result.quantized_model is None:
        raise ConversionError(f"the variant {name} fits nothing in this model")
    return bytes(result.quantized_model)


def with_unique_names(model: bytes) -> bytes:
    """The model with each tensor called otherwise: the quantizer knows them by name, and loops repeat names."""
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    names: set[bytes] = set()
    for number, graph in enumerate(unpacked.subgraphs):
        for place, tensor in enumerate(graph.tensors):
            if tensor.name in names:
                tensor.name += f"/{number}.{place}".encode()
            names.add(tensor.name)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(unpacked))


def write(
    directory: pathlib.Path, source: pathlib.Path, model: bytes, manifest: Manifest, *, quantization: str
) -> pathlib.Path:
    """Writes a LiteRT model with the tokeniser and the manifest of the SavedModel that it was made of; where to."""
    (directory / LITERT_FILE).write_bytes(model)
    shutil.copyfile(source / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    dataclasses.replace(manifest, format=ModelFormat.LITERT, quantization=quantization).write(directory)
    return directory
