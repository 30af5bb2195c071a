"""An evaluation from models on disk to the report, but for TFMA's pipeline, which the executor runs in between."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping

import pyarrow as pa
import tensorflow_model_analysis as tfma

from components.evaluation import (
    analysis,
    comparison,
    examples,
    held_out,
    intervals,
    judgement,
    limits,
    metrics,
    scoring,
    slicing,
)
from components.evaluation.config import EvaluationConfig
from components.evaluation.examples import COMPARISONS, Examples
from components.evaluation.held_out import HeldOut
from components.evaluation.limits import Limit, Members
from components.evaluation.report import ModelFigures, Report, Role, SliceFigures
from schemas import progress
from schemas.errors import HeadraceError
from serving.instance import Score
from serving.manifest import TOKENIZER_FILE, Manifest
from serving.model import Model, load
from serving.tokens import Tokenizer

SPLIT = "test"
_NO_BASELINE = "no model is live yet, nothing to compare with"


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured before TFMA's analysis.

    Attributes:
        samples: how many samples were scored.
        manifests: what each model is.
        examples: what was scored.
        members: the examples in each slice.
        limits: what the figures are held against.
        batch: what TFMA is given.
        tfma_config: how.
        has_baseline: whether there is a live model.
        notes: what could not be compared, and why.
    """

    samples: int
    manifests: Mapping[Role, Manifest]
    examples: Examples
    members: Members
    limits: list[Limit]
    batch: pa.RecordBatch
    tfma_config: tfma.EvalConfig
    has_baseline: bool
    notes: tuple[str, ...]


def measure(
    paths: Mapping[Role, pathlib.Path], directory: str | os.PathLike[str], config: EvaluationConfig, *, node: str
) -> Measured:
    """Scores the held-out samples with every model.

    Args:
        paths: directories of exported models, the served one among them.
        directory: the aligned samples.
        config: what is asked.
        node: whose progress it is.

    Raises:
        ConfigError: a slice key does not exist.
        SourceError: nothing is held out.
        IntegrityError: the served model, or the float one, is not whole.
    """
    divisions = _divisions(config)
    keys = list(dict.fromkeys(["modality", *(key for keys in divisions for key in keys)]))
    samples = held_out.read(directory, SPLIT, config.max_samples, augmented="augmented" in keys)
    slicing.check(keys, samples)

    models: dict[Role, Model] = {}
    scores: dict[Role, list[Score]] = {}
    incomparable: dict[Role, str] = {} if Role.BASELINE in paths else {Role.BASELINE: _NO_BASELINE}
    for role, path in paths.items():
        progress.start(node, f"scoring, {role.value} model", total=len(samples), unit="samples")
        try:
            models[role] = load(path, threads=config.threads)
            scores[role] = scoring.score_all(models[role], samples, node=node)
        except HeadraceError as error:
            if role is not Role.BASELINE:
                raise
            models.pop(role, None)
            incomparable[role] = f"the live model cannot be asked ({error.what})"
    pairs = {
        role: comparison.paired(
            samples, (models[Role.SERVED], scores[Role.SERVED]), (models[role], scores[role]), node=node
        )
        for role in COMPARISONS
        if role in models
    }
    table = examples.build(
        samples,
        scores,
        pairs,
        tokens={role: _token_counter(paths[role]) for role in models},
        facts=None,
        keys=keys,
        buckets=config.length_buckets,
    )
    members = slicing.members(table.values, divisions, len(table))
    rules = limits.limits(config, table, members, damaged={}, incomparable=incomparable)
    return Measured(
        samples=len(samples),
        manifests={role: Manifest.read(paths[role]) for role in models},
        examples=table,
        members=members,
        limits=rules,
        batch=examples.to_arrow(table, {}),
        tfma_config=analysis.eval_config(list(table.quantities), divisions, rules),
        has_baseline=Role.BASELINE in paths,
        notes=(),
    )


def conclude(measured: Measured, output: str | os.PathLike[str], config: EvaluationConfig) -> Report:
    """The report, once TFMA has written what it found."""
    found = analysis.read(output, list(measured.examples.quantities))
    verdicts = judgement.verdicts(found, measured.limits)
    blessed, message = judgement.conclude(verdicts, has_baseline=measured.has_baseline)
    return Report(
        split=SPLIT,
        samples=measured.samples,
        has_baseline=measured.has_baseline,
        blessed=blessed,
        message=message,
        models=tuple(
            ModelFigures(
                role=role,
                format=manifest.format.value,
                quantization=manifest.quantization,
                slices=tuple(
                    _with_intervals(figures, measured, role, config.confidence)
                    for figures in sorted(found.figures[role.value].values(), key=lambda figures: figures.slice.order)
                ),
            )
            for role, manifest in measured.manifests.items()
        ),
        verdicts=tuple(verdicts),
        confidence=config.confidence,
        failing=judgement.failing(verdicts, measured.examples, measured.members, config.failing_examples),
        notes=measured.notes,
    )


def _divisions(config: EvaluationConfig) -> list[tuple[str, ...]]:
    """Those that are asked for, and those that limits are on."""
    of_limits = (tuple(limit.where) for limit in config.slice_limits if not limit.condition)
    return [keys for keys in dict.fromkeys([*config.slices, *of_limits]) if keys]


def _token_counter(path: pathlib.Path) -> Callable[[HeldOut, str], int]:
    """Counts the tokens of a sample's modality that a model is judged by."""
    manifest, tokenizer = Manifest.read(path), Tokenizer(path / TOKENIZER_FILE)

    def count(sample: HeldOut, modality: str) -> int:
        instance = sample.instance
        content = (instance.text, manifest.text_tokens) if modality == "text" else (instance.code, manifest.code_tokens)
        return len(tokenizer.encode(*content)[0])

    return count


def _with_intervals(figures: SliceFigures, measured: Measured, role: Role, confidence: float) -> SliceFigures:
    places = measured.members[figures.slice]
    rows, clusters = measured.examples.quantities[role.value][places], measured.examples.clusters[places]

    def interval(over: int) -> tuple[float, float] | None:
        return intervals.ratio(rows[:, metrics.BITS], rows[:, over], clusters, confidence)

    bits, of_tokens = interval(metrics.BYTES), interval(metrics.TOKENS)
    return dataclasses.replace(
        figures,
        interval=bits,
        perplexity_interval=(metrics.power(of_tokens[0]), metrics.power(of_tokens[1])) if of_tokens else None,
    )
