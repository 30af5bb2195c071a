"""The examples that TFMA analyses: one for each modality of each sample, with every model's figures in it."""

from __future__ import annotations

import collections
import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from components.evaluation.held_out import HeldOut
from components.evaluation.report import OVERALL, Role, Slice
from serving.instance import Score

ZERO = "zero"
CHANGE = "change"


def prediction_key(model: str) -> str:
    """The column with a model's bits per byte."""
    return f"{model}_bits_per_byte"


def weight_key(model: str) -> str:
    """The column with the bytes that a model's figure stands for."""
    return f"{model}_bytes"


def build(samples: Sequence[HeldOut], scores: Mapping[Role, Sequence[Score]]) -> pa.RecordBatch:
    """The examples, as TFMA takes them: every column a list of one value.

    Args:
        samples: what was scored.
        scores: each model's answers, one a sample; the served model's decide which modalities count.

    Returns:
        Columns `modality`, `source`, `zero` (the label, since a prediction that is the loss itself needs none), for
        each model its bits per byte and bytes, and with a baseline the served model's `change`: how many bits per byte
        it needs more than the baseline.
    """
    columns: dict[str, list[object]] = collections.defaultdict(list)
    for index, sample in enumerate(samples):
        for modality in ("text", "code"):
            figures = {role: _figures(answers[index], modality) for role, answers in scores.items()}
            if figures[Role.SERVED][1] == 0:
                continue
            columns["modality"].append(modality.encode())
            columns["source"].append(sample.source.encode())
            columns[ZERO].append(0.0)
            for role, (bits_per_byte, size) in figures.items():
                columns[prediction_key(role.value)].append(bits_per_byte)
                columns[weight_key(role.value)].append(float(size))
            if Role.BASELINE in figures:
                served, size = figures[Role.SERVED]
                columns[prediction_key(CHANGE)].append(served - figures[Role.BASELINE][0])
                columns[weight_key(CHANGE)].append(float(size))
    return pa.RecordBatch.from_arrays(
        [pa.array([[value] for value in values]) for values in columns.values()], names=list(columns)
    )


def count(examples: pa.RecordBatch) -> dict[Slice, int]:
    """How many examples each slice has; the whole first, then by modality, by source, by both."""
    counts: collections.Counter[Slice] = collections.Counter()
    for (modality,), (source,) in zip(examples["modality"].to_pylist(), examples["source"].to_pylist(), strict=True):
        modality, source = modality.decode(), source.decode()
        counts.update({OVERALL, Slice(modality=modality), Slice(source=source), Slice(modality, source)})
    return {where: counts[where] for where in sorted(counts, key=lambda where: where.order)}


def models(examples: pa.RecordBatch) -> list[str]:
    """The names of the models whose figures the examples have, `change` among them where there is a baseline."""
    return [name for name in (*(role.value for role in Role), CHANGE) if weight_key(name) in examples.schema.names]


def _figures(score: Score, modality: str) -> tuple[float, int]:
    """Bits per byte and bytes."""
    nats, size = (score.text_nll, score.text_bytes) if modality == "text" else (score.code_nll, score.code_bytes)
    return (nats / math.log(2) / size if size else 0.0), size
