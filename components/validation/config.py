"""The `validation` section of the configuration."""

from __future__ import annotations

import pathlib

from schemas.config import section

CURATED_SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "examples.pbtxt"


@section
class ValidationConfig:
    """What the examples are held against before anything is trained on them."""

    schema_file: str | None = None
    """A TensorFlow Metadata schema (`.pbtxt`); the curated one of Headrace if null. `headrace data schema` drafts one."""

    @property
    def schema_path(self) -> pathlib.Path:
        """The schema's file, absolute."""
        return pathlib.Path(self.schema_file).absolute() if self.schema_file else CURATED_SCHEMA
