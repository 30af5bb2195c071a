"""How to clean: the `cleaning` section."""

from __future__ import annotations

from typing import Annotated, Literal, Union

import pydantic

from components.cleaning.decontamination.config import Decontamination
from components.cleaning.near_duplicates.config import NearDuplicates
from components.cleaning.quality.config import Quality
from components.cleaning.sensitive.config import Sensitive
from schemas.config import section

_Count = Annotated[int, pydantic.Field(ge=0)]


@section
class Spark:
    """Where Spark runs, when it is the engine."""

    master: str = "local[*]"
    """`local[N]`, `spark://HOST:PORT`, `yarn` or `k8s://...`, as `spark-submit --master` takes it."""
    options: dict[str, str] = pydantic.Field(default_factory=dict)
    """Spark properties, for instance `spark.executor.memory: 4g`."""


@section
class OwnRule:
    """A rule that is not Headrace's."""

    function: Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
    """`module:function`, importable from the working directory or from what is installed. It takes a batch of records
    and returns a list with a `Fault` or `None` for each."""
    arguments: dict[str, Union[bool, int, float, str]] = pydantic.Field(default_factory=dict)  # noqa: UP007
    """What it is called with besides the records."""


@section
class CleaningConfig:
    """What is standardised and what is rejected."""

    engine: Literal["beam", "spark"] = "beam"
    """What moves the records through the rules; the result is the same."""
    spark: Spark = Spark()
    """Where Spark runs."""
    beam: tuple[str, ...] = ()
    """Beam pipeline options on top of those of a local run, for instance `--runner=FlinkRunner`."""
    mend_text: bool = True
    """Undo broken encodings (`cafÃ©`) and drop control characters in texts. Code is never mended."""
    min_text_bytes: _Count = 2
    """Shorter texts are rejected."""
    min_code_bytes: _Count = 16
    """Shorter codes are rejected."""
    max_document_bytes: Annotated[int, pydantic.Field(ge=1, le=500_000_000)] = 10_000_000
    """Longer texts and codes are rejected before any rule reads them."""
    min_image_side: _Count = 8
    """Images with a shorter side, in pixels, are rejected."""
    max_image_pixels: Annotated[int, pydantic.Field(ge=1, le=89_478_485)] = 16_000_000
    """Images with more pixels are rejected before they are decoded."""
    min_duplicate_bytes: _Count = 64
    """Texts shorter than this may occur more than once: short names of different things are often equal."""
    quality: Quality = Quality()
    """Noise: documents, codes and images that are not worth learning from."""
    sensitive: Sensitive = Sensitive()
    """Personal data and secrets: what is redacted, what drops the record, what stays."""
    decontamination: Decontamination = Decontamination()
    """Benchmarks whose texts must not be learnt."""
    near_duplicates: NearDuplicates = NearDuplicates()
    """Documents and images that are alike."""
    rules: tuple[OwnRule, ...] = ()
    """Rules of your own, applied last to each record."""
