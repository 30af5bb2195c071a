"""The steps of a training that were passed over, as a file."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

FILE_NAME = "incidents.jsonl"


@dataclasses.dataclass(frozen=True)
class Incident:
    """A step that was passed over.

    Attributes:
        step: which, from 0 on.
        why: in words.
        samples: the ids of its samples.
        back_to: the checkpoint whose weights were taken instead; None if the weights stayed as they were.
    """

    step: int
    why: str
    samples: tuple[str, ...]
    back_to: int | None


class Incidents:
    """The file of them, one JSON object a line.

    Args:
        path: of the file; it need not exist.
        writes: whether this process is the one that writes it.
    """

    def __init__(self, path: pathlib.Path, *, writes: bool = True):
        self._path, self._writes = path, writes

    def read(self) -> list[Incident]:
        """All of them; a last line that was cut off is left out."""
        found = []
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            try:
                fields = json.loads(line)
                found.append(Incident(**{**fields, "samples": tuple(fields["samples"])}))
            except (ValueError, TypeError, KeyError):
                break
        return found

    def keep(self, incidents: Sequence[Incident]) -> None:
        """Writes the file anew."""
        if not self._writes:
            return
        aside = self._path.with_name(self._path.name + ".tmp")
        aside.write_text("".join(json.dumps(dataclasses.asdict(incident)) + "\n" for incident in incidents))
        aside.replace(self._path)
