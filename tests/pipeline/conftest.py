"""A small pipeline, run in this process (`run`) or in one of its own that may be killed (`started`)."""

import dataclasses
import io
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))  # executors are imported by name


@dataclasses.dataclass(frozen=True)
class Seen:
    """A run and what it looked like."""

    result: object
    text: str

    @property
    def outcomes(self):
        return {node.node: node.outcome.value for node in self.result.nodes}

    def __getitem__(self, node):
        return next(result for result in self.result.nodes if result.node == node)


@pytest.fixture
def home(tmp_path):
    from schemas.home import Home

    return Home(tmp_path / "home")


@pytest.fixture
def run(home):
    """Runs nodes here; `options` as in a spec of `toy_pipeline`."""

    def run(nodes, *, start=None, only=None, **options):
        import toy_pipeline

        from pipeline import local, partial
        from pipeline.console import Console

        stream = io.StringIO()
        built = toy_pipeline.build(home, {"nodes": nodes})
        chosen = None
        if start:
            chosen = partial.from_node(built, start)
        if only:
            chosen = partial.only_node(built, only)
        result = local.HeadraceRunner(home, console=Console(stream), **options).run(built, run_options=chosen)
        return Seen(result, stream.getvalue())

    return run


@pytest.fixture
def journal(home):
    """What the executors noted: `{node: [(event, time), ...]}`."""

    def read():
        entries = {}
        path = home.root.parent / "journal"
        for line in path.read_text().splitlines() if path.exists() else ():
            node, event, moment = line.split()
            entries.setdefault(node, []).append((event, float(moment)))
        return entries

    return read


@pytest.fixture
def started(home):
    """Starts a run in a process of its own."""
    processes = []

    def start(nodes, **spec):
        process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore",
                str(HERE / "toy_pipeline.py"),
                str(home.root),
                json.dumps({"nodes": nodes, **spec}),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def eventually():
    """Waits until something is so, at most so many seconds."""

    def wait(condition, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not so within {seconds} s")

    return wait
