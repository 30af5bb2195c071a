"""Whether a model can be served: the shape of an InfraBlessing's `report.json`."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pydantic

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Check:
    """One promise that a served model must keep.

    Attributes:
        name: the promise.
        passed: whether it was kept.
        detail: what was seen; which request broke it.
    """

    name: str
    passed: bool
    detail: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What happened to a model in a clean process.

    Attributes:
        blessed: whether it may serve.
        message: why, in words.
        requests: golden requests asked.
        load_s: seconds until the model was ready, imports included; None if it never was.
        latency_p50_ms: median over the golden requests of one instance, warm.
        latency_max_ms: the slowest of those.
        checks: every promise.
        peak_memory_mb: the most memory that the process held until then, libraries included; None where it cannot be told.
        signed_by: which key signed the model, as signatures name it; None if none that is trusted did.
    """

    blessed: bool
    message: str
    requests: int
    load_s: float | None = None
    latency_p50_ms: float | None = None
    latency_max_ms: float | None = None
    checks: tuple[Check, ...] = ()
    peak_memory_mb: float | None = None
    signed_by: str | None = None

    def including(self, check: Check) -> Report:
        """The same with one more promise; if that was not kept, the model is not blessed."""
        if check.passed:
            return dataclasses.replace(self, checks=(*self.checks, check))
        broken = f"{check.name}: {check.detail}"
        message = broken if self.blessed else f"{self.message}; {broken}"
        return dataclasses.replace(self, blessed=False, message=message, checks=(*self.checks, check))

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
