"""By what held-out data is divided: the keys of slices, their values for each example, and who is in which slice."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.evaluation.held_out import HeldOut
from components.evaluation.report import OVERALL, Slice
from schemas.errors import ConfigError

MODALITIES = ("text", "code")
"""What is predicted: an example is one of these of one sample."""
_OF_EVERY_SAMPLE = ("modality", "source", "modalities", "language", "length", "group", "augmented")
_SECTION = "evaluation.slices"

Values = Mapping[str, Sequence[str | None]]
"""For each key the value of each example; None where an example has none, and is then in no slice of that key."""


def check(keys: Iterable[str], samples: Sequence[HeldOut]) -> None:
    """Refuses keys that no sample knows of.

    Raises:
        ConfigError: names the keys that there are.
    """
    known = sorted({name for sample in samples for name in sample.attributes} - set(_OF_EVERY_SAMPLE))
    unknown = sorted(set(keys) - set(_OF_EVERY_SAMPLE) - set(known))
    if unknown:
        raise ConfigError(
            f"there is no slice key {unknown[0]!r}",
            where=_SECTION,
            remedy=f"the keys are {', '.join(_OF_EVERY_SAMPLE)}"
            + (f", and of this data {', '.join(known)}" * bool(known)),
        )


def value(key: str, sample: HeldOut, modality: str, buckets: Sequence[int]) -> str | None:
    """What an example, one modality of a sample, has for a key.

    Args:
        buckets: see `EvaluationConfig.length_buckets`.
    """
    if key == "modality":
        return modality
    if key == "source":
        return sample.source
    if key == "modalities":
        instance = sample.instance
        held = {"text": instance.text, "image": instance.image, "code": instance.code}
        return "+".join(name for name, content in held.items() if content)
    if key == "language":
        return sample.attributes.get(f"{modality}_language", "unknown")
    if key == "length":
        content = sample.instance.text if modality == "text" else sample.instance.code
        return _bucket(len((content or "").encode(errors="replace")), buckets)
    if key == "augmented":
        return "yes" if sample.augmented else "no"
    return sample.attributes.get(key)


def members(values: Values, divisions: Iterable[Sequence[str]], examples: int) -> dict[Slice, npt.NDArray[np.int64]]:
    """The slices that the divisions make, the whole first, and the places of the examples in each.

    Args:
        values: of every key that a division names.
        divisions: each by some keys.
        examples: how many there are.
    """
    found = {OVERALL: np.arange(examples)}
    for keys in divisions:
        rows: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for place, row in enumerate(zip(*(values[key] for key in keys), strict=True)):
            if None not in row:
                rows.setdefault(tuple(zip(keys, row, strict=True)), []).append(place)
        found |= {Slice.of(dict(pairs)): np.array(places) for pairs, places in rows.items()}
    return dict(sorted(found.items(), key=lambda item: item[0].order))


def _bucket(size: int, buckets: Sequence[int]) -> str:
    place = bisect.bisect_left(buckets, size)
    if place == len(buckets):
        return f"over {buckets[-1]} bytes" if buckets else "any"
    return f"{buckets[place - 1] + 1} to {buckets[place]} bytes" if place else f"up to {buckets[place]} bytes"
