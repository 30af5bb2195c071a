"""What an alignment says about itself: `report.json` of the artifact AlignmentReport."""

from __future__ import annotations

import dataclasses
import json
import pathlib

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class AlignmentReport:
    """How records became samples.

    Attributes:
        samples: how many.
        by_modality: samples by what they have, for instance `text+image+code`.
        by_split: samples by split: train, eval, test.
        by_source: samples by data set and split.
        by_method: samples by how they were joined: `key`.
        unmatched: keys that have one modality alone, by modality.
        image_only: keys left out because an image alone cannot be learnt from.
        surplus: images and codes left out because their key had another one first.
        clusters: how many groups of alike samples there are.
        largest_cluster: samples in the largest.
        straddling_clusters: groups found in more than one split when checking what was written; always 0, since the
            node fails otherwise.
        seconds: how long it took.
    """

    samples: int
    by_modality: dict[str, int]
    by_split: dict[str, int]
    by_source: dict[str, dict[str, int]]
    by_method: dict[str, int]
    unmatched: dict[str, int]
    image_only: int
    surplus: int
    clusters: int
    largest_cluster: int
    straddling_clusters: int
    seconds: float = 0.0

    def write(self, directory: pathlib.Path) -> None:
        """Writes `report.json`."""
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)
        (directory / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: pathlib.Path) -> AlignmentReport:
        """The report in a directory."""
        return cls(**json.loads((directory / FILE_NAME).read_text(encoding="utf-8")))
