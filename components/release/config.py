"""The section `release` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section


@section
class ReleaseConfig:
    """What is released, and under which name."""

    model_name: Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")] = "headrace"
    """Versions are pushed to `served/MODEL_NAME/VERSION/` under HEADRACE_HOME."""

    variant: Literal["int8", "float"] = "int8"
    """Which model is judged and serves: the compressed LiteRT model, or the float SavedModel it stems from."""
