"""Writes a trained network as a model that serves: weights, tokeniser and the graph before it, in one directory."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the operations that the Transform graph names)
import tensorflow_transform as tft

from components.training import network, sequences
from components.transform.config import TransformConfig
from serving import sequence
from serving.manifest import TOKENIZER_FILE, Manifest, ModelFormat

_MODALITIES = ("text", "image", "code")


def export(
    directory: str | os.PathLike[str],
    model: keras.Model,
    *,
    architecture: str,
    transform_graph: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str],
    budget: TransformConfig,
) -> Manifest:
    """Writes a SavedModel with its signatures, its tokeniser and its manifest.

    `serving_default` takes what a client sends, `score_tokens` a sequence of the longest length, as LiteRT wants it, and
    `score_tokens_any_length` one of any, from which shorter graphs are cut (`components.compression.buckets`).

    Args:
        directory: made, must not exist.
        model: trained; see `components.training.network`.
        architecture: its name in the configuration.
        transform_graph: directory of the `TransformGraph` artifact that made its training data.
        tokenizer: the SentencePiece model that is in that graph.
        budget: how much of a sample it sees.
    """
    module = _Served(model, tft.TFTransformOutput(os.fspath(transform_graph)), budget)
    signatures = {"serving_default": module.serve, "score_tokens": module.score_tokens}
    signatures["score_tokens_any_length"] = module.score_tokens_any_length
    tf.saved_model.save(module, os.fspath(directory), signatures=signatures)
    shutil.copyfile(tokenizer, pathlib.Path(directory, TOKENIZER_FILE))
    manifest = Manifest(
        format=ModelFormat.SAVED_MODEL,
        architecture=architecture,
        parameters=model.count_params(),
        text_tokens=budget.text_tokens,
        code_tokens=budget.code_tokens,
        image_size=budget.image_size,
        weights_digest=weights_digest(model),
    )
    manifest.write(directory)
    return manifest


def weights_digest(model: keras.Model) -> str:
    """The canonical digest of a network's weights, hexadecimal: of their shapes and bits, in the network's order.

    Not of their names: Keras counts those on in a process.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(weight.numpy(), np.float32)
        digest.update(str(value.shape).encode() + value.tobytes())
    return digest.hexdigest()


class _Served(tf.Module):
    """What the SavedModel holds."""

    def __init__(self, model: keras.Model, transform: tft.TFTransformOutput, budget: TransformConfig):
        super().__init__()
        # The tf.Variables themselves: a SavedModel keeps what a tf.Module holds, and Keras objects drag in their own.
        self.weights = [variable.value for variable in model.variables]
        self.transform = transform.transform_features_layer()
        texts = [tf.TensorSpec([None], tf.string, name) for name in _MODALITIES]
        size = budget.image_size
        tokens = [
            tf.TensorSpec([1, sequence.length(budget.text_tokens, budget.code_tokens)], tf.int32, "ids"),
            tf.TensorSpec([1, size, size, 3], tf.float32, "image"),
            tf.TensorSpec([1], tf.float32, "has_image"),
        ]

        @tf.function(input_signature=texts)
        def serve(text: tf.Tensor, image: tf.Tensor, code: tf.Tensor) -> dict[str, tf.Tensor]:
            given = zip(_MODALITIES, (text, image, code), strict=True)
            features = self.transform({name: _sparse(value) for name, value in given})
            ids, segments = sequences.layout(
                _ragged(features["text_ids"]),
                _ragged(features["code_ids"]),
                text_tokens=budget.text_tokens,
                code_tokens=budget.code_tokens,
            )
            pixels, has_image = decoded(features["image"], size)
            nll = network.token_nll(model, ids, pixels, has_image)
            return {
                "text_nll": tf.reduce_sum(tf.where(segments == sequence.TEXT_SEGMENT, nll, 0.0), axis=1),
                "code_nll": tf.reduce_sum(tf.where(segments == sequence.CODE_SEGMENT, nll, 0.0), axis=1),
                "text_bytes": features["text_bytes"],
                "code_bytes": features["code_bytes"],
            }

        @tf.function(input_signature=tokens)
        def score_tokens(ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": network.token_nll(model, ids, image, has_image)}

        @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int32, "ids"), *tokens[1:]])
        def score_tokens_any_length(ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": network.token_nll(model, ids, image, has_image)}

        self.serve, self.score_tokens, self.score_tokens_any_length = serve, score_tokens, score_tokens_any_length


def decoded(images: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Transformed images as the network takes them.

    Args:
        images: PNG files of `size` squared or empty strings, string `[batch]`.

    Returns:
        float32 `[batch, size, size, 3]` in 0..1, black where there is none; float32 `[batch]`, 1 where there is one.
    """

    def one(image: tf.Tensor) -> tf.Tensor:
        pixels = tf.cond(
            tf.strings.length(image) > 0,
            lambda: tf.io.decode_png(image, channels=3),
            lambda: tf.zeros([size, size, 3], tf.uint8),
        )
        return tf.ensure_shape(pixels, [size, size, 3])

    pixels = tf.map_fn(one, images, fn_output_signature=tf.TensorSpec([size, size, 3], tf.uint8))
    return tf.cast(pixels, tf.float32) / 255, tf.cast(tf.strings.length(images) > 0, tf.float32)


def _sparse(values: tf.Tensor) -> tf.SparseTensor:
    """What a parsed example holds: nothing where the string is empty."""
    return tf.sparse.from_dense(values[:, None])


def _ragged(ids: tf.SparseTensor) -> tf.RaggedTensor:
    return tf.cast(tf.RaggedTensor.from_sparse(ids), tf.int32)
