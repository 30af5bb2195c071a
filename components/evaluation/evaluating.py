"""An evaluation from models on disk to the report, but for TFMA's pipeline, which the executor runs in between."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

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
    memorisation,
    metrics,
    retrieval,
    robustness,
    scoring,
    slicing,
    tokens,
)
from components.evaluation.config import EvaluationConfig
from components.evaluation.examples import BITS, BYTES, COMPARISONS, DAMAGED, TOKENS, Examples, Pair, TokenFacts
from components.evaluation.held_out import HeldOut
from components.evaluation.limits import Limit, Members
from components.evaluation.report import Memorisation, ModelFigures, Report, Retrieval, Role, SliceFigures
from components.evaluation.robustness import Damaged
from schemas import progress
from schemas.errors import HeadraceError, SourceError
from serving import sequence
from serving.instance import Score
from serving.manifest import TOKENIZER_FILE, Manifest
from serving.model import Model, load
from serving.tokens import Tokenizer

SPLIT = "test"
_TRAINING_SPLIT = "train"
_SEED = 0
_NO_BASELINE = "no model is live yet, nothing to compare with"
_SEGMENTS = {"text": sequence.TEXT_SEGMENT, "code": sequence.CODE_SEGMENT}

TokenCounter = Callable[[HeldOut, str], int]


@dataclasses.dataclass(frozen=True)
class Answers:
    """What the models answered.

    Attributes:
        samples: what they were asked.
        manifests: what each model is.
        scores: each model's answers, one a sample.
        pairs: for each comparison, the answers of the served model and of the other that may be compared.
        tokens: for each model how many tokens of a sample's modality it is judged by.
        facts: what else is known of the served model's tokens.
        incomparable: why there is no comparison with a model.
        damaged: the served model on damaged samples, by condition.
        retrieval: if it was asked for.
        memorisation: if it was asked for and could be measured.
        why_no_memorisation: otherwise, why not.
        notes: what could not be measured or compared, and why.
    """

    samples: Sequence[HeldOut]
    manifests: Mapping[Role, Manifest]
    scores: Mapping[Role, Sequence[Score]]
    pairs: Mapping[Role, Pair]
    tokens: Mapping[Role, TokenCounter]
    facts: TokenFacts | None = None
    incomparable: Mapping[Role, str] = dataclasses.field(default_factory=dict)
    damaged: Mapping[str, Damaged] = dataclasses.field(default_factory=dict)
    retrieval: Retrieval | None = None
    memorisation: Memorisation | None = None
    why_no_memorisation: str = ""
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measured:
    """Answers, laid out for TFMA.

    Attributes:
        answers: of the models.
        examples: of the answers.
        members: the examples in each slice.
        limits: what the figures are held against.
        models: the names that TFMA is told.
        batch: what TFMA is given.
        tfma_config: how.
    """

    answers: Answers
    examples: Examples
    members: Members
    limits: Sequence[Limit]
    models: Sequence[str]
    batch: pa.RecordBatch
    tfma_config: tfma.EvalConfig


def ask(
    paths: Mapping[Role, pathlib.Path], directory: str | os.PathLike[str], config: EvaluationConfig, *, node: str
) -> Answers:
    """Asks every model about the held-out samples, and the served one what else is to be known of it.

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
    keys = _keys(config)
    samples = held_out.read(directory, SPLIT, config.max_samples, augmented="augmented" in keys)
    slicing.check(keys, samples)
    models: dict[Role, Model] = {}
    scores: dict[Role, list[Score]] = {}
    incomparable: dict[Role, str] = {}
    for role, path in paths.items():
        progress.start(node, f"scoring, {role.value} model", total=len(samples), unit="samples")
        try:
            model = load(path, threads=config.threads)
            scores[role] = scoring.score_all(model, samples, node=node)
            models[role] = model
        except HeadraceError as error:
            if role is not Role.BASELINE:
                raise
            incomparable[role] = f"the live model cannot be asked ({error.what})"
    served = models[Role.SERVED], scores[Role.SERVED]
    answers = Answers(
        samples=samples,
        manifests={role: model.manifest for role, model in models.items()},
        scores=scores,
        pairs={
            role: comparison.paired(samples, served, (models[role], scores[role]), node=node)
            for role in COMPARISONS
            if role in models
        },
        tokens={role: _token_counter(paths[role]) for role in models},
        incomparable=incomparable,
        notes=tuple(incomparable.values()),
    )
    return _looked_at_closely(answers, models[Role.SERVED], paths[Role.SERVED], directory, config, node)


