"""Raw features to what the model reads, as a TensorFlow graph: the same in Transform, in training and in serving."""

from __future__ import annotations

import pathlib
from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text
import tensorflow_transform as tft

from components.transform.config import TransformConfig
from schemas.config import from_json
from serving import sequence


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """What tf.Transform calls.

    Args:
        inputs: `text`, `image` and `code` as sparse strings, at most one a sample; `sample_id`, string `[batch, 1]`.
        custom_config: `config`, a TransformConfig as JSON, and `tokenizer`, the path of a SentencePiece model.

    Returns:
        `text_ids` and `code_ids`, ragged token ids as sparse int64, cut to their budgets; `text_bytes` and
        `code_bytes`, int64 `[batch]`, the UTF-8 bytes that those stand for; `image`, string `[batch]`, a PNG of
        `image_size` squared, empty where there is none; `sample_id`, string `[batch]`.
    """
    config = from_json(TransformConfig, custom_config["config"])
    model = pathlib.Path(custom_config["tokenizer"]).read_bytes()
    tokenizer = tft.make_and_track_object(lambda: tf_text.SentencepieceTokenizer(model=model), name="tokenizer")
    outputs = {"sample_id": tf.reshape(inputs["sample_id"], [-1])}
    for name, limit in (("text", config.text_tokens), ("code", config.code_tokens)):
        ids, size = tokens(tokenizer, dense(inputs[name]), limit)
        outputs[f"{name}_ids"], outputs[f"{name}_bytes"] = tf.cast(ids, tf.int64).to_sparse(), size
    outputs["image"] = tf.map_fn(lambda encoded: small_png(encoded, config.image_size), dense(inputs["image"]))
    return outputs


def dense(values: tf.SparseTensor) -> tf.Tensor:
    """At most one string a sample as string `[batch]`, empty where there is none."""
    shape = tf.stack([values.dense_shape[0], tf.constant(1, tf.int64)])
    column = tf.sparse.to_dense(tf.SparseTensor(values.indices, values.values, shape), default_value="")
    return tf.reshape(column, [-1])


def tokens(tokenizer: Any, strings: tf.Tensor, limit: int) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The first tokens of strings; equals `serving.tokens.Tokenizer.encode`.

    Args:
        tokenizer: a `tf_text.SentencepieceTokenizer`.
        strings: string `[batch]`.
        limit: most tokens to keep of each.

    Returns:
        int32 ragged `[batch, (tokens)]`, and int64 `[batch]`, the UTF-8 bytes that they stand for.
    """
    beginning = tf.strings.substr(strings, 0, sequence.CHARACTERS_PER_TOKEN * limit, unit="UTF8_CHAR")
    ids, _, ends = tokenizer.tokenize_with_offsets(beginning)
    last = tf.reduce_max(ends[:, :limit], axis=1)
    return ids[:, :limit], tf.cast(tf.maximum(last, 0), tf.int64)  # the maximum of nothing is below zero


def small_png(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """A PNG, string `[]`, as one of `size` squared, transparency on white; an empty string stays empty."""

    def scaled() -> tf.Tensor:
        rgba = tf.cast(tf.io.decode_png(encoded, channels=4), tf.float32)
        alpha = rgba[..., 3:] / 255
        flat = tf.round(rgba[..., :3] * alpha + 255 * (1 - alpha))
        resized = tf.image.resize(flat, [size, size], method="bilinear", antialias=True)
        return tf.io.encode_png(tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8))

    return tf.cond(tf.equal(encoded, ""), lambda: tf.constant(""), scaled)
