"""The architecture `gpt`: a compact decoder that reads images, text and code.

What it is. A pre-norm transformer decoder (Radford et al. 2019) over one sequence: the patches of the image, then
`BOS text CODE code EOS` as `serving.sequence` lays it out. It gives each token a probability given the tokens before it
and the image; it is trained and judged by that, and generates nothing by itself.

How it is built.
* An image is cut into squares of `patch_size` and each is projected linearly, plus a learnt position (Dosovitskiy et
  al. 2021). Patches see each other; tokens see all patches and the tokens before them. Where there is no image, learnt
  vectors stand in the patches' places, so that the shape of the graph never depends on the data.
* A token is embedded, the embedding of the token before it is mixed in by a matrix (a causal convolution of width two,
  as in So et al. 2021), and a learnt position is added. The mixing gives the first layer the pair of tokens that it
  would otherwise have to find by attention, which on small data is most of what there is to learn.
* Blocks: causal multi-head attention, then a feed-forward network, four times the width unless told otherwise, with
  squared ReLU (So et al. 2021). No biases in attention. Queries are scaled before the product and masked by selection: the
  other order is fused by TensorFlow on CPU into a kernel eight times slower.
* The head is the embedding matrix transposed.
* Dropout depends on seed, step, sample, block and place alone, so that a step is the same however its samples are spread
  over devices. Its bits are those of MurmurHash3's finaliser (Appleby 2011) over a counter.
* Several samples may share a row (`components.training.packing`): each sees itself alone.

What it is good for. Comparing samples by how well they are predicted; a smoke test for everything around a model. What
it is not good for. Writing text, or anything about data unlike its training set: with the default configuration it has
1.1 million weights and sees each sample a few times.
"""

from __future__ import annotations

import functools
import math

import keras
import tensorflow as tf

from components.training.config import GptConfig
from components.training.network import Features
from components.training.operations import LayerNorm, masked_softmax, squared_relu

_EPSILON = 1e-5
_EMBEDDING_STDDEV = 0.05
_POSITION_STDDEV = 0.02


