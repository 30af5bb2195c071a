"""Models that figures of compression are measured on: made once by a process of their own, kept below `.tools`, then timed
and weighed side by side.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from benchmarks.contest import Contender
from benchmarks.corpus import CACHE
from benchmarks.harness import Line
from components import process
from lineage.fingerprint import fingerprint

FACTS = "facts.json"
INPUTS = "inputs.npz"
FLOAT, INT8 = "float.tflite", "int8.tflite"
PEER = "float LiteRT"


@dataclasses.dataclass(frozen=True)
class Made:
    """A folder of models.

    Attributes:
        folder: holds them, `INPUTS` to time them with, and `FACTS`.
        facts: what their maker told of them.
    """

    folder: pathlib.Path
    facts: dict[str, Any]

    def size(self, name: str) -> int:
        """Bytes of one of its files."""
        return (self.folder / name).stat().st_size

    def timed(self, file: str, *, calls: int, items: int = 1, name: str, module: str = "litert") -> Contender:
        """Whoever calls one of its models so often in a run, each call counting for so many items."""
        arguments = {"model": str(self.folder / file), "inputs": str(self.folder / INPUTS)}
        return Contender(f"benchmarks.workers.{module}", {**arguments, "calls": calls, "items": items}, name=name)


def made(module: str, job: dict[str, Any], *, sources: Sequence[str]) -> Made:
    """What a maker makes of a job, made unless it is there of the same code.

    Args:
        module: of `benchmarks.workers`, run by `components.process`; writes into the job's `folder`.
        job: plain values.
        sources: further modules of benchmarks that it depends on.

    Raises:
        HeadraceError: it could not be made.
    """
    code = [_source(name) for name in (f"benchmarks.workers.{module}", *sources)]
    parts = [f"components.{name}" for name in ("compression.convert", "compression.fusion", "retraining.fine_tuning")]
    told = [json.dumps(job, sort_keys=True), *code, *map(fingerprint, parts)]
    place = CACHE / f"{module}-{hashlib.sha256(chr(0).join(told).encode()).hexdigest()[:8]}"
    if not place.exists():
        aside = place.with_suffix(".tmp")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        process.run(f"benchmarks.workers.{module}", {**job, "folder": str(aside)}, node=module)
        aside.replace(place)
    return Made(place, json.loads((place / FACTS).read_text()))


def size_line(figure: str, models: Made, *, note: str) -> Line:
    """How much smaller the int8 file is."""
    ours, peer = (models.size(name) / 1000 for name in (INT8, FLOAT))
    return Line(figure, ours, "kB", peer=peer, ratio=peer / ours, peer_name=PEER, note=note)


def judged(line: Line, *, least: float | None = None, most: float | None = None) -> Line:
    """The line with its goal, and whether it is reached: at least so large a ratio, or at most so large a value."""
    if least is not None:
        reached, goal = line.ratio is not None and line.ratio >= least, f"at least {least:g} times"
    else:
        reached, goal = line.ours is not None and most is not None and line.ours <= most, f"at most {most:g}"
    verdict = f"goal {goal}: {'reached' if reached else 'MISSED'}"
    return dataclasses.replace(line, note="; ".join(filter(None, (verdict, line.note))))


def _source(module: str) -> str:
    found = importlib.util.find_spec(module)
    assert found is not None and found.origin is not None
    return pathlib.Path(found.origin).read_text()
