"""Ours on several workers: processes of `benchmarks.workers.training` that know each other by TF_CONFIG, in step.

Each has its share of the processor cores.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
from typing import Any

from benchmarks import worker
from components.training.cluster import Cluster

MODULE = "benchmarks.workers.training"


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Starts `workers` processes of `module`; each run is one of all of them, and tells what the first one tells."""
    count = arguments["workers"]
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(count))
    cores = sorted(os.sched_getaffinity(0))
    share = max(1, len(cores) // count)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", arguments.get("module", MODULE), json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **Cluster(addresses, index).to_environment()},
            preexec_fn=functools.partial(os.sched_setaffinity, 0, cores[index * share % len(cores) :][:share]),
        )
        for index in range(count)
    ]

    def answers() -> list[dict[str, Any]]:
        found = []
        for process in processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"a worker ended with exit code {process.wait()}")
            found.append(json.loads(line))
        return found

    answers()

    def work() -> dict[str, Any]:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("run\n")
            process.stdin.flush()
        value: dict[str, Any] = answers()[0]["value"]
        return value

    return work


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    worker.serve(prepare)
