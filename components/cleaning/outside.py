"""What a cleaning depends on besides its configuration, its records and the code of Headrace."""

from __future__ import annotations

import hashlib

from components.cleaning import own_rules
from components.cleaning.config import CleaningConfig
from components.cleaning.decontamination import ngrams


def digest(config: CleaningConfig) -> str:
    """A digest of the user's own rules and of the benchmarks' files; empty if the configuration names none.

    Raises:
        ConfigError: a rule is not there or does not take its arguments.
        SourceError: a benchmark's file is not there.
    """
    for rule in config.rules:
        own_rules.load(rule)
    parts = [own_rules.source_digest(rule) for rule in config.rules]
    parts += [ngrams.file_digest(path) for path in config.decontamination.benchmarks]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16] if parts else ""
