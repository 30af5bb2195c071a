"""The figures `gate_quality.*`: how often the gate refuses a model that is no worse, and catches one that is.

By simulation on real predictions. Two Kneser-Ney byte 3-grams learn from two disjoint halves of the functions of Python's
standard library and predict docstring and code of others: neither is truly better, and their predictions differ as those
of two trainings do. Each resample draws functions with replacement and has a coin decide, for each, which of the two models is
called the live one, so that truly nothing has changed. A regression is the same with the new model's bits on one slice 2%
above. What judges is the product's own code, all slices of its default configuration together.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Benchmark, Line, Options
from components.evaluation import limits, slicing
from components.evaluation.config import EvaluationConfig
from components.evaluation.examples import BITS, BYTES, CHANGE, Examples, build
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Metric, Role, Slice
from components.ingestion import python_library
from components.ingestion.items import Document
from components.training.ngrams import KneserNey3
from serving.instance import Instance, Score

REFUSALS = "gate_quality.false_refusals"
CAUGHT = "gate_quality.regressions_caught"
REGRESSION = 0.02
EXAMPLES_NEEDED = 500
CONFIG = EvaluationConfig()
_LEARNT, _HELD_OUT = 2400, 540
_RESAMPLES, _QUICK_RESAMPLES = 1000, 200
_ITSELF = "no peer: judged against what was simulated"


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A resample, ready to be judged.

    Attributes:
        examples: with the comparison `change` alone.
        members: the examples in each slice.
    """

    examples: Examples
    members: Mapping[Slice, npt.NDArray[np.int64]]


def draw(examples: Examples, members: Mapping[Slice, npt.NDArray[np.int64]], random: np.random.Generator) -> Drawn:
    """Clusters drawn with replacement; in each it is a toss-up which model is the live one.

    Args:
        examples: with the quantities of `served` and `baseline`.
        members: the examples in each slice.
        random: decides.
    """
    order = np.argsort(examples.clusters, kind="stable")
    starts = np.searchsorted(examples.clusters[order], np.arange(examples.clusters.max() + 2))
    drawn = random.integers(0, len(starts) - 1, len(starts) - 1)
    sizes = starts[drawn + 1] - starts[drawn]
    places = order[np.repeat(starts[drawn] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())]
    clusters = np.repeat(np.arange(len(drawn)), sizes)
    swapped = random.integers(0, 2, len(drawn)).astype(bool)[clusters]
    served, baseline = (examples.quantities[role.value][places] for role in (Role.SERVED, Role.BASELINE))
    new, live = np.where(swapped[:, None], baseline, served), np.where(swapped[:, None], served, baseline)
    return Drawn(
        dataclasses.replace(
            examples,
            sample_ids=tuple(examples.sample_ids[place] for place in places),
            clusters=clusters,
            quantities={CHANGE: _changed(new, live[:, BITS])},
            others={CHANGE: live[:, BITS]},
        ),
        {where: np.flatnonzero(np.isin(places, rows)) for where, rows in members.items()},
    )


def worse(drawn: Drawn, where: Slice, share: float) -> Drawn:
    """The same with the new model's bits on a slice above by a share."""
    rows = drawn.examples.quantities[CHANGE].copy()
    places = drawn.members[where]
    rows[places, BITS] += share * (rows[places, BITS] + drawn.examples.others[CHANGE][places])
    return dataclasses.replace(drawn, examples=dataclasses.replace(drawn.examples, quantities={CHANGE: rows}))


def broken(drawn: Drawn, config: EvaluationConfig = CONFIG) -> list[Slice]:
    """The slices on which the model is refused as worse than the live one."""
    found = []
    for limit in limits.limits(config, drawn.examples, drawn.members, damaged={}, incomparable={}):
        if limit.metric is Metric.REGRESSION and limit.why_not is None:
            total = drawn.examples.quantities[CHANGE][drawn.members[limit.slice]].sum(0)
            if total[BITS] / total[BYTES] > limit.bound:
                found.append(limit.slice)
    return found


def smallest(members: Mapping[Slice, npt.NDArray[np.int64]], needed: int) -> Slice:
    """The slice with the fewest examples that has as many as needed."""
    return min((where for where, rows in members.items() if len(rows) >= needed), key=lambda where: len(members[where]))


