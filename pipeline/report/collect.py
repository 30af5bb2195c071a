"""Collects what the report of a run shows, from its folder, the metadata store and the artifacts.

Neither TensorFlow nor TFX is imported, so that it takes a second at most.
"""

from __future__ import annotations

import functools
import logging
import pathlib
from collections.abc import Callable
from typing import TypeVar

from components.compression import report as compression
from components.evaluation import report as evaluation
from components.infra_validation import report as infra_validation
from components.release import report as release
from lineage import graph, rendering
from pipeline.report import data, facts, gallery, run, training
from pipeline.report.outputs import NotThereError, Outputs
from schemas.home import Home

T = TypeVar("T")

_log = logging.getLogger(__name__)

_TREE_LINES = 400


def collect(home: Home, run_id: str) -> facts.Facts:
    """The facts of a run, of whatever kind and however far it came."""
    of_run = run.read(home, run_id)

    @functools.cache
    def outputs() -> Outputs:
        return Outputs(home, run_id, {node.id: node for node in of_run.nodes})

    return facts.Facts(
        run=of_run,
        funnel=_part(lambda: data.read(outputs())),
        gallery=_part(lambda: gallery.read(_samples(outputs()))),
        training=_part(lambda: training.read(outputs().directory("Train", "model_run"))),
        evaluation=_part(lambda: evaluation.Report.read(outputs().directory("Evaluate", "evaluation"))),
        compression=_part(lambda: compression.Report.read(outputs().directory("Compress", "report"))),
        serving=_part(lambda: infra_validation.Report.read(outputs().directory("InfraValidate", "blessing"))),
        release=_part(lambda: release.Report.read(outputs().directory("Release", "pushed_model"))),
        lineage=_part(lambda: _lineage(outputs())),
    )


def _part(read: Callable[[], T]) -> facts.Part[T]:
    """A part of the report, or why it is not there.

    Whatever goes wrong with one part, the others are shown: a report is wanted most where something is broken.
    """
    try:
        return read()
    except NotThereError as error:
        return facts.Missing(str(error))
    except Exception as error:
        _log.warning("a part of the report cannot be read", exc_info=True)
        return facts.Missing(f"it cannot be read ({type(error).__name__}: {str(error).strip()[:300]})")


def _samples(outputs: Outputs) -> pathlib.Path:
    """The samples after augmentation, or before if it did not come to that."""
    try:
        return outputs.directory("Augment", "augmented")
    except NotThereError:
        return outputs.directory("Align", "samples")


def _lineage(outputs: Outputs) -> facts.Lineage:
    for node, key, what in (
        ("Release", "pushed_model", "the release"),
        ("Compress", "compressed_model", "the compressed model"),
        ("Train", "model", "the model"),
    ):
        try:
            root = outputs.artifact(node, key)
        except NotThereError:
            continue
        lines = rendering.tree(graph.ancestry(outputs.store, root)).splitlines()
        if len(lines) > _TREE_LINES:
            lines[_TREE_LINES:] = [f"… {len(lines) - _TREE_LINES:,} more lines: headrace lineage show '#{root.id}'"]
        return facts.Lineage(what, "\n".join(lines))
    outputs.artifact("Train", "model")  # says why there is none
    raise NotThereError("there is no model")
