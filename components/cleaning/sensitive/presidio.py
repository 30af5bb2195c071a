"""Names and places by presidio-analyzer, where a user has installed it and asks for it."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.findings import Finding, Kind
from schemas.errors import ConfigError

KINDS = {"PERSON": Kind.PERSON_NAME, "LOCATION": Kind.POSTAL_ADDRESS}
"""Presidio's entities for which there are no rules here. Its others find less than the rules do, and that of e-mail
addresses fetches a list from the network."""
_MAX_CHARACTERS = 100_000
"""Longer texts go to presidio in pieces: spaCy refuses a million characters, and memory grows with the length."""


def find(text: str, config: Sensitive) -> list[Finding]:
    """What presidio recognises with at least `min_presidio_score`.

    Raises:
        ConfigError: presidio-analyzer or the spaCy model is not installed.
    """
    analyse = _analyser(config.presidio_model).analyze
    return [
        Finding(KINDS[result.entity_type], offset + result.start, offset + result.end)
        for offset in range(0, len(text), _MAX_CHARACTERS)
        for result in analyse(text[offset : offset + _MAX_CHARACTERS], language="en", entities=list(KINDS))
        if result.score >= config.min_presidio_score
    ]


@functools.lru_cache(maxsize=1)
def _analyser(model: str) -> Any:
    try:
        presidio = importlib.import_module("presidio_analyzer")
        engines = importlib.import_module("presidio_analyzer.nlp_engine")
        models = importlib.import_module("spacy.util")
    except ImportError as missing:
        raise ConfigError(
            f"`presidio` is on, but {missing.name} is not installed",
            where="cleaning.sensitive.presidio",
            remedy="pip install presidio-analyzer and a spaCy model, or switch it off",
        ) from missing
    if not models.is_package(model):
        raise ConfigError(
            f"the spaCy model {model} is not installed",
            where="cleaning.sensitive.presidio_model",
            remedy=f"install {model}, or name a model that is installed",
        )
    provider = engines.NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    )
    return presidio.AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
