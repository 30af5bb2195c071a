"""Where state lives: the layout of HEADRACE_HOME, and nothing outside it."""

from __future__ import annotations

import dataclasses
import os
import pathlib

ENVIRONMENT_VARIABLE = "HEADRACE_HOME"


@dataclasses.dataclass(frozen=True)
class Home:
    """The state directory of one project.

    Attributes:
        root: absolute path; `$HEADRACE_HOME`, or `.headrace` in the working directory.
    """

    root: pathlib.Path

    @classmethod
    def current(cls) -> Home:
        """The home that this process (and every process it starts) uses."""
        return cls(pathlib.Path(os.environ.get(ENVIRONMENT_VARIABLE) or ".headrace").absolute())

    @property
    def metadata(self) -> pathlib.Path:
        """The ML Metadata store, SQLite."""
        return self.root / "metadata.sqlite"

    @property
    def artifacts(self) -> pathlib.Path:
        """TFX's pipeline root: `artifacts/NODE/OUTPUT/EXECUTION/`."""
        return self.root / "artifacts"

    @property
    def downloads(self) -> pathlib.Path:
        """Fetched data packages, each verified by its checksum."""
        return self.root / "cache" / "downloads"

    @property
    def ingested(self) -> pathlib.Path:
        """Records of sources already read, named by fingerprint."""
        return self.root / "cache" / "ingested"

    @property
    def checkpoints(self) -> pathlib.Path:
        """Training in progress, named by what is trained (so that it can resume)."""
        return self.root / "checkpoints"

    @property
    def served(self) -> pathlib.Path:
        """Pushed model versions, `served/MODEL/VERSION/`, immutable."""
        return self.root / "served"

    @property
    def keys(self) -> pathlib.Path:
        """The pair of keys that models are signed with, unless the configuration names another; its owner's alone."""
        return self.root / "keys"

    @property
    def runs(self) -> pathlib.Path:
        """One folder a run: its log per node, its events, its report."""
        return self.root / "runs"

    @property
    def lock(self) -> pathlib.Path:
        """Held by the process that runs the pipeline."""
        return self.root / "run.lock"
