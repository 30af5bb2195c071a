"""Ours: sensitive data in texts. `task` is `redact`, what the Clean stage does, or `find`, which tells what and where."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from benchmarks import worker
from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.detection import find_fast
from components.cleaning.sensitive.redaction import redact


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them."""
    pa.set_cpu_count(1)
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    config = Sensitive()
    redact(texts[:50], config)

    def find() -> dict[str, Any]:
        found = [[(each.kind.value, each.start, each.end) for each in find_fast(text, config)] for text in texts]
        return {"items": len(texts), "found": found}

    def replace() -> dict[str, Any]:
        outcomes = redact(texts, config)
        return {"items": len(texts), "touched": sum(bool(outcome.found) for outcome in outcomes)}

    return {"find": find, "redact": replace}[arguments["task"]]


if __name__ == "__main__":
    worker.serve(prepare)
