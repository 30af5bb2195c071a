"""The same variations of images inside of TensorFlow: in `tf.data`, or in a training step."""

from __future__ import annotations

import tensorflow as tf

from components.augmentation.image import amounts
from components.augmentation.image.amounts import Amounts
from components.augmentation.image.config import ImageAugmentation


def vary(images: tf.Tensor, keys: tf.Tensor, flip: tf.Tensor, config: ImageAugmentation) -> tf.Tensor:
    """Varied copies of images. A copy depends on its image and its key alone, not on the batch it comes in.

    Made of operations of TensorFlow alone; the one that samples (`ImageProjectiveTransformV3`) has no XLA kernel. In one
    graph a copy is always the same; between graphs, which TensorFlow rewrites, colours may differ by 1.

    Args:
        images: uint8 `[batch, height, width, 3]`.
        keys: int64 `[batch, 3]`: the seed, the sample, and the epoch or the step.
        flip: bool `[batch]`, whether an image may be mirrored, see `varying.may_be_flipped`.
        config: the most that each change may be.

    Returns:
        uint8 `[batch, height, width, 3]`.
    """
    return changed(images, drawn(keys, flip, config))


def drawn(keys: tf.Tensor, flip: tf.Tensor, config: ImageAugmentation) -> Amounts:
    """Random amounts, float32 `[batch]` each.

    Args:
        keys: int64 `[batch, 3]`.
        flip: bool `[batch]`.
        config: the most that each change may be.
    """
    uniform = tf.map_fn(_uniform, keys, fn_output_signature=tf.TensorSpec((amounts.DRAWN,), tf.float32))
    flips = tf.cast(flip & (uniform[:, amounts.FLIP] < config.flip), tf.float32)
    return amounts.amounts(tf.unstack(uniform, axis=1), flips, config)


def changed(images: tf.Tensor, of: Amounts) -> tf.Tensor:
    """Images changed by these amounts.

    Args:
        images: uint8 `[batch, height, width, 3]`.
        of: float32 `[batch]` each.

    Returns:
        uint8 `[batch, height, width, 3]`.
    """
    shape = tf.shape(images)
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    a, b, c, d, e, f = amounts.places(of, width, height, tf.cos, tf.sin)
    # The operation counts places from the middle of the first pixel.
    right, down = (a + b) / 2 + c - 0.5, (d + e) / 2 + f - 0.5
    nothing = tf.zeros_like(a)
    varied = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack([a, b, right, d, e, down, nothing, nothing], axis=1),
        output_shape=shape[1:3],
        fill_value=float(amounts.WHITE),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    mean = tf.reduce_sum(tf.reduce_mean(varied, axis=(1, 2)) * tf.constant(amounts.LUMINANCE), axis=1)
    matrix, added = amounts.colours(of, mean, tf.cos, tf.sin)
    turned = tf.reshape(tf.stack(matrix, axis=1), (-1, 3, 3))
    recoloured = tf.einsum("byxc,bdc->byxd", varied, turned) + added[:, None, None, None]
    return tf.ensure_shape(tf.saturate_cast(tf.round(recoloured), tf.uint8), images.shape)


def _uniform(key: tf.Tensor) -> tf.Tensor:
    """float32 `[amounts.DRAWN]` from an int64 key `[3]`: the first two seed a number that the third is seeded with."""
    inner = tf.random.stateless_uniform((), key[:2], minval=None, maxval=None, dtype=tf.int64)
    return tf.random.stateless_uniform((amounts.DRAWN,), tf.stack([inner, key[2]]))
