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
* Blocks: causal multi-head attention, then a feed-forward network of four times the width with squared ReLU (So et al.
  2021). No biases in attention. Queries are scaled before the product and masked by selection: the other order is fused
  by TensorFlow on CPU into a kernel eight times slower.
* The head is the embedding matrix transposed.

What it is good for. Comparing samples by how well they are predicted; a smoke test for everything around a model. What
it is not good for. Writing text, or anything about data unlike its training set: with the default configuration it has
1.1 million weights and sees each sample a few times.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from components.training.config import GptConfig
from serving import sequence

_EPSILON = 1e-5
_EMBEDDING_STDDEV = 0.05
_POSITION_STDDEV = 0.02
_MASKED = -1e9


class Gpt(keras.Model):
    """The network.

    Args:
        config: its size.
        vocabulary: number of token ids.
        tokens: longest sequence of tokens.
        image_size: images are `[image_size, image_size, 3]`.

    Raises:
        ValueError: the patch size does not divide the image size.
    """

    tables = ("embedding", "position", "patch_position", "absent")
    """Weights whose rows are looked up and not multiplied, which weight decay spares."""

    def __init__(self, config: GptConfig, *, vocabulary: int, tokens: int, image_size: int):
        super().__init__(name="gpt")
        if image_size % config.patch_size:
            raise ValueError(f"patch_size {config.patch_size} does not divide image_size {image_size}")
        self.patches = (image_size // config.patch_size) ** 2
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
        self.blocks = [Block(config, name=f"block_{i}") for i in range(config.depth)]
        self.norm = keras.layers.LayerNormalization(epsilon=_EPSILON, name="norm")
        self.patch.build((None, image_size, image_size, 3))
        self.previous.build((None, None, width))
        for block in self.blocks:
            block.build((None, None, width))
        self.norm.build((None, None, width))
        self.built = True

    def call(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Hidden states from which the next token is predicted.

        Args:
            ids: int32 `[batch, seq]`.
            image: float32 `[batch, size, size, 3]` in 0..1.
            has_image: float32 `[batch]`, 1 or 0; where 0, `image` is not looked at.
            seed: int64 `[2]`, of the dropout while training; None otherwise. The second number is counted on from, once
                a block.

        Returns:
            float32 `[batch, seq, width]`.
        """
        width = self.embedding.shape[1]
        patches = tf.reshape(self.patch(image * 2 - 1), [-1, self.patches, width]) + self.patch_position
        patches = tf.where(has_image[:, None, None] > 0.5, patches, self.absent[None])
        found = _look_up(tf.convert_to_tensor(self.embedding), tf.reshape(ids, [-1]))
        tokens = tf.reshape(found, tf.concat([tf.shape(ids), [width]], axis=0))
        before = tf.pad(tokens, [[0, 0], [1, 0], [0, 0]])[:, :-1]
        tokens = tokens + self.previous(before) + self.position[: tf.shape(ids)[1]]
        hidden = tf.concat([patches, tokens], axis=1)
        place = tf.range(tf.shape(hidden)[1])
        query, key = place[:, None], place[None, :]
        visible = (key <= query) | ((key < self.patches) & (query < self.patches))
        for index, block in enumerate(self.blocks):
            hidden = block(hidden, visible, None if seed is None else seed + [0, index])
        return self.norm(hidden[:, self.patches :])

    def log_likelihood_loss(
        self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Negative log-likelihood of each token but `BOS` and `PAD`, nats; arguments as for `call`.

        Returns:
            float32 `[tokens that count]`, in the order of the sequences.
        """
        hidden = self(ids[:, :-1], image, has_image, seed=seed)
        targets = ids[:, 1:]
        counts = targets != sequence.PAD
        return _cross_entropy(tf.boolean_mask(targets, counts), self._logits(tf.boolean_mask(hidden, counts)))

    def token_nll(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> tf.Tensor:
        """Negative log-likelihood of each token in its place, nats; arguments as for `call`.

        Returns:
            float32 `[batch, seq]`; zero for `BOS` and `PAD`.
        """
        logits = self._logits(self(ids[:, :-1], image, has_image))
        targets = ids[:, 1:]
        nll = tf.where(targets != sequence.PAD, _cross_entropy(targets, logits), 0.0)
        return tf.pad(nll, [[0, 0], [1, 0]])

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        # As one product of two matrices, which converters know as a fully connected layer and can quantise.
        vocabulary, width = self.embedding.shape
        flat = tf.matmul(tf.reshape(hidden, [-1, width]), tf.convert_to_tensor(self.embedding), transpose_b=True)
        return tf.reshape(flat, tf.concat([tf.shape(hidden)[:-1], [vocabulary]], axis=0))


class Block(keras.layers.Layer):
    """Attention and feed-forward network, each around a residual path that starts with a norm.

    Args:
        config: the network's size.
    """

    def __init__(self, config: GptConfig, *, name: str):
        super().__init__(name=name)
        width, inner = config.width, 4 * config.width
        self.heads, self.dropout = config.heads, config.dropout
        residual = 1 / math.sqrt(2 * config.depth)  # keeps the variance of the residual path (Radford et al. 2019)
        self.attention_norm = keras.layers.LayerNormalization(epsilon=_EPSILON, name="attention_norm")
        self.query_key_value = _dense(3 * width, fan_in=width, name="query_key_value")
        self.project = _dense(width, fan_in=width, scale=residual, name="project")
        self.feed_norm = keras.layers.LayerNormalization(epsilon=_EPSILON, name="feed_norm")
        self.expand = _dense(inner, fan_in=width, use_bias=True, name="expand")
        self.contract = _dense(width, fan_in=inner, scale=residual, use_bias=True, name="contract")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the weights; `shape` is `[batch, seq, width]`."""
        inner = (*shape[:-1], 4 * (shape[-1] or 0))
        for layer in (self.attention_norm, self.query_key_value, self.project, self.feed_norm, self.expand):
            layer.build(shape)
        self.contract.build(inner)
        self.built = True

    def call(self, hidden: tf.Tensor, visible: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """One step deeper.

        Args:
            hidden: float32 `[batch, seq, width]`.
            visible: bool `[seq, seq]`, whether the query in a row may look at the key in a column.
            seed: int64 `[2]`, of the dropout; None outside training.
        """
        hidden = hidden + self._drop(self._attend(self.attention_norm(hidden), visible), seed, 0)
        inner = tf.square(tf.nn.relu(self.expand(self.feed_norm(hidden))))
        return hidden + self._drop(self.contract(inner), seed, 1)

    def _attend(self, hidden: tf.Tensor, visible: tf.Tensor) -> tf.Tensor:
        length, width = tf.shape(hidden)[1], hidden.shape[-1]
        size = width // self.heads
        query, key, value = (
            tf.transpose(tf.reshape(part, [-1, length, self.heads, size]), [0, 2, 1, 3])
            for part in tf.split(self.query_key_value(hidden), 3, axis=-1)
        )
        scores = tf.matmul(query * size**-0.5, key, transpose_b=True)
        weights = tf.nn.softmax(tf.where(visible, scores, _MASKED))
        mixed = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
        return self.project(tf.reshape(mixed, [-1, length, width]))

    def _drop(self, x: tf.Tensor, seed: tf.Tensor | None, place: int) -> tf.Tensor:
        if seed is None or self.dropout == 0:
            return x
        return tf.nn.experimental.stateless_dropout(x, self.dropout, seed * 2 + [0, place])


# The name is one that the LiteRT converter knows: it makes an embedding lookup of it, whose table can be quantised; of a
# plain gather it cannot.
@tf.function(experimental_implements="embedding_matmul")
def _look_up(table: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    return tf.gather(table, ids)


def _cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def _dense(units: int, *, fan_in: int, name: str, scale: float = 1.0, use_bias: bool = False) -> keras.layers.Dense:
    return keras.layers.Dense(
        units, use_bias=use_bias, kernel_initializer=_normal(scale / math.sqrt(fan_in)), name=name
    )


def _normal(stddev: float) -> keras.initializers.RandomNormal:
    return keras.initializers.RandomNormal(stddev=stddev)
