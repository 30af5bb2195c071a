"""How much memory a process takes that loads a LiteRT model and answers requests with it, and nothing else.

python -m components.compression.footprint JOB.json
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from components import process
from serving.litert import Request, Runner

_STATUS = pathlib.Path("/proc/self/status")
_MODULE = "components.compression.footprint"


def measure(model: pathlib.Path, requests: Sequence[Request], *, node: str) -> tuple[int | None, int | None]:
    """The peak of a fresh process, bytes, and how much of it loading and answering added; None where the system does not
    say. Not of libraries that were loaded before: Python, NumPy and LiteRT's own.

    Args:
        model: a `.tflite` file.
        requests: what it answers.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, answer = pathlib.Path(folder, "requests.npz"), pathlib.Path(folder, "answer.json")
        arrays = {f"{number}.{name}": value for number, item in enumerate(requests) for name, value in _arrays(item)}
        np.savez(inputs, **arrays)
        job = {"model": str(model), "requests": str(inputs), "count": len(requests), "answer": str(answer)}
        process.run(_MODULE, job, node=node)
        before, peak = json.loads(answer.read_text())
    return (None, None) if before is None or peak is None else (peak, peak - before)


def _arrays(request: Request) -> list[tuple[str, np.ndarray]]:
    return [("ids", request.ids), ("segments", request.segments), ("image", request.image),
            ("has_image", np.array(request.has_image))]  # fmt: skip


def _main(job: dict[str, Any]) -> None:
    with np.load(job["requests"]) as file:
        requests = [
            Request(file[f"{n}.ids"], file[f"{n}.segments"], file[f"{n}.image"], bool(file[f"{n}.has_image"]), 0, 0)
            for n in range(job["count"])
        ]
    before = _status("VmRSS")
    runner = Runner(pathlib.Path(job["model"]))
    for request in requests:
        runner(request)
    pathlib.Path(job["answer"]).write_text(json.dumps([before, _status("VmHWM")]))


def _status(name: str) -> int | None:
    """A figure of this process from Linux, bytes. Not `getrusage`'s peak: that is inherited from whoever started it."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")]
    return found[0] if found else None


if __name__ == "__main__":
    process.main(_main)
