"""A contender for the harness's own tests: does what its arguments say."""

import os
import pathlib
import subprocess
import sys

from benchmarks import worker

_BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def prepare(arguments: dict) -> worker.Work:
    if arguments.get("fails") == "at once":
        raise ValueError("nothing works today")
    runs = 0

    def work() -> dict:
        nonlocal runs
        runs += 1
        print("chatter that is no answer")
        if arguments.get("fails") == "later" and runs == 2:
            raise ValueError("the second run is too much")
        with pathlib.Path(arguments["journal"]).open("a") as journal:
            journal.write(f"{arguments['name']}\n")
        if arguments.get("child"):
            subprocess.run([sys.executable, "-c", _BURN], check=True)
        return {
            "items": arguments.get("items", 10),
            "cores": sorted(os.sched_getaffinity(0)),
            "threads": os.environ["OMP_NUM_THREADS"],
        }

    return work


if __name__ == "__main__":
    worker.serve(prepare, "numpy")
