"""Keras 3: the same decoder as a Keras user writes it, trained by `fit` with `jit_compile`, on our own stack."""

from __future__ import annotations

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks import gpt_case, worker
from benchmarks.gpt_case import Case

_THREADS = 2
_SPARED = ["embedding", "position", "absent", "gamma", "beta", "bias"]  # from weight decay


class Embed(layers.Layer):
    """Tokens as vectors, each with the one before it mixed in, after one learnt vector; and the way back to logits."""

    def __init__(self, case: Case):
        super().__init__(name="embed")
        width = case.width
        self.table = layers.Embedding(case.vocabulary, width, name="embedding")
        self.previous = layers.Dense(width, use_bias=False, name="previous")
        self.position = self.add_weight(name="position", shape=(case.tokens + 1, width))
        self.absent = self.add_weight(name="absent", shape=(1, width))

    def call(self, ids):  # type: ignore[no-untyped-def]
        """int32 `[batch, seq]` to float32 `[batch, 1 + seq, width]`."""
        tokens = self.table(ids)
        before = ops.pad(tokens, [[0, 0], [1, 0], [0, 0]])[:, :-1]
        tokens = tokens + self.previous(before) + self.position[: tokens.shape[1]]
        absent = ops.broadcast_to(self.absent[None], (ops.shape(tokens)[0], 1, tokens.shape[2]))
        return ops.concatenate([absent, tokens], axis=1)

    def logits(self, hidden):  # type: ignore[no-untyped-def]
        """float32 `[batch, seq, width]` to `[batch, seq, vocabulary]`."""
        return ops.matmul(hidden, ops.transpose(self.table.embeddings))


class Block(layers.Layer):
    """Attention and feed-forward network, each around a residual path that starts with a norm."""

    def __init__(self, case: Case, name: str):
        super().__init__(name=name)
        self.attention_norm = layers.LayerNormalization(epsilon=gpt_case.NORM_EPSILON)
        self.attention = layers.MultiHeadAttention(case.heads, case.width // case.heads, use_bias=False)
        self.feed_norm = layers.LayerNormalization(epsilon=gpt_case.NORM_EPSILON)
        self.expand = layers.Dense(4 * case.width)
        self.contract = layers.Dense(case.width)

    def call(self, hidden):  # type: ignore[no-untyped-def]
        """float32 `[batch, seq, width]` in and out."""
        normed = self.attention_norm(hidden)
        hidden = hidden + self.attention(normed, normed, use_causal_mask=True)
        return hidden + self.contract(ops.square(ops.relu(self.expand(self.feed_norm(hidden)))))


class Gpt(keras.Model):
    """The decoder: ids to logits."""

    def __init__(self, case: Case):
        super().__init__()
        self.embed = Embed(case)
        self.blocks = [Block(case, f"block_{number}") for number in range(case.depth)]
        self.norm = layers.LayerNormalization(epsilon=gpt_case.NORM_EPSILON)

    def call(self, ids):  # type: ignore[no-untyped-def]
        """int32 `[batch, seq]` to float32 `[batch, seq, vocabulary]`."""
        hidden = self.embed(ids)
        for block in self.blocks:
            hidden = block(hidden)
        return self.embed.logits(self.norm(hidden[:, 1:]))  # type: ignore[no-untyped-call]


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The case's learning rate, from a table."""

    def __init__(self, case: Case):
        super().__init__()
        self._rates = tf.constant([case.learning_rate_of(step) for step in range(case.schedule_steps)])

    def __call__(self, step):  # type: ignore[no-untyped-def]
        """The rate of a step, from 0 on."""
        return tf.gather(self._rates, tf.cast(step, tf.int32))


class Losses(keras.callbacks.Callback):
    """Each step's loss, from the running mean that Keras tells."""

    def __init__(self) -> None:
        super().__init__()
        self._sum = 0.0
        self.each: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keras's own."""
        assert logs is not None
        total = logs["loss"] * (batch + 1)
        self.each.append(total - self._sum)
        self._sum = total


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the weights, compiles, and does the compared steps."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
    case, folder = Case(**arguments["case"]), pathlib.Path(arguments["folder"])
    model = Gpt(case)
    model(np.zeros([1, case.tokens], np.int32))
    _load(model, case, np.load(folder / gpt_case.WEIGHTS))
    optimizer = keras.optimizers.AdamW(
        Schedule(case),
        weight_decay=case.weight_decay,
        beta_1=gpt_case.BETA_1,
        beta_2=gpt_case.BETA_2,
        epsilon=gpt_case.EPSILON,
        global_clipnorm=case.clip_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=_SPARED)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
    batches = np.load(folder / gpt_case.BATCHES)

    def fit(first: int, steps: int) -> list[float]:
        rows = batches[np.arange(first, first + steps) % len(batches)].reshape([-1, case.tokens + 1])
        losses = Losses()
        model.fit(rows[:, :-1], rows[:, 1:], batch_size=case.batch, shuffle=False, verbose=0, callbacks=[losses])
        return losses.each

    losses = np.reshape(fit(0, case.compared_steps), [-1, case.point_steps]).mean(axis=1).tolist()
    done = case.compared_steps

    def work() -> dict[str, Any]:
        nonlocal done
        fit(done, case.timed_steps)
        done += case.timed_steps
        return {"items": case.tokens_per_run, "losses": losses}

    return work


def _load(model: Gpt, case: Case, weights: Any) -> None:
    embed = model.embed
    embed.table.set_weights([weights["embedding.weight"]])
    embed.previous.set_weights([weights["previous.weight"]])
    embed.position.assign(weights["position"])
    embed.absent.assign(weights["absent"])
    model.norm.set_weights([weights["norm.weight"], weights["norm.bias"]])
    for number, block in enumerate(model.blocks):
        start = f"blocks.{number}."
        of = {name.removeprefix(start): weights[name] for name in weights if name.startswith(start)}
        for name in ("attention_norm", "feed_norm", "expand", "contract"):
            getattr(block, name).set_weights([of[f"{name}.weight"], of[f"{name}.bias"]])
        by_head = (case.width, case.heads, case.width // case.heads)
        parts = np.split(of["query_key_value.weight"], 3, axis=1)
        query, key, value = (part.reshape(by_head) for part in parts)
        project = of["project.weight"].reshape([*by_head[1:], case.width])
        # In the order in which the layer lists them: query, key, value, output.
        block.attention.set_weights([query, key, value, project])


if __name__ == "__main__":
    worker.serve(prepare, "keras")
