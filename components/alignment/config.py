"""How to join and split: the `alignment` section."""

from __future__ import annotations

import math
from typing import Annotated

import pydantic
import typing_extensions

from schemas.config import section

_Fraction = Annotated[float, pydantic.Field(gt=0, lt=1)]


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
class AlignmentConfig:
    """How records become samples."""

    splits: Splits = Splits()
    """The fractions of the splits."""