def lay_out(answers: Answers, config: EvaluationConfig) -> Measured:
    """The answers as TFMA takes them, and what they are held against."""
    divisions = _divisions(config)
    table = examples.build(
        answers.samples,
        answers.scores,
        answers.pairs,
        tokens=answers.tokens,
        facts=answers.facts,
        keys=_keys(config),
        buckets=config.length_buckets,
    )
    members = slicing.members(table.values, divisions, len(table))
    compared = {Role.BASELINE: _NO_BASELINE} if Role.BASELINE not in answers.pairs else {}
    rules = limits.limits(
        config,
        table,
        members,
        damaged=robustness.counts(answers.damaged),
        incomparable={**compared, **answers.incomparable},
    )
    models = [*table.quantities, *([DAMAGED] if answers.damaged else [])]
    return Measured(
        answers=answers,
        examples=table,
        members=members,
        limits=rules,
        models=models,
        batch=examples.to_arrow(table, {name: damaged.sums for name, damaged in answers.damaged.items()}),
        tfma_config=analysis.eval_config(models, divisions, rules, accuracy_at=_accuracy_at(answers, config)),
    )


def conclude(measured: Measured, output: str | os.PathLike[str], config: EvaluationConfig) -> Report:
    """The report, once TFMA has written what it found."""
    answers = measured.answers
    has_baseline = Role.BASELINE in answers.pairs or Role.BASELINE in answers.incomparable
    found = analysis.read(output, measured.models, accuracy_at=_accuracy_at(answers, config))
    verdicts = judgement.verdicts(found, measured.limits)
    if config.memorisation.prompts:
        most = config.memorisation.max_extracted
        verdicts.append(judgement.of_memorisation(answers.memorisation, most, answers.why_no_memorisation))
    blessed, message = judgement.conclude(verdicts, has_baseline=has_baseline)
    return Report(
        split=SPLIT,
        samples=len(answers.samples),
        has_baseline=has_baseline,
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
            for role, manifest in answers.manifests.items()
        ),
        verdicts=tuple(verdicts),
        confidence=config.confidence,
        failing=judgement.failing(verdicts, measured.examples, measured.members, config.failing_examples),
        robustness=tuple(damaged.figures for damaged in answers.damaged.values()),
        retrieval=answers.retrieval,
        memorisation=answers.memorisation,
        notes=answers.notes,
    )


def _looked_at_closely(
    answers: Answers,
    model: Model,
    path: pathlib.Path,
    directory: str | os.PathLike[str],
    config: EvaluationConfig,
    node: str,
) -> Answers:
    """The answers, with all that only the served model is asked."""
    samples, scores = answers.samples, answers.scores[Role.SERVED]
    damaged: dict[str, Damaged] = {}
    if config.robustness.samples:
        most, conditions = config.robustness.samples, config.robustness.conditions
        progress.start(node, "scoring, damaged samples", total=most * len(conditions), unit="samples")
        damaged = robustness.test(model, samples, scores, conditions, most=most, seed=_SEED, node=node)
    found = retrieval.test(model, samples, config.retrieval, node=node) if config.retrieval.images else None
    answers = dataclasses.replace(answers, damaged=damaged, retrieval=found)
    if not (config.tokens.samples or config.memorisation.prompts):
        return answers
    try:
        reader = tokens.Reader(path, threads=config.threads)
        if config.tokens.samples:
            answers = dataclasses.replace(answers, facts=_facts(reader, samples, config, node))
        if config.memorisation.prompts:
            training = held_out.read(directory, _TRAINING_SPLIT)
            had_back = memorisation.test(reader, path, training, config.memorisation, node=node)
            answers = dataclasses.replace(answers, memorisation=had_back)
    except (tokens.NotReadableError, SourceError) as error:
        note = f"the tokens cannot be looked at: {error.what}"
        return dataclasses.replace(answers, why_no_memorisation=note, notes=(*answers.notes, note))
    return answers


def _facts(reader: tokens.Reader, samples: Sequence[HeldOut], config: EvaluationConfig, node: str) -> TokenFacts:
    """What the served model holds of the tokens of the first samples."""
    requests = [reader.encoder.encode(sample.instance) for sample in samples[: config.tokens.samples]]
    progress.start(node, "looking at tokens", total=len(requests), unit="samples")
    places = reader.read(requests, node=node)

    def of(index: int, modality: str) -> Sequence[float] | None:
        if index >= len(places):
            return None
        chosen = requests[index].segments == _SEGMENTS[modality]
        return tokens.facts(places[index], chosen, config.tokens.accuracy_at)

    return of


def _accuracy_at(answers: Answers, config: EvaluationConfig) -> Sequence[int]:
    return config.tokens.accuracy_at if answers.facts else ()


def _divisions(config: EvaluationConfig) -> list[tuple[str, ...]]:
    """Those that are asked for, and those that limits are on."""
    of_limits = (tuple(limit.where) for limit in config.slice_limits if not limit.condition)
    return [keys for keys in dict.fromkeys([*config.slices, *of_limits]) if keys]


def _keys(config: EvaluationConfig) -> list[str]:
    return list(dict.fromkeys(["modality", *(key for keys in _divisions(config) for key in keys)]))


def _token_counter(path: pathlib.Path) -> TokenCounter:
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
        return intervals.ratio(rows[:, BITS], rows[:, over], clusters, confidence)

    bits, of_tokens = interval(BYTES), interval(TOKENS)
    return dataclasses.replace(
        figures,
        interval=bits,
        perplexity_interval=(metrics.power(of_tokens[0]), metrics.power(of_tokens[1])) if of_tokens else None,
    )
