"""How to join and split: the `alignment` section."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Literal

import pydantic
import typing_extensions

from components.alignment.semantic.config import Matching
from components.dual_encoder.config import DualEncoderConfig
from schemas.config import section

_Fraction = Annotated[float, pydantic.Field(gt=0, lt=1)]
_Positive = Annotated[float, pydantic.Field(gt=0, le=31_536_000)]


@section
class Splits:
    """The fractions of the clusters that go into each split; together 1."""

    train: _Fraction = 0.8
    """What is learnt from."""
    eval: _Fraction = 0.1
    """What training is watched with."""
    test: _Fraction = 0.1
    """What the finished model is judged with."""

    @pydantic.model_validator(mode="after")
    def _whole(self) -> typing_extensions.Self:
        total = self.train + self.eval + self.test
        if not math.isclose(total, 1):
            raise ValueError(f"the fractions of the splits must add up to 1, not {total:g}")
        return self


@section
class KeyJoin:
    """What becomes of several records of one modality with one key. What is not taken is counted as surplus."""

    texts: Literal["all", "first", "each"] = "all"
    """all: one text of them, a line apart; first: the first, in the order of sources and then of ids; each: one sample
    for each, with the same images and codes."""
    images: Literal["first", "each"] = "first"
    """As of texts."""
    codes: Literal["first", "each"] = "first"
    """As of texts."""


@section
class TimestampJoin:
    """Joins the sources of a data set by time: each of the others to the reference. Records of one source that share a
    key stay together; the time is that of the first."""

    reference: Annotated[str, pydantic.Field(min_length=1)]
    """The source whose records the others are joined to, and whose clock counts."""
    how: Literal["nearest", "one_to_one", "windowed"] = "one_to_one"
    """nearest: each record of the reference takes the nearest one, which may be taken again; one_to_one: those that are
    nearest to each other; windowed: all within the tolerance."""
    tolerance_s: _Positive | None = None
    """The largest gap between two records that belong together. Null: three robust standard deviations, as found when
    the clock is estimated."""
    estimate_clock: bool = True
    """Learn the offset and the drift of each source's clock from the times; the run stops where they cannot be told.
    False: the clocks agree."""
    max_offset_s: _Positive = 60.0
    """How far from the reference's clock that of another source may be."""
    max_drift_ppm: _Positive = 200.0
    """How much it may gain or lose, microseconds a second."""
    examples: Annotated[int, pydantic.Field(ge=0, le=1000)] = 5
    """How many ambiguous and unmatched records of each source the report names."""

    @pydantic.model_validator(mode="after")
    def _tolerant(self) -> typing_extensions.Self:
        if self.tolerance_s is None and not self.estimate_clock:
            raise ValueError("tolerance_s must be given where estimate_clock is false")
        return self


@section
class SemanticJoin:
    """Joins the sources of a data set by what they say: each of the others to the reference. Records of one source that
    share a key stay together."""

    reference: Annotated[str, pydantic.Field(min_length=1)]
    """The source whose records the others are joined to."""
    matching: Matching = dataclasses.field(default_factory=Matching)
    """How pairs are found, and how sure one must be of them."""
    examples: Annotated[int, pydantic.Field(ge=0, le=1000)] = 5
    """How many pairs of each kind of doubt the report names."""


@section
class ImageText:
    """An encoder of images and texts, learnt from the samples of a run, by which later runs join images to texts."""

    train: bool = False
    """Train it on the samples of this run."""
    use: bool = False
    """Join things without a text by their image, with the newest encoder that an earlier run trained on other records."""
    encoder: DualEncoderConfig = dataclasses.field(default_factory=DualEncoderConfig)
    """How it learns."""


@section
class AlignmentConfig:
    """How records become samples."""

    keys: dict[str, KeyJoin] = dataclasses.field(default_factory=dict)
    """Rules for keys with several records of a modality, by the name of the data set; else those of `KeyJoin`."""

    timestamps: dict[str, TimestampJoin] = dataclasses.field(default_factory=dict)
    """Data sets whose sources have no common key and are joined by time, by name; all others are joined by key."""
    semantic: dict[str, SemanticJoin] = dataclasses.field(default_factory=dict)
    """Data sets whose sources have no common key and are joined by what they say, by name."""
    image_text: ImageText = dataclasses.field(default_factory=ImageText)
    """How images are joined to texts."""

    splits: Splits = Splits()
    """The fractions of the splits."""

    @pydantic.model_validator(mode="after")
    def _one_way(self) -> typing_extensions.Self:
        both = sorted(set(self.timestamps) & set(self.semantic))
        if both:
            raise ValueError(f"joined by time and by what they say, but only one is possible: {', '.join(both)}")
        return self
