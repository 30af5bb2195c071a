"""The kinds of copies: each takes samples and gives, for each, what is different in a copy, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from components.augmentation.code import varying as codes
from components.augmentation.config import AugmentationConfig
from components.augmentation.image import varying as images

Sample = dict[str, Any]
Changes = dict[str, Any]
"""The fields of the copy that differ from its parent's."""
Variation = Callable[[Sequence[Sample], AugmentationConfig, Sequence[np.random.Generator]], list["Changes | str"]]
"""Samples with the modality, the configuration and a source of randomness for each; gives changes, or the reason why there are
none."""

UNVARIED = "nothing_to_vary"


def vary_images(
    samples: Sequence[Sample], config: AugmentationConfig, randoms: Sequence[np.random.Generator]
) -> list[Changes | str]:
    """Images, and the boxes in them."""
    return [_image(sample, config, random) for sample, random in zip(samples, randoms, strict=True)]


def vary_codes(
    samples: Sequence[Sample], config: AugmentationConfig, randoms: Sequence[np.random.Generator]
) -> list[Changes | str]:
    """Codes, and the ranges of lines in them."""
    return [_code(sample, config, random) for sample, random in zip(samples, randoms, strict=True)]


def _image(sample: Sample, config: AugmentationConfig, random: np.random.Generator) -> Changes | str:
    own, others = _regions(sample, "image")
    words = [*sample["attributes"].values(), sample["text"] or ""]
    flip = images.may_be_flipped(words, config.image)
    varied = images.vary(sample["image"], [tuple(region["bounds"]) for region in own], config.image, random, flip=flip)
    if varied.content == sample["image"]:
        return UNVARIED
    return {"image": varied.content, "regions": _moved(own, [box and list(box) for box in varied.boxes], others)}


def _code(sample: Sample, config: AugmentationConfig, random: np.random.Generator) -> Changes | str:
    own, others = _regions(sample, "code")
    ranges = [(region["bounds"][0], region["bounds"][1]) for region in own]
    varied = codes.vary(sample["code"], sample["attributes"].get("code_language"), ranges, config.code, random)
    if varied is None:
        return UNVARIED
    bounds = [lines and [*lines, 0, 0] for lines in varied.ranges]
    return {"code": varied.code, "regions": _moved(own, bounds, others)}


def _regions(sample: Sample, modality: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The regions of a modality, and the others."""
    regions = sample["regions"] or []
    return [region for region in regions if region["modality"] == modality], [
        region for region in regions if region["modality"] != modality
    ]


def _moved(
    own: Sequence[dict[str, Any]], bounds: Sequence[list[int] | None], others: Sequence[dict[str, Any]]
) -> list[dict[str, Any]] | None:
    """All regions, those that moved without those that are gone."""
    kept = [{**region, "bounds": place} for region, place in zip(own, bounds, strict=True) if place is not None]
    return [*others, *kept] or None
