"""datatrove: the steps that correspond to ours, from Parquet to Parquet, in one process.

Mending of encodings, language identification, Gopher repetition and quality, C4 quality, redaction of e-mail and IP
addresses (it knows no other kinds), exact duplicates, near duplicates by MinHash over word trigrams. Its word tokeniser
is spaCy's blank English one, its default. The language model is the smaller lid.176.ftz, which ours uses too, because
its own is only to be had by download. Between steps documents stay in memory, where its pipelines write files.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

_assets = tempfile.TemporaryDirectory()
os.environ["HF_ASSETS_CACHE"] = _assets.name  # read at import; the language model is copied there

import pyarrow  # noqa: E402
from datatrove.data import Document  # noqa: E402
from datatrove.pipeline.dedup import ExactDedupFilter, ExactDedupSignature, ExactFindDedups  # noqa: E402
from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig  # noqa: E402
from datatrove.pipeline.filters import (  # noqa: E402
    C4QualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter  # noqa: E402
from datatrove.pipeline.readers import ParquetReader  # noqa: E402
from datatrove.pipeline.writers import ParquetWriter  # noqa: E402
from datatrove.utils.lid import FT176LID  # noqa: E402
from loguru import logger  # noqa: E402

from benchmarks import worker  # noqa: E402
from benchmarks.workers.datatrove_near_duplicates import deduplicated  # noqa: E402


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Each run reads the first `limit` documents below `texts`; `language_model` is the file of fastText's."""
    logger.remove()
    pyarrow.set_cpu_count(1)
    language = LanguageFilter(label_only=True)

    class PackagedModel(FT176LID):
        MODEL_URL = arguments["language_model"]

    language.model = PackagedModel()
    steps = [
        FTFYFormatter(),
        language,
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(),
        PIIFormatter(),
    ]
    _work(arguments["texts"], 20, steps)
    return lambda: _work(arguments["texts"], arguments["limit"], steps)


def _content(document: Document) -> str:
    return document.text


def _work(texts: str, limit: int, steps: list[Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        stream = ParquetReader(texts, limit=limit).run(None, 0, 1)
        for step in steps:
            stream = step.run(stream, 0, 1)
        fit = list(stream)
        config = ExactDedupConfig(content_getter=_content)
        ExactDedupSignature(f"{folder}/hashes", config).run(iter(fit), 0, 1)
        ExactFindDedups(f"{folder}/hashes", f"{folder}/twice", config).run(None, 0, 1)
        once = list(ExactDedupFilter(f"{folder}/twice", config).run(iter(fit), 0, 1))
        kept = deduplicated(once, f"{folder}/alike")
        writer = ParquetWriter(f"{folder}/kept", compression="zstd")
        for _ in writer.run(iter(kept), 0, 1):
            pass
    return {"items": limit, "kept": len(kept)}


if __name__ == "__main__":
    worker.serve(prepare, "datatrove")
