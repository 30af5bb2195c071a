"""Two ways to sum the gradients of several processes: TensorFlow's ring, and gathered on one that hands the sum back.

A process of `benchmarks.workers.training_workers`. Both ways go through TensorFlow's gRPC between the same processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks import worker
from benchmarks.gpt_case import Case
from components.training import cluster
from components.training.cluster import Cluster

_REPEATS = 5


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Makes gradients of the case's weights; each run sums them some times, the way that `way` names."""
    workers = cluster.read(os.environ)
    assert workers is not None
    shapes = weights(Case(**arguments["case"]))
    total = _ring(shapes) if arguments["way"] == "ring" else _gathered(shapes, workers)
    total()

    def work() -> dict[str, Any]:
        for _ in range(_REPEATS):
            total()
        return {"items": _REPEATS, "bytes": sum(4 * tf.TensorShape(shape).num_elements() for shape in shapes)}

    return work


def weights(case: Case) -> list[list[int]]:
    """The shapes of the weights that matter, its matrices and tables."""
    width = case.width
    block = [[width, 3 * width], [width, width], [width, 4 * width], [4 * width, width]]
    return [[case.vocabulary, width], [case.tokens + 1, width], [width, width], *(block * case.depth)]


def _ring(shapes: list[list[int]]) -> Callable[[], None]:
    ring = tf.distribute.experimental.CommunicationImplementation.RING
    strategy = tf.distribute.MultiWorkerMirroredStrategy(
        communication_options=tf.distribute.experimental.CommunicationOptions(implementation=ring)
    )
    own = [tf.random.normal(shape) for shape in shapes]

    def of_replica() -> list[tf.Tensor]:
        summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)
        return [tf.reshape(value, [-1])[0] for value in summed]

    return tf.function(lambda: strategy.run(of_replica))


def _gathered(shapes: list[list[int]], workers: Cluster) -> Callable[[], None]:
    """The first process sums what the others send, and sends them the sum; the others have nothing to do but serve."""
    spec = tf.train.ClusterSpec({"worker": list(workers.workers)})
    if not workers.is_chief:
        server = tf.distribute.Server(spec, job_name="worker", task_index=workers.index)
        return lambda: _serving(server)
    tf.config.experimental_connect_to_cluster(spec, job_name="worker", task_index=0)
    places = [f"/job:worker/task:{index}" for index in range(len(workers.workers))]
    own, sums = [], []
    for place in places:
        with tf.device(place):
            own.append([tf.Variable(tf.random.normal(shape)) for shape in shapes])
            sums.append([tf.Variable(tf.zeros(shape)) for shape in shapes])

    @tf.function
    def total() -> None:
        for number in range(len(shapes)):
            with tf.device(places[0]):
                summed = tf.add_n([of_process[number].read_value() for of_process in own])
            for place, of_process in zip(places, sums, strict=True):
                with tf.device(place):
                    of_process[number].assign(summed)

    return total


def _serving(server: tf.distribute.Server) -> None:
    assert server.target  # it serves as long as someone holds it


if __name__ == "__main__":
    worker.serve(prepare)
