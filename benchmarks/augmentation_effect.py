"""The figures `augment.held_out_bits_per_byte.KIND`: whether copies help, told by real runs.

The default pipeline is run as a user runs it, without any copies, with copies of each kind and with all of them, for some
seeds; of each run the held-out loss that Train tells. Runs of one seed have the same splits, so the differences are paired:
what counts is the change a seed, not the spread of the losses. Once with so few data that each sample is seen several times, where
copies can help most, and once with all data, of which the default run sees less than there are.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.contest import ROOT
from benchmarks.corpus import CACHE
from benchmarks.harness import Benchmark, Line, Options, ratio
from components.augmentation.config import AllCopies
from components.training.report import Report
from lineage import store
from schemas.home import Home

FIGURE = "augment.held_out_bits_per_byte"
KINDS = tuple(field.name for field in dataclasses.fields(AllCopies))
_CASES = {**{kind: (kind,) for kind in KINDS}, "all": KINDS}
_SEEDS = 3
_FRACTION = 0.5
_SCARCE = 400
_SOURCES = ("openmoji", "emoji-datasource", "python")
_DATA = {
    "scarce": ("training.steps=300", *(f"ingestion.sources.{name}.limit={_SCARCE}" for name in _SOURCES)),
    "plenty": ("training.steps=600",),
}
# What comes after the training is of no account here.
_UNJUDGED = (
    *("evaluation.max_bits_per_byte=20", "evaluation.slice_limits=[]", "evaluation.min_examples=1"),
    *("evaluation.max_samples=10", "compression.latency_runs=10", "compression.loss_samples=10"),
)


def effect(options: Options) -> Iterator[Line]:
    """Held-out bits a byte with copies beside none, the median of the seeds; the lowest and highest change is told."""
    seeds = [options.seed + number for number in range(_SEEDS)]
    for data, overrides in _DATA.items():
        cases = {case: kinds for case, kinds in _CASES.items() if options.wants(_name(data, case))}
        without = [_loss((), seed, overrides) for seed in seeds] if cases else []
        for case, kinds in cases.items():
            losses = [_loss(kinds, seed, overrides) for seed in seeds]
            changes = [loss - other for loss, other in zip(losses, without, strict=True)]
            ours, peer = statistics.median(losses), statistics.median(without)
            yield Line(
                figure=_name(data, case),
                ours=ours,
                unit="bits per byte",
                peer=peer,
                ratio=ratio(ours, peer, more_is_better=False),
                peer_name="no copies",
                spread={"ours": [min(losses), max(losses)], "peer": [min(without), max(without)]},
                runs=len(seeds),
                note=f"{overrides[0]}, copies of {_FRACTION:.0%} of the training samples; change a seed "
                + ", ".join(f"{change:+.4f}" for change in changes),
            )


def _name(data: str, case: str) -> str:
    return ".".join(filter(None, (FIGURE, data, case)))


def _loss(kinds: tuple[str, ...], seed: int, overrides: tuple[str, ...]) -> float:
    """The held-out loss of a run, which is cached where it was run before."""
    home = Home(CACHE / "augmentation-home")
    copies = tuple(f"augmentation.copies.{kind}.fraction={_FRACTION if kind in kinds else 0}" for kind in KINDS)
    command = [str(pathlib.Path(sys.executable).parent / "headrace"), "run", "--json", f"seed={seed}"]
    answer = subprocess.run(
        [*command, *copies, *overrides, *_UNJUDGED],
        cwd=ROOT,
        env={**os.environ, "HEADRACE_HOME": str(home.root)},
        capture_output=True,
        text=True,
    )
    if not answer.stdout:
        raise RuntimeError(f"a run ended with {answer.returncode}: {answer.stderr[-2000:]}")
    trained = next(node for node in json.loads(answer.stdout)["nodes"] if node["node"] == "Train")
    connected = store.connect(home)
    made = {
        event.artifact
        for event in connected.events_of_executions([trained["execution_id"]])
        if event.role is store.Role.OUTPUT
    }
    [run] = [artifact for artifact in connected.artifacts_of_type("ModelRun") if artifact.id in made]
    return Report.read(run.uri).bits_per_byte


BENCHMARKS = (Benchmark(tuple(_name(data, case) for data in _DATA for case in _CASES), effect, quick=False),)
