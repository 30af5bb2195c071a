"""A warm process that runs nodes in forks of itself, so that a test may kill a runner without paying TFX's imports.

Reads one JSON job a line, forks, runs the pipeline there, and answers the fork's exit status, negative for a signal.
Nothing of TensorFlow may run before a fork, only be imported.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Zygote:
    """The parent's side."""

    def __init__(self, log: pathlib.Path):
        self.log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )

    def run(self, config: dict, home: pathlib.Path, *, only: str | None = None, kill_after: str | None = None) -> int:
        """Runs the pipeline, or one node, in a fork; its exit status.

        Args:
            config: the configuration, plain.
            home: HEADRACE_HOME.
            only: the node to run alone.
            kill_after: the executor class (`module:Class`) after whose work, before its publication, SIGKILL comes.
        """
        job = {"config": config, "home": str(home), "only": only, "kill_after": kill_after}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the zygote died: {self.log.read_text()[-2000:]}"
        return int(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait(30)


def main() -> None:
    """The warm process's side."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for module in ("pipeline.dag", "pipeline.local", "pipeline.partial"):
        importlib.import_module(module)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_run(**json.loads(line)))
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")


def _run(config: dict, home: str, only: str | None, kill_after: str | None) -> int:
    from pipeline import dag, local, partial
    from pipeline.config import Config
    from schemas.config import from_json
    from schemas.home import ENVIRONMENT_VARIABLE, Home

    os.environ[ENVIRONMENT_VARIABLE] = home
    if kill_after:
        module, name = kill_after.split(":")
        executor = getattr(importlib.import_module(module), name)
        work = executor.Do

        @functools.wraps(work)
        def work_and_die(*arguments, **keywords):
            work(*arguments, **keywords)
            os.kill(os.getpid(), signal.SIGKILL)

        executor.Do = work_and_die
    pipeline = dag.build(from_json(Config, json.dumps(config)), Home(pathlib.Path(home)))
    options = partial.only_node(pipeline, only) if only else None
    result = local.HeadraceRunner(Home(pathlib.Path(home))).run(pipeline, options)
    return int(result.exit_code)


if __name__ == "__main__":
    main()