class Gpt(keras.Model):
    """The network.

    Args:
        config: its size.
        vocabulary: number of token ids.
        tokens: longest sequence of tokens.
        image_size: images are `[image_size, image_size, 3]`.
        recompute: compute what is inside a block anew for its gradient instead of keeping it.

    Raises:
        ValueError: the patch size does not divide the image size.
    """

    tables = ("embedding", "position", "patch_position", "absent")
    """Weights whose rows are looked up and not multiplied, which weight decay spares."""

    tied = ("embedding",)
    """Of these, those that are multiplied as well: it is the head."""

    packs = True
    """It takes rows of several samples."""

    def __init__(self, config: GptConfig, *, vocabulary: int, tokens: int, image_size: int, recompute: bool = False):
        super().__init__(name="gpt")
        if image_size % config.patch_size:
            raise ValueError(f"patch_size {config.patch_size} does not divide image_size {image_size}")
        self.patches = (image_size // config.patch_size) ** 2
        """Positions that the image of a sample takes, before its tokens."""
        self._recompute = recompute
        width = config.width
        self.embedding = self.add_weight(
            name="embedding", shape=(vocabulary, width), initializer=_normal(_EMBEDDING_STDDEV)
        )
        self.position = self.add_weight(name="position", shape=(tokens, width), initializer=_normal(_POSITION_STDDEV))
        self.patch_position = self.add_weight(
            name="patch_position", shape=(self.patches, width), initializer=_normal(_POSITION_STDDEV)
        )
        self.absent = self.add_weight(name="absent", shape=(self.patches, width), initializer=_normal(_POSITION_STDDEV))
        self.patch = keras.layers.Conv2D(width, config.patch_size, strides=config.patch_size, name="patch")
        self.previous = _dense(width, fan_in=width, name="previous")
        self.blocks = [Block(config, number=i, name=f"block_{i}") for i in range(config.depth)]
        self.norm = LayerNorm(epsilon=_EPSILON, name="norm")
        self.patch.build((None, image_size, image_size, 3))
        self.previous.build((None, None, width))
        for block in self.blocks:
            block.build((None, None, width))
        self.norm.build((None, None, width))
        self.built = True

    @property
    def output_embedding(self) -> keras.Variable:
        """What the last hidden states are multiplied by, transposed: the embedding."""
        return self.embedding

    def call(self, features: Features, training: bool = False, hidden: bool = False) -> tf.Tensor:
        """Logits of the next token, or the hidden states that they are made of; see `components.training.network`.

        Returns:
            float `[rows, positions, vocabulary or width]`; of a plain row's tokens, or of all positions of a packed one.
        """
        packed = "documents" in features
        states, visible = self._packed(features, training) if packed else self._plain(features, training)
        noise = features.get("noise") if training else None
        for block in self.blocks:
            # The mask and the noise are no arguments: they are not learnt, and need no gradient.
            step = functools.partial(block.__call__, visible=visible, noise=noise)
            states = tf.recompute_grad(step)(states) if self._recompute and training else step(states)
        states = self.norm(states if packed else states[:, self.patches :])
        if hidden:
            return states
        # As one product of two matrices, which converters know as a fully connected layer and can quantise.
        vocabulary, width = self.output_embedding.shape
        flat = tf.matmul(tf.reshape(states, [-1, width]), tf.convert_to_tensor(self.output_embedding), transpose_b=True)
        return tf.reshape(flat, tf.concat([tf.shape(states)[:-1], [vocabulary]], axis=0))

    def _plain(self, features: Features, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Hidden states `[rows, patches + tokens, width]` and who sees whom, bool `[positions, positions]`."""
        ids = features["ids"]
        patches = self._patches(features["image"], features["has_image"])
        tokens = self._embedded(ids, training)
        tokens = tokens + self.previous(_before(tokens)) + self.position[: tf.shape(ids)[1]]
        hidden = tf.concat([patches, tokens], axis=1)
        place = tf.range(tf.shape(hidden)[1])
        return hidden, _visible(
            place[:, None], place[None, :], place[:, None] < self.patches, place[None, :] < self.patches
        )

    def _packed(self, features: Features, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Hidden states `[rows, positions, width]` and who sees whom, bool `[rows, 1, positions, positions]`."""
        ids, documents, places, sources = (features[name] for name in ("ids", "documents", "places", "patches"))
        images = features["image"]
        rows, width = tf.shape(ids)[0], self.embedding.shape[1]
        pixels = tf.reshape(images, tf.concat([[-1], tf.shape(images)[2:]], axis=0))
        patches = self._patches(pixels, tf.reshape(features["has_image"], [-1]))
        patches = tf.reshape(patches, [rows, -1, width])
        tokens = self._embedded(ids, training)
        before = tf.where(places[:, :, None] > 0, _before(tokens), tf.zeros([], tokens.dtype))
        position = tf.gather(tf.convert_to_tensor(self.position), places)
        is_patch = sources > 0
        hidden = tf.where(
            is_patch[:, :, None],
            tf.gather(patches, tf.maximum(sources - 1, 0), batch_dims=1),
            tokens + self.previous(before) + position,
        )
        place = tf.range(tf.shape(ids)[1])
        visible = _visible(place[:, None], place[None, :], is_patch[:, :, None], is_patch[:, None, :])
        return hidden, (visible & (documents[:, :, None] == documents[:, None, :]))[:, None]

    def _patches(self, image: tf.Tensor, has_image: tf.Tensor) -> tf.Tensor:
        """`[images, patches, width]`."""
        found = tf.reshape(self.patch(image * 2 - 1), [-1, self.patches, self.embedding.shape[1]]) + self.patch_position
        return tf.where(has_image[:, None, None] > 0.5, found, self.absent[None])

    def _embedded(self, ids: tf.Tensor, training: bool) -> tf.Tensor:
        look_up = tf.gather if training else _look_up  # XLA crashes on the gradient of the latter
        found = look_up(tf.convert_to_tensor(self.embedding), tf.reshape(ids, [-1]))
        return tf.reshape(found, tf.concat([tf.shape(ids), [self.embedding.shape[1]]], axis=0))


class Block(keras.layers.Layer):
    """Attention and feed-forward network, each around a residual path that starts with a norm.

    Args:
        config: the network's size.
        number: its place in the network, from 0.
    """

    def __init__(self, config: GptConfig, *, number: int, name: str):
        super().__init__(name=name)
        width, inner = config.width, config.feed_forward or 4 * config.width
        self.heads, self.dropout, self.number = config.heads, config.dropout, number
        residual = 1 / math.sqrt(2 * config.depth)  # keeps the variance of the residual path (Radford et al. 2019)
        self.attention_norm = LayerNorm(epsilon=_EPSILON, name="attention_norm")
        self.query_key_value = _dense(3 * width, fan_in=width, name="query_key_value")
        self.project = _dense(width, fan_in=width, scale=residual, name="project")
        self.feed_norm = LayerNorm(epsilon=_EPSILON, name="feed_norm")
        self.expand = _dense(inner, fan_in=width, use_bias=True, name="expand")
        self.contract = _dense(width, fan_in=inner, scale=residual, use_bias=True, name="contract")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the weights; `shape` is `[rows, positions, width]`."""
        for layer in (self.attention_norm, self.query_key_value, self.project, self.feed_norm, self.expand):
            layer.build(shape)
        self.contract.build((*shape[:-1], self.expand.units))
        self.built = True

    def call(self, hidden: tf.Tensor, visible: tf.Tensor, noise: tf.Tensor | None = None) -> tf.Tensor:
        """One step deeper.

        Args:
            hidden: float `[rows, positions, width]`.
            visible: bool, broadcast to `[rows, heads, positions, positions]`: whether the query in a row may look at the
                key in a column.
            noise: int32 `[rows]`, of the dropout; None outside training.
        """
        # As rows of positions: only of products of two matrices does TensorFlow make one operation with what follows them.
        shape, width = tf.shape(hidden), hidden.shape[-1]
        flat = tf.reshape(hidden, [-1, width])
        mixed = self._attend(self.query_key_value(self.attention_norm(flat)), shape[1], visible)
        flat = flat + self._drop(self.project(mixed), shape, noise, 2 * self.number)
        inner = squared_relu(self.expand(self.feed_norm(flat)))
        flat = flat + self._drop(self.contract(inner), shape, noise, 2 * self.number + 1)
        return tf.reshape(flat, shape)

    def _attend(self, query_key_value: tf.Tensor, length: tf.Tensor, visible: tf.Tensor) -> tf.Tensor:
        """`[rows * positions, width]` of `[rows * positions, 3 * width]`."""
        size = query_key_value.shape[-1] // 3 // self.heads
        parts = tf.reshape(query_key_value, [-1, length, 3, self.heads, size])
        query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query * size**-0.5, key, transpose_b=True)
        mixed = tf.transpose(tf.matmul(masked_softmax(scores, visible), value), [0, 2, 1, 3])
        return tf.reshape(mixed, [-1, self.heads * size])

    def _drop(self, x: tf.Tensor, shape: tf.Tensor, noise: tf.Tensor | None, place: int) -> tf.Tensor:
        """`x`, whose positions are laid out as `shape` says, `[rows, positions, width]`."""
        if noise is None or self.dropout == 0:
            return x
        counter = tf.reshape(tf.range(shape[1] * x.shape[1]), [1, -1, x.shape[1]])
        seed = _mixed(tf.bitcast(noise, tf.uint32) + tf.constant((place + 1) * 0x9E3779B9 % 2**32, tf.uint32))
        bits = _mixed(tf.bitcast(counter, tf.uint32) ^ seed[:, None, None])
        kept = tf.cast(_shifted(bits, 8), tf.float32) * 2.0**-24 >= self.dropout
        return tf.where(tf.reshape(kept, tf.shape(x)), x / (1 - self.dropout), tf.zeros([], x.dtype))


def _mixed(bits: tf.Tensor) -> tf.Tensor:
    """MurmurHash3's finaliser: every bit of the result depends on every bit of the uint32."""
    bits = (bits ^ _shifted(bits, 16)) * tf.constant(0x85EBCA6B, tf.uint32)
    bits = (bits ^ _shifted(bits, 13)) * tf.constant(0xC2B2AE35, tf.uint32)
    return bits ^ _shifted(bits, 16)


def _shifted(bits: tf.Tensor, places: int) -> tf.Tensor:
    return tf.bitwise.right_shift(bits, tf.constant(places, tf.uint32))


def _before(tokens: tf.Tensor) -> tf.Tensor:
    """What stands at the position before each, zero before the first."""
    return tf.pad(tokens, [[0, 0], [1, 0], [0, 0]])[:, :-1]


def _visible(query: tf.Tensor, key: tf.Tensor, query_is_patch: tf.Tensor, key_is_patch: tf.Tensor) -> tf.Tensor:
    """Whether positions see others: those before them, and patches each other."""
    return (key <= query) | (query_is_patch & key_is_patch)


# The name is one that the LiteRT converter knows: it makes an embedding lookup of it, whose table can be quantised; of a
# plain gather it cannot.
@tf.function(experimental_implements="embedding_matmul")
def _look_up(table: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    return tf.gather(table, ids)


def _dense(units: int, *, fan_in: int, name: str, scale: float = 1.0, use_bias: bool = False) -> keras.layers.Dense:
    return keras.layers.Dense(
        units, use_bias=use_bias, kernel_initializer=_normal(scale / math.sqrt(fan_in)), name=name
    )


def _normal(stddev: float) -> keras.initializers.RandomNormal:
    return keras.initializers.RandomNormal(stddev=stddev)
