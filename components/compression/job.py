"""What the process that compresses is told."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Job:
    """What to compress.

    Attributes:
        source: directory of an exported SavedModel.
        reference: directory of the one that its variants are measured against; may be the same.
        target: directory that the compressed model is written to; exists and is empty.
        report: directory that `report.json` is written to; exists.
        samples: directory of the aligned samples.
        config: a `CompressionConfig`, as `schemas.config.to_json` writes it.
    """

    source: str
    reference: str
    target: str
    report: str
    samples: str
    config: str
