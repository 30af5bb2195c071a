"""`serving.sequence.layout` for a whole batch inside a TensorFlow graph."""

from __future__ import annotations

import tensorflow as tf

from serving import sequence


def layout(
    text: tf.RaggedTensor, code: tf.RaggedTensor, *, text_tokens: int, code_tokens: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch's sequences.

    Args:
        text: token ids of the texts, int32 `[batch, ragged]`; the rest beyond `text_tokens` is cut.
        code: token ids of the codes, int32 `[batch, ragged]`; the rest beyond `code_tokens` is cut.

    Returns:
        `ids` and `segments`, int32 `[batch, text_tokens + code_tokens + 3]`, as `serving.sequence.layout` makes them.
    """
    text, code = text[:, :text_tokens], code[:, :code_tokens]
    column = tf.ones([text.nrows(), 1], tf.int32)
    ids = [sequence.BOS * column, text, sequence.CODE * column, code, sequence.EOS * column]
    segments = [
        sequence.NONE_SEGMENT * column,
        tf.ones_like(text) * sequence.TEXT_SEGMENT,
        sequence.NONE_SEGMENT * column,
        tf.ones_like(code) * sequence.CODE_SEGMENT,
        sequence.NONE_SEGMENT * column,
    ]
    shape = [None, sequence.length(text_tokens, code_tokens)]
    return (
        tf.concat(ids, axis=1).to_tensor(sequence.PAD, shape=shape),
        tf.concat(segments, axis=1).to_tensor(sequence.NONE_SEGMENT, shape=shape),
    )
