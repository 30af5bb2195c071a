"""What the process that probes a model is told."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Job:
    """Which model to probe.

    Attributes:
        model: directory of the exported model.
        output: directory that holds the golden requests, and that the answers and the report are written to.
        trusted: the public keys whose signature it must have, PEM.
        max_latency_ms: the most that one instance may take, warm.
        max_memory_mb: the most that the process may hold.
    """

    model: str
    output: str
    trusted: tuple[str, ...]
    max_latency_ms: float
    max_memory_mb: float
