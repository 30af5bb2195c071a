"""Apertium as its manual calls it: a start of the program for each batch of lines, `apertium -f line MODE`."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from benchmarks import worker


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the sentences at `sentences`, `batch` of them a start, through the modes in `modes`, one after another."""
    sentences: list[str] = json.loads(pathlib.Path(arguments["sentences"]).read_text())[: arguments["limit"]]
    version = subprocess.run(["apertium", "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]
    batch = arguments["batch"]

    def work() -> dict[str, Any]:
        answered = 0
        for at in range(0, len(sentences), batch):
            lines = "".join(f"{sentence}\n" for sentence in sentences[at : at + batch])
            for mode in arguments["modes"]:
                command = ["apertium", "-f", "line", mode]
                lines = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
            answered += lines.count("\n")
        return {"items": len(sentences), "answered": answered, "version": version}

    return work


if __name__ == "__main__":
    worker.serve(prepare)
