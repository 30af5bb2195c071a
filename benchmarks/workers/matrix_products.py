"""TensorFlow's own matrix products of a training step's shapes, alone: what rate could be reached.

For each product of the forward pass the two of its gradient, attention's among them, with the very batch. Operands are
distinct, as they are in training, so that none is computed once for several.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from benchmarks import worker
from benchmarks.gpt_case import Case

_THREADS = 2
Shapes = tuple[list[int], list[int]]


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Makes the operands, and runs the products of some steps."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
    case = Case(**arguments["case"])
    operands = [
        [tf.Variable(tf.random.normal(shape)) for shape in (left, right, [*left[:-1], right[-1]])]
        for left, right in products(case)
    ]

    @tf.function
    def step() -> tf.Tensor:
        done = []
        for left, right, gradient in operands:
            done.append(tf.matmul(left, right))
            done.append(tf.matmul(gradient, right, transpose_b=True))
            done.append(tf.matmul(left, gradient, transpose_a=True))
        # Something must depend on each, or Grappler drops it: its first element does, which costs nothing.
        return tf.add_n([tf.reshape(product, [-1])[0] for product in done])

    for _ in range(case.point_steps):
        step()

    def work() -> dict[str, Any]:
        for _ in range(case.timed_steps):
            step().numpy()
        return {"items": case.tokens_per_run}

    return work


def products(case: Case) -> Iterator[Shapes]:
    """The shapes of both operands of each product in a forward pass."""
    length, size = case.tokens + 1, case.width // case.heads
    rows, width = case.batch * length, case.width
    yield [case.batch * case.tokens, width], [width, width]  # of the token before
    for _ in range(case.depth):
        yield [rows, width], [width, 3 * width]
        yield [case.batch, case.heads, length, size], [case.batch, case.heads, size, length]
        yield [case.batch, case.heads, length, length], [case.batch, case.heads, length, size]
        yield [rows, width], [width, width]
        yield [rows, width], [width, 4 * width]
        yield [rows, 4 * width], [4 * width, width]
    yield [case.batch * case.tokens, width], [width, case.vocabulary]


if __name__ == "__main__":
    worker.serve(prepare, "tensorflow")
