"""What became of a release: the shape of a PushedModel's `report.json`."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pydantic

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Report:
    """A release.

    Attributes:
        pushed: whether the model was pushed.
        reason: why it was, or which metric on which slice or which check failed.
        model_name: the name under which it serves.
        version: its version number; None if it was not pushed.
        destination: its version directory; None if it was not pushed.
        replaces: the version that was live before; None if there was none.
        files: how many files were pushed.
        bytes: how long they are together.
    """

    pushed: bool
    reason: str
    model_name: str
    version: int | None = None
    destination: str | None = None
    replaces: int | None = None
    files: int = 0
    bytes: int = 0

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        pathlib.Path(directory, FILE_NAME).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Report:
        """The report in a directory.

        Raises:
            OSError, pydantic.ValidationError: there is none, or it is not one.
        """
        return pydantic.TypeAdapter(cls).validate_json(pathlib.Path(directory, FILE_NAME).read_bytes())
