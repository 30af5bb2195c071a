"""Why decontamination rejects."""

from __future__ import annotations

import enum


class Reason(str, enum.Enum):
    """What a record has in common with a benchmark."""

    IN_BENCHMARK = "in_benchmark"
