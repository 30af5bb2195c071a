"""What cleaning notes in the attributes of a record."""

from __future__ import annotations

import collections
from collections.abc import Mapping

REDACTED = "redacted"
"""What was redacted in it: kinds and how often, as `email:2 phone:1`."""

DROPPED_REGIONS = "dropped_regions"
"""Which of its regions could not be kept: reasons and how often, as `erased:1 outside:2`."""

NEAR_DUPLICATES = "near_duplicates"
"""Its cluster, if it has near duplicates: the id of the record that survives."""


def told(counts: Mapping[str, int]) -> str:
    """Counts as an attribute has them."""
    return " ".join(f"{name}:{count}" for name, count in sorted(counts.items()))


def counted(attribute: str) -> collections.Counter[str]:
    """The counts of an attribute that `told` wrote."""
    parts = (part.partition(":") for part in attribute.split())
    return collections.Counter({name: int(count) for name, _, count in parts})
