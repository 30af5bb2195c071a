"""Signatures for short sequences, so that a short request does not cost as much as the longest.

LiteRT runs graphs of static shapes fastest, and its converter cannot make this network's loss of dynamic ones. So each
bucket is a signature of its own over the same weights. The SavedModel must have the signature `ANY_LENGTH`, which is
`score_tokens` of sequences of any length; one of a network that takes the longest alone does not.
"""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from components.compression.convert import ConversionError
from serving.litert import SIGNATURE

ANY_LENGTH = "score_tokens_any_length"


def lengths(longest: int, fractions: Sequence[float]) -> tuple[int, ...]:
    """Tokens of the buckets beside the longest, rounded up, the longest of them first."""
    return tuple(sorted({math.ceil(fraction * longest) for fraction in fractions} - {longest}, reverse=True))


def write(saved_model: pathlib.Path, directory: str | os.PathLike[str], buckets: Sequence[int]) -> tuple[str, ...]:
    """Writes a SavedModel with `score_tokens` and a signature for each bucket.

    Args:
        saved_model: has `score_tokens` and `ANY_LENGTH`.
        directory: where to.

    Returns:
        The signatures' names, `score_tokens` first.

    Raises:
        ConversionError: it lacks `ANY_LENGTH`.
    """
    loaded = tf.saved_model.load(str(saved_model))
    if ANY_LENGTH not in loaded.signatures:
        raise ConversionError(
            f"the model has no signature {ANY_LENGTH}: it takes sequences of one length alone",
            where="compression.buckets",
            remedy="leave it empty",
        )
    module = tf.Module()
    module.loaded = loaded
    signatures = {SIGNATURE: _whole(loaded.signatures[SIGNATURE])}
    for bucket in buckets:
        signatures[f"{SIGNATURE}_{bucket}"] = _cut(loaded.signatures[ANY_LENGTH], bucket)
    module.functions = list(signatures.values())
    tf.saved_model.save(module, os.fspath(directory), signatures=signatures)
    return tuple(signatures)


def _whole(signature: Any) -> Any:
    return _cut(signature, signature.structured_input_signature[1]["ids"].shape[1])


def _cut(signature: Any, tokens: int) -> Any:
    _, given = signature.structured_input_signature
    shapes = {name: [1, tokens] if name == "ids" else spec.shape for name, spec in given.items()}
    specs = {name: tf.TensorSpec(shapes[name], spec.dtype, name) for name, spec in sorted(given.items())}

    @tf.function
    def score(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        answer: dict[str, tf.Tensor] = signature(**features)
        return answer

    return score.get_concrete_function(**specs)
