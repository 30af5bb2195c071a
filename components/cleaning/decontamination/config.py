"""Which benchmarks must not be learnt: the `decontamination` section of cleaning."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section


@section
class Decontamination:
    """Records that share a sequence of words with a benchmark are rejected (Brown et al. 2020, arXiv:2005.14165,
    appendix C)."""

    benchmarks: tuple[str, ...] = ()
    """Files (paths or URIs) of benchmarks: `.jsonl`, `.parquet`, or text whose items empty lines separate. Empty: no
    record is looked at."""
    fields: tuple[str, ...] = ()
    """Fields of JSON lines and Parquet that hold texts; empty takes all strings and lists of strings."""
    ngram: Annotated[int, pydantic.Field(ge=2, le=64)] = 13
    """Words in a sequence. Words are letters and digits in lower case; punctuation does not matter."""
    min_ngram: Annotated[int, pydantic.Field(ge=2, le=64)] = 8
    """A benchmark's text of fewer words than `ngram`, but at least so many, counts when it occurs whole; a still
    shorter one is not looked for, since it occurs by chance."""
