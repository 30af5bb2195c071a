"""Ours: sentences through apertium. `task` is `one_way`, a translation each, or `round_trip`: there, back and judged."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from benchmarks import worker
from components.augmentation.back_translation.apertium import Apertium
from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.back_translation.paraphrasing import said_again


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the sentences (a JSON list) at `sentences`."""
    sentences: list[str] = json.loads(pathlib.Path(arguments["sentences"]).read_text())
    config = BackTranslation()
    said_again(sentences[:20], config)
    translator = Apertium(config)
    translator.translate(sentences[:20], translator.source, translator.pivot)

    def one_way() -> dict[str, Any]:
        translations = translator.translate(sentences, translator.source, translator.pivot)
        return {"items": len(sentences), "failed": sum(each.failure is not None for each in translations)}

    def round_trip() -> dict[str, Any]:
        outcomes = said_again(sentences, config)
        return {"items": len(sentences), "replaced": sum(each.reason is None for each in outcomes.values())}

    return {"one_way": one_way, "round_trip": round_trip}[arguments["task"]]


if __name__ == "__main__":
    worker.serve(prepare)
