"""The chain of steps in a loop: the yardstick of what an engine costs."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from components.cleaning.steps import Message, Step


def run(tasks: Sequence[Message], steps: Sequence[Step]) -> None:
    """Runs the chain here and now; its results are the files that the steps write."""
    messages = list(tasks)
    for step in steps:
        grouped: dict[int, list[bytes]] = collections.defaultdict(list)
        for key, value in messages:
            grouped[key].append(value)
        messages = [message for key in sorted(grouped) for message in step(key, grouped[key])]
