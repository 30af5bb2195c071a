"""The examples that are analysed: one for each modality of each sample, with every model's quantities in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.evaluation import slicing
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Role
from components.evaluation.slicing import MODALITIES
from serving.instance import Score

CALIBRATION_GROUPS = 10
EXAMPLES, BYTES, BITS, TOKENS, JUDGED_TOKENS = range(5)
"""Places of an example's quantities: examples (one), UTF-8 bytes, bits, tokens, and tokens that were looked at closely."""
SURPLUS = 5
"""The first of the groups: probability of the likeliest tokens, less how many of them are right, by that probability."""
HITS = SURPLUS + CALIBRATION_GROUPS
"""From here on, for each k, how many tokens are among the k likeliest."""

CHANGE, RISE = "change", "rise"
"""What stands for a model where the served one is compared with the live one, and with the float one: the differences."""
DAMAGED = "damaged"
"""What stands for a model where the served one is asked about damaged samples."""
COMPARISONS = {Role.BASELINE: CHANGE, Role.REFERENCE: RISE}

Floats = npt.NDArray[np.float64]
Pair = tuple[Sequence[Score], Sequence[Score]]
"""Scores of the served model and of another one, of the same bytes where they have as many."""


@dataclasses.dataclass(frozen=True)
class Examples:
    """Columns of equal length.

    Attributes:
        sample_ids: of which sample.
        values: for each slice key.
        clusters: numbers of the clusters, from 0 on, int64 `[examples]`.
        quantities: for each model's name, or what stands for one, float64 `[examples, quantities]`.
        others: for each comparison the bits of the model that is compared with, float64 `[examples]`.
    """

    sample_ids: tuple[str, ...]
    values: Mapping[str, tuple[str | None, ...]]
    clusters: npt.NDArray[np.int64]
    quantities: Mapping[str, Floats]
    others: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.sample_ids)


TokenFacts = Callable[[int, str], "Sequence[float] | None"]
"""Of a sample by its number and a modality: `JUDGED_TOKENS`, the surpluses and the hits; None where not measured."""


def column(model: str) -> str:
    """The column of the examples with a model's quantities."""
    return f"{model}_sums"


def build(
    samples: Sequence[HeldOut],
    scores: Mapping[Role, Sequence[Score]],
    pairs: Mapping[Role, Pair],
    *,
    tokens: Mapping[Role, Callable[[HeldOut, str], int]],
    facts: TokenFacts | None,
    keys: Iterable[str],
    buckets: Sequence[int],
) -> Examples:
    """The examples.

    Args:
        samples: what was scored.
        scores: each model's answers, one a sample; the served model's decide which modalities count.
        pairs: for each model that the served one is compared with, the answers of both that may be compared.
        tokens: for each model how many tokens of a sample's modality it is judged by.
        facts: what else is known of the served model's tokens.
        keys: of slices.
        buckets: see `EvaluationConfig.length_buckets`.
    """
    places = [
        (index, modality)
        for index in range(len(samples))
        for modality in MODALITIES
        if _bits(scores[Role.SERVED][index], modality)[1]
    ]
    names = {cluster: number for number, cluster in enumerate(dict.fromkeys(map(_cluster, samples)))}
    quantities = {}
    for role, answers in scores.items():
        rows = [
            _row(*_bits(answers[index], modality), tokens[role](samples[index], modality)) for index, modality in places
        ]
        quantities[role.value] = _matrix(rows, 4)
    if facts is not None:
        found = [facts(index, modality) for index, modality in places]
        width = max((len(row) for row in found if row is not None), default=0)
        added = _matrix([row if row is not None else [0.0] * width for row in found], width)
        quantities[Role.SERVED.value] = np.concatenate([quantities[Role.SERVED.value], added], axis=1)
    others = {}
    for role, (ours, theirs) in pairs.items():
        rows, compared = [], []
        for index, modality in places:
            (bits, size), (other, as_much) = _bits(ours[index], modality), _bits(theirs[index], modality)
            comparable = size > 0 and size == as_much
            rows.append(_row(bits - other, size, 0) if comparable else (0.0, 0.0, 0.0, 0.0))
            compared.append(other if comparable else 0.0)
        quantities[COMPARISONS[role]] = _matrix(rows, 4)
        others[COMPARISONS[role]] = np.array(compared, np.float64)
    return Examples(
        tuple(samples[index].sample_id for index, _ in places),
        {
            key: tuple(slicing.value(key, samples[index], modality, buckets) for index, modality in places)
            for key in dict.fromkeys(keys)
        },
        np.array([names[_cluster(samples[index])] for index, _ in places], np.int64),
        quantities,
        others,
    )


def to_arrow(examples: Examples, damaged: Mapping[str, Floats]) -> pa.RecordBatch:
    """The examples as TFMA takes them, those that are alike in all keys added up: it takes milliseconds for each.

    Args:
        damaged: for each condition the sums of the served model's quantities on damaged samples: rows of their own, in
            which all other models have nothing.

    Returns:
        A column for each slice key, empty where there is no value, and for each model a column of vectors.
    """
    order = {row: number for number, row in enumerate(dict.fromkeys(zip(*examples.values.values(), strict=True)))}
    cells = np.array([order[row] for row in zip(*examples.values.values(), strict=True)], np.int64)
    if not examples.values:
        order, cells = {(): 0}, np.zeros(len(examples), np.int64)
    columns: dict[str, list[Any]] = {
        key: [[] if row[place] is None else [str(row[place]).encode()] for row in order] + [[] for _ in damaged]
        for place, key in enumerate(examples.values)
    }
    columns["condition"] = [[] for _ in order] + [[condition.encode()] for condition in damaged]
    for model, rows in examples.quantities.items():
        sums = np.zeros((len(order), rows.shape[1]))
        np.add.at(sums, cells, rows)
        columns[column(model)] = [*sums.tolist(), *([0.0] * rows.shape[1] for _ in damaged)]
    if damaged:
        columns[column(DAMAGED)] = [*([0.0] * 4 for _ in order), *(sums.tolist() for sums in damaged.values())]
    types = {name: pa.list_(pa.float64() if name.endswith("_sums") else pa.binary()) for name in columns}
    return pa.RecordBatch.from_arrays(
        [pa.array(values, types[name]) for name, values in columns.items()], names=list(columns)
    )


def quantities(scores: Iterable[Score]) -> Floats:
    """The sums of what a model answered, text and code together, without tokens."""
    rows = [
        _row(*_bits(score, modality), 0) for score in scores for modality in MODALITIES if _bits(score, modality)[1]
    ]
    found: Floats = _matrix(rows, 4).sum(0)
    return found


def _bits(score: Score, modality: str) -> tuple[float, int]:
    """Bits and bytes."""
    nats, size = (score.text_nll, score.text_bytes) if modality == "text" else (score.code_nll, score.code_bytes)
    return nats / math.log(2), size


def _row(bits: float, size: int, tokens: int) -> tuple[float, float, float, float]:
    return 1.0, float(size), bits, float(tokens)


def _matrix(rows: Sequence[Sequence[float]], width: int) -> Floats:
    return np.array(rows, np.float64).reshape(len(rows), width)


def _cluster(sample: HeldOut) -> str:
    return sample.cluster or sample.sample_id
