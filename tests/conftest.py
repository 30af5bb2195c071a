"""What several suites share: one whole run on a small slice of the real data, and a warm process that forks."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

from schemas import progress
from tests.zygote import Zygote

pytest_plugins = ["tests.fixtures.browser", "tests.fixtures.hadoop", "tests.fixtures.s3", "tests.fixtures.spark"]
HEADRACE = str(pathlib.Path(sys.executable).parent / "headrace")

SLICE = {
    "version": 1,
    "ingestion": {
        "sources": {
            "openmoji": {"kind": "openmoji", "limit": 240},
            "emoji-datasource": {"kind": "emoji_datasource", "limit": 240},
            "python": {"kind": "python", "limit": 160},
        }
    },
    "tokenization": {"vocabulary_size": 600},
    "training": {"steps": 40},
    "compression": {"latency_runs": 10, "loss_samples": 20},
    "evaluation": {"max_bits_per_byte": 20.0, "min_examples": 1, "max_regression_bits_per_byte": 5.0},
    "infra_validation": {"golden_samples": 3},
}
"""The real sources, small; a training of seconds, judged by limits that it meets."""


@dataclasses.dataclass(frozen=True)
class Project:
    """A directory with a configuration and a home."""

    directory: pathlib.Path

    @property
    def home(self) -> pathlib.Path:
        return self.directory / ".headrace"

    def headrace(self, *arguments: str, timeout: float = 400) -> subprocess.CompletedProcess:
        environment = {**os.environ, "HEADRACE_HOME": str(self.home)}
        return subprocess.run(
            [HEADRACE, *arguments], cwd=self.directory, env=environment, capture_output=True, text=True, timeout=timeout
        )

    def run(self, *arguments: str) -> dict:
        """`headrace run`, which must not fail; its facts."""
        answer = self.headrace("run", "--json", *arguments)
        assert answer.returncode == 0, answer.stderr[-4000:]
        return json.loads(answer.stdout)


def slice_project(directory: pathlib.Path, configuration: dict = SLICE) -> Project:
    """A project on the slice, not yet run."""
    (directory / "headrace.yaml").write_text(yaml.safe_dump(configuration))
    return Project(directory)


@pytest.fixture(autouse=True)
def _no_progress_left():
    """The registry of progress belongs to the process; what one test leaves there is not the next one's."""
    yield
    for node in progress.snapshot():
        progress.finish(node)


@pytest.fixture(scope="session")
def sliced(tmp_path_factory) -> Project:
    """A project on the slice that several suites use as a user would."""
    return slice_project(tmp_path_factory.mktemp("sliced"))


@pytest.fixture(scope="session")
def first_run(sliced) -> dict:
    """The facts of the slice's first run."""
    return sliced.run()


@pytest.fixture(scope="session")
def zygote(tmp_path_factory):
    """A warm process that runs nodes in forks of itself."""
    process = Zygote(tmp_path_factory.mktemp("zygote") / "log")
    yield process
    process.close()