def predictions(seed: int) -> tuple[Examples, Mapping[Slice, npt.NDArray[np.int64]]]:
    """Real predictions of two models that are equally good, and their slices."""
    documents: dict[str, dict[str, bytes]] = {}
    root = python_library.standard_library()
    for item in python_library.read_python(root, max_file_bytes=1_000_000, limit=_LEARNT + _HELD_OUT):
        if isinstance(item, Document):
            documents.setdefault(item.key, {})[item.modality] = item.content
    keys = sorted(documents)
    np.random.Generator(np.random.Philox(key=[seed, 0])).shuffle(keys)
    held_out, learnt = keys[:_HELD_OUT], keys[_HELD_OUT:]
    models = [
        {
            modality: KneserNey3.fit(
                [documents[key][modality] for key in learnt[half::2] if modality in documents[key]]
            )
            for modality in slicing.MODALITIES
        }
        for half in range(2)
    ]
    samples = [_sample(key, documents[key]) for key in held_out]
    scores = {
        role: [_score(sample, model) for sample in samples]
        for role, model in zip((Role.SERVED, Role.BASELINE), models, strict=True)
    }
    divisions = [keys for keys in CONFIG.slices if keys]
    table = build(
        samples,
        scores,
        {},
        tokens=dict.fromkeys(scores, lambda sample, modality: 0),
        facts=None,
        keys=dict.fromkeys(key for keys in divisions for key in keys),
        buckets=CONFIG.length_buckets,
    )
    return table, slicing.members(table.values, divisions, len(table))


def _quality(options: Options) -> Iterator[Line]:
    examples, members = predictions(options.seed)
    where = smallest(members, EXAMPLES_NEEDED)
    resamples = _QUICK_RESAMPLES if options.quick else _RESAMPLES
    judged = sum(len(rows) >= CONFIG.min_examples for rows in members.values())
    refused = caught = 0
    for number in range(resamples):
        drawn = draw(examples, members, np.random.Generator(np.random.Philox(key=[options.seed, 1 + number])))
        if options.wants(REFUSALS):
            refused += bool(broken(drawn))
        if options.wants(CAUGHT):
            caught += bool(broken(worse(drawn, where, REGRESSION)))
    note = f"{len(examples):,} examples of {examples.clusters.max() + 1:,} functions, {judged} slices judged together"
    for figure, count, remark in (
        (REFUSALS, refused, "no true change"),
        (CAUGHT, caught, f"{REGRESSION:.0%} more bits on '{where}', {len(members[where]):,} examples"),
    ):
        if options.wants(figure):
            low, high = _interval(count, resamples)
            yield Line(
                figure,
                count / resamples,
                "share of resamples",
                spread={"ours": [low, high]},
                runs=resamples,
                why=_ITSELF,
                note=f"{remark}; {note}; the spread is the 95% interval of the share",
            )


def _interval(count: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927)."""
    z = 1.96
    share, extra = count / of, z * z / of
    middle = (share + extra / 2) / (1 + extra)
    reach = math.sqrt(share * (1 - share) / of * z * z + extra * extra / 4) / (1 + extra)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _changed(rows: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    changed = rows.copy()
    changed[:, BITS] -= others
    return changed


def _sample(key: str, contents: Mapping[str, bytes]) -> HeldOut:
    text, code = (contents[name].decode() if name in contents else None for name in slicing.MODALITIES)
    package = key.split(":")[1].split(".")[0]
    languages = {"text_language": "en", "code_language": "python"}
    # Packages stand for data sets and groups: a few large ones, and many small ones.
    return HeldOut(key, package[0], Instance(text, None, code), attributes={**languages, "group": package})


def _score(sample: HeldOut, models: Mapping[str, KneserNey3]) -> Score:
    found = {}
    for modality, content in (("text", sample.instance.text), ("code", sample.instance.code)):
        encoded = (content or "").encode()
        bits = models[modality].bits_per_byte([encoded]) * len(encoded)
        found[modality] = (bits * math.log(2), len(encoded))
    return Score(*found["text"], *found["code"])


BENCHMARKS = (Benchmark((REFUSALS, CAUGHT), _quality),)
