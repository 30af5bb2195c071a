"""The kinds of copies: each takes samples and gives, for each, what is different in a copy, or why there is none."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from components.augmentation.back_translation import paraphrasing
from components.augmentation.code import varying as codes
from components.augmentation.config import AugmentationConfig
from components.augmentation.image import varying as images
from components.augmentation.synonyms import replacing
from components.augmentation.synonyms.replacing import Corpus
from schemas import regions

Sample = dict[str, Any]
Changes = dict[str, Any]
"""The fields of the copy that differ from its parent's."""


@dataclasses.dataclass(frozen=True)
class Context:
    """What is beside the samples.

    Attributes:
        cache: a directory where translations are kept; None keeps none.
        corpus: what stands beside what in the training texts; None where no synonym is asked for.
    """

    cache: pathlib.Path | None = None
    corpus: Corpus | None = None


Variation = Callable[
    [Sequence[Sample], AugmentationConfig, Sequence[np.random.Generator], Context], list["Changes | str"]
]
"""Samples with the modality, the configuration, a source of randomness for each, and what is beside them; gives changes,
or the reason why there are none."""

UNVARIED = "nothing_to_vary"
OTHER_LANGUAGE = "other_language"
_ENGLISH = "en"


def vary_images(
    samples: Sequence[Sample], config: AugmentationConfig, randoms: Sequence[np.random.Generator], _: Context
) -> list[Changes | str]:
    """Images, and the boxes in them."""
    return [_image(sample, config, random) for sample, random in zip(samples, randoms, strict=True)]


def vary_codes(
    samples: Sequence[Sample], config: AugmentationConfig, randoms: Sequence[np.random.Generator], _: Context
) -> list[Changes | str]:
    """Codes, and the ranges of lines in them."""
    return [_code(sample, config, random) for sample, random in zip(samples, randoms, strict=True)]


def replace_words(
    samples: Sequence[Sample], config: AugmentationConfig, randoms: Sequence[np.random.Generator], context: Context
) -> list[Changes | str]:
    """Texts with synonyms in them, and the spans in them."""
    return [_words(sample, config, random, context) for sample, random in zip(samples, randoms, strict=True)]


def translate_back(
    samples: Sequence[Sample], config: AugmentationConfig, _: Sequence[np.random.Generator], context: Context
) -> list[Changes | str]:
    """Texts in other words. Where a span has gone is not known: it is dropped."""
    english = config.back_translation.filter.language
    wanted = {sample["sample_id"]: sample["text"] for sample in samples if _language(sample) == english}
    told = paraphrasing.paraphrase(list(wanted.values()), config.back_translation, context.cache)
    reasons = told.skipped.elements()
    found: dict[str, Changes | str] = {}
    for (sample_id, _text), text in zip(wanted.items(), told.texts, strict=True):
        found[sample_id] = next(reasons) if text is None else {"text": text}
    changes: list[Changes | str] = []
    for sample in samples:
        outcome = found.pop(sample["sample_id"], UNVARIED if sample["sample_id"] in wanted else OTHER_LANGUAGE)
        if isinstance(outcome, dict):
            outcome["regions"] = _regions(sample, "text")[1] or None
        changes.append(outcome)
    return changes


def _words(sample: Sample, config: AugmentationConfig, random: np.random.Generator, context: Context) -> Changes | str:
    if _language(sample) != _ENGLISH:
        return OTHER_LANGUAGE
    replaced = replacing.replace(sample["text"], config.synonyms, random, context.corpus)
    if replaced is None:
        return UNVARIED
    own, others = _regions(sample, "text")
    spans = regions.shift_spans([(region["bounds"][0], region["bounds"][1]) for region in own], replaced.edits)
    return {"text": replaced.text, "regions": _moved(own, [span and [*span, 0, 0] for span in spans], others)}


def _language(sample: Sample) -> str | None:
    language: str | None = sample["attributes"].get("text_language")
    return language


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
