"""A worker without TensorFlow that ends as it is told: what the tests of the launcher start in numbers."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import time
from typing import Any

from components import process
from components.training import cluster
from components.training.watchdog import PEER_LOST, PREEMPTED, Preemption, end
from schemas import progress
from schemas.errors import ConfigError, IntegrityError

MODULE = "tests.components.training.toy_worker"
NODE = "Toy"
SPOILT = IntegrityError("spoilt", where="bean 7", remedy="throw it away")


def work(job: dict[str, Any]) -> None:
    """Leaves its id in `directory/INDEX`, a line a start, and does what `do` says at its index."""
    here = cluster.read(os.environ)
    if here is None:
        raise ConfigError("there is no cluster", where="TF_CONFIG")
    directory, what = pathlib.Path(job["directory"]), job["do"][here.index]
    starts = directory / str(here.index)
    with starts.open("a") as file:
        file.write(f"{os.getpid()}\n")
    progress.start(NODE, f"worker {here.index}", total=10, unit="steps")
    if what == "listen":
        host, port = here.workers[here.index].split(":")
        with socket.create_server((host, int(port))):
            time.sleep(0.5)
    elif what == "refuse":
        raise SPOILT
    elif what == "crash":
        raise RuntimeError("a bean too many")
    elif what in ("crash late", "refuse late"):
        with Preemption():
            (directory / f"{here.index}.ready").touch()
            time.sleep(1)
            raise SPOILT if what == "refuse late" else RuntimeError("a bean too many")
    elif what == "lose peer":
        _await_others(directory, here)
        end(PEER_LOST, "lost a peer")
    elif what == "die" or (what == "die once" and len(starts.read_text().splitlines()) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "die when others wait":
        _await_others(directory, here)
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "make room":
        _await_others(directory, here)
        end(PREEMPTED, "saved")
    elif what == "make room slowly":
        (directory / f"{here.index}.ready").touch()
        time.sleep(1)
        (directory / f"{here.index}.saved").touch()
        end(PREEMPTED, "saved")
    elif what == "save":
        with Preemption() as preemption:
            (directory / f"{here.index}.ready").touch()
            while not preemption.requested:
                time.sleep(0.05)
            time.sleep(1)
            (directory / f"{here.index}.saved").touch()
            end(PREEMPTED, "saved")
    elif what in ("wait", "stop", "be deaf"):
        if what == "be deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (directory / f"{here.index}.ready").touch()
        if what == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)
    elif what == "crash when others wait":
        _await_others(directory, here)
        raise RuntimeError("a bean too many")


def _await_others(directory: pathlib.Path, here: cluster.Cluster) -> None:
    while len(list(directory.glob("*.ready"))) < len(here.workers) - 1:
        time.sleep(0.02)


if __name__ == "__main__":
    process.main(work)
