"""The trained model as a SavedModel: raw samples in, their likelihood out, the tokeniser in its graph."""

from __future__ import annotations

import hashlib
import pathlib
import shutil

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.training.gpt import Gpt
from components.transform.config import TransformConfig
from serving import sequence
from serving.manifest import TOKENIZER_FILE, Manifest, ModelFormat


def weights_digest(model: Gpt) -> str:
    """The canonical digest of a model's weights: their names, shapes and values."""
    digest = hashlib.sha256()
    for weight in sorted(model.trainable_variables, key=lambda weight: weight.path):
        value = np.asarray(tf.convert_to_tensor(weight).numpy(), "<f4")
        digest.update(f"{weight.path}{value.shape}".encode() + value.tobytes())
    return digest.hexdigest()


def export(
    model: Gpt, directory: pathlib.Path, *, transform_graph: str, tokenizer: pathlib.Path, budgets: TransformConfig
) -> None:
    """Writes SavedModel, tokeniser and manifest.

    Signatures:
        serving_default: `text`, `image`, `code` string `[batch]`, empty where absent -> `text_nll`, `code_nll` float32
            `[batch]`, nats; `text_bytes`, `code_bytes` int64 `[batch]`.
        score_tokens: `ids` int32 `[1, seq]`, `image` float32 `[1, size, size, 3]` in 0..1, `has_image` float32 `[1]`
            -> `nll` float32 `[1, seq]`.

    Args:
        model: whose weights.
        directory: made here.
        transform_graph: Transform's output.
        tokenizer: the SentencePiece model in that graph.
        budgets: how much of a sample the model sees.
    """
    length = sequence.length(budgets.text_tokens, budgets.code_tokens)
    size = budgets.image_size
    module = tf.Module()
    module.model = model
    module.transform = tft.TFTransformOutput(transform_graph).transform_features_layer()
    strings = tf.TensorSpec([None], tf.string)

    @tf.function(input_signature=[strings, strings, strings])
    def serving_default(text, image, code):  # type: ignore[no-untyped-def]
        columns = {"text": text, "image": image, "code": code}
        raw = {name: tf.sparse.from_dense(column[:, None]) for name, column in columns.items()}
        raw["sample_id"] = tf.fill([tf.shape(text)[0], 1], "")
        transformed = module.transform(raw)
        ids, segments = _layout(transformed["text_ids"], transformed["code_ids"], budgets)
        png = tf.reshape(transformed["image"], [-1])
        pixels = tf.map_fn(lambda one: _pixels(one, size), png, fn_output_signature=tf.float32)
        nll = model.token_nll(ids, pixels, tf.cast(png != "", tf.float32))
        answer = {}
        for name, segment in (("text", sequence.TEXT_SEGMENT), ("code", sequence.CODE_SEGMENT)):
            answer[f"{name}_nll"] = tf.reduce_sum(tf.where(segments == segment, nll, 0.0), axis=1)
            answer[f"{name}_bytes"] = tf.reshape(transformed[f"{name}_bytes"], [-1])
        return answer

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, length], tf.int32, name="ids"),
            tf.TensorSpec([1, size, size, 3], tf.float32, name="image"),
            tf.TensorSpec([1], tf.float32, name="has_image"),
        ]
    )
    def score_tokens(ids, image, has_image):  # type: ignore[no-untyped-def]
        return {"nll": model.token_nll(ids, image, has_image)}

    directory.mkdir(parents=True)
    signatures = {"serving_default": serving_default, "score_tokens": score_tokens}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    shutil.copyfile(tokenizer, directory / TOKENIZER_FILE)
    Manifest(
        format=ModelFormat.SAVED_MODEL,
        architecture="gpt",
        parameters=model.count_params(),
        text_tokens=budgets.text_tokens,
        code_tokens=budgets.code_tokens,
        image_size=size,
        weights_digest=weights_digest(model),
    ).write(directory)


def _layout(text, code, budgets: TransformConfig):  # type: ignore[no-untyped-def]
    """`serving.sequence.layout` in a graph: ids and segments, int32 `[batch, seq]`."""
    text, code = (tf.cast(tf.RaggedTensor.from_sparse(part), tf.int32) for part in (text, code))
    rows = text.nrows()

    def constant(value: int) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_tensor(tf.fill([rows, 1], value))

    shape = [None, sequence.length(budgets.text_tokens, budgets.code_tokens)]
    ids = tf.concat([constant(sequence.BOS), text, constant(sequence.CODE), code, constant(sequence.EOS)], axis=1)
    none = constant(sequence.NONE_SEGMENT)
    of_text, of_code = tf.ones_like(text) * sequence.TEXT_SEGMENT, tf.ones_like(code) * sequence.CODE_SEGMENT
    segments = tf.concat([none, of_text, none, of_code, none], axis=1)
    return ids.to_tensor(sequence.PAD, shape), segments.to_tensor(sequence.NONE_SEGMENT, shape)


def _pixels(png: tf.Tensor, size: int) -> tf.Tensor:
    def decoded() -> tf.Tensor:
        return tf.ensure_shape(tf.cast(tf.io.decode_png(png, channels=3), tf.float32) / 255.0, [size, size, 3])

    return tf.cond(png != "", decoded, lambda: tf.zeros([size, size, 3]))
