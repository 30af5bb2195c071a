"""What the model reads of an example: the `preprocessing_fn` of Transform.

It runs as one TensorFlow graph, over all examples before training and inside the exported model when it serves, so that
the two cannot differ. The tokeniser is in the graph. What is absent comes and goes as an empty string.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_text

from serving import sequence

TOKENIZER = "tokenizer"
"""Key of the tokeniser's path in `custom_config`, which else holds a `TransformConfig`'s fields."""

_ABOUT_CHARACTERS = 200


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Tokenises text and code, and scales the image.

    Args:
        inputs: `text`, `image` (a PNG) and `code`, sparse strings with at most one value a row; `sample_id`, `weight`
            and `attributes`, which serving does without; others are ignored.
        custom_config: the fields of `components.transform.config.TransformConfig`, and `tokenizer`: the path of a
            SentencePiece model.

    Returns:
        `text_ids`, `code_ids`: sparse int64, cut to their budgets. `text_bytes`, `code_bytes`: int64 `[batch]`, the
        UTF-8 bytes which those tokens stand for. `image`: string `[batch]`, a PNG of `image_size` squared, RGB, over
        white, or `''`. `sample_id`: string `[batch]`. `weight`: float32 `[batch]`.
        `about`: string `[batch]`, its attributes and the beginning of its text, which say what the image shows.
    """
    with tf.io.gfile.GFile(custom_config[TOKENIZER], "rb") as file:
        tokenizer = tensorflow_text.SentencepieceTokenizer(file.read())
    outputs = {name: tf.squeeze(inputs[name], axis=1) for name in ("sample_id", "weight")}
    beginning = tf.strings.substr(_dense(inputs["text"]), 0, _ABOUT_CHARACTERS, unit="UTF8_CHAR")
    outputs["about"] = beginning
    if "attributes" in inputs:  # data without any have no such feature
        said = tf.strings.reduce_join(tf.sparse.to_dense(inputs["attributes"], ""), axis=1, separator=" ")
        outputs["about"] = tf.strings.join([said, beginning], " ")
    outputs["image"] = scaled(_dense(inputs["image"]), custom_config["image_size"])
    for name in ("text", "code"):
        ids, size = tokens(tokenizer, _dense(inputs[name]), custom_config[f"{name}_tokens"])
        outputs[f"{name}_ids"] = tf.cast(ids, tf.int64).to_sparse()
        outputs[f"{name}_bytes"] = size
    return outputs


def tokens(
    tokenizer: tensorflow_text.SentencepieceTokenizer, text: tf.Tensor, limit: int
) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The first tokens of texts, as `serving.tokens` gives them outside a graph.

    Args:
        text: string `[batch]`.
        limit: most tokens to keep.

    Returns:
        int32 `[batch, ragged]`, and the bytes they stand for, int64 `[batch]`.
    """
    beginning = tf.strings.substr(text, 0, sequence.CHARACTERS_PER_TOKEN * limit, unit="UTF8_CHAR")
    ids, _, ends = tokenizer.tokenize_with_offsets(beginning)
    # Nothing gives the smallest integer, which is no length.
    return ids[:, :limit], tf.maximum(tf.reduce_max(tf.cast(ends[:, :limit], tf.int64), axis=1), 0)


def scaled(images: tf.Tensor, size: int) -> tf.Tensor:
    """Images at the size that the model sees, as `serving.images` gives them outside a graph.

    Args:
        images: PNG files or empty strings, string `[batch]`.
        size: pixels a side.

    Returns:
        PNG files without alpha, or empty strings, string `[batch]`.
    """

    def one(image: tf.Tensor) -> tf.Tensor:
        return tf.cond(tf.strings.length(image) > 0, lambda: tf.io.encode_png(_scale(image, size)), lambda: image)

    return tf.map_fn(one, images, fn_output_signature=tf.string)


def _scale(image: tf.Tensor, size: int) -> tf.Tensor:
    rgba = tf.cast(tf.io.decode_png(image, channels=4), tf.float32)
    alpha = rgba[..., 3:] / 255
    over_white = tf.round(rgba[..., :3] * alpha + 255 * (1 - alpha))
    small = tf.image.resize(over_white, [size, size], method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(small), 0, 255), tf.uint8)


def _dense(values: tf.SparseTensor) -> tf.Tensor:
    """At most one string a row, `''` where there is none: `[batch]`."""
    rows = values.dense_shape[0]
    return tf.sparse.to_dense(tf.SparseTensor(values.indices, values.values, tf.stack([rows, 1])), "")[:, 0]
