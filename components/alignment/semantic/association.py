"""Associates two sides of things without a common key: who is about the same as whom, how sure that is, who is alone.

    compare(left, right, config)   candidates and what speaks for them
    fit(compared, truth, config)   a model from pairs that are known
    choose(compared, config)       the pairs, with scores
    associate(left, right, config) the first and the last

The order in which things come changes nothing: inside they are sorted by their content.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from components.alignment.semantic import assignment, candidates, comparing, encoders, features, model, shipped, texts
from components.alignment.semantic.candidates import Pairs
from components.alignment.semantic.config import Matching
from components.alignment.semantic.model import Model
from schemas.errors import ConfigError

_LEAST_LOG_ODDS = -9.0  # below it a pair is not worth a partner
_SURE = 0.5
_SURE_MARGIN = 0.1
_ROUNDS = 2
_FEWEST_LABELS = 100
_LIKELY = 0.5


@dataclasses.dataclass(frozen=True)
class Things:
    """One side.

    Attributes:
        lines: of each thing its texts: the name first, then other names, tags, descriptions. Empty for things without
            text, as images.
        vectors: float32 [things, dim] of an encoder, where they are at hand; else None.
    """

    lines: Sequence[texts.Lines]
    vectors: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.lines)


@dataclasses.dataclass(frozen=True)
class Compared:
    """What was looked at.

    Attributes:
        orders: the things of each side as they were given, sorted by content.
        pairs: of sorted things.
        features: float64 [pairs, features].
        names: of the features.
    """

    orders: tuple[np.ndarray, np.ndarray]
    pairs: Pairs
    features: np.ndarray
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Association:
    """What came of two sides. All are indices of the things as they were given, int64.

    Attributes:
        left: [pairs], rising.
        right: [pairs], who is about the same.
        scores: float64 [pairs], the probability that the pair is right.
        rivals: [pairs], the next best right thing for the left one; -1 if none was looked at.
        ambiguous: [n], left things without a pair although one of the right would do: another is as good, or it is
            taken; rising.
        contenders: [n, 2], for these their two best right things, best first; -1 if there is no second.
        unmatched_left: left things that nothing of the right is like.
        unmatched_right: right things that are in no pair.
    """

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray
    rivals: np.ndarray
    ambiguous: np.ndarray
    contenders: np.ndarray
    unmatched_left: np.ndarray
    unmatched_right: np.ndarray


def associate(
    left: Things,
    right: Things,
    config: Matching,
    *,
    encoder: encoders.Encoder | None = None,
    fitted: Model | None = None,
) -> Association:
    """Pairs two sides.

    Args:
        left: things.
        right: things.
        config: how.
        encoder: instead of the one that the configuration names; asked only for sides that bring no vectors.
        fitted: as `fit` gives it; None for what is shipped.

    Raises:
        ConfigError: the encoder's package is missing, or vectors of the two sides do not fit each other.
    """
    return choose(compare(left, right, config, encoder=encoder), config, fitted=fitted)


def compare(left: Things, right: Things, config: Matching, *, encoder: encoders.Encoder | None = None) -> Compared:
    """Looks up candidates and compares them. As `associate`."""
    vectors = _vectors(left, right, encoder or _wanted(left, right, config))
    orders = _order(left), _order(right)
    one, other = ([side.lines[index] for index in order] for side, order in zip((left, right), orders, strict=True))
    read = features.read(one, other, config.max_words)
    pairs = candidates.by_words(*read.vectors, config.candidates)
    encoded = None
    if vectors is not None:
        first, second = (side[order] for side, order in zip(vectors, orders, strict=True))
        found = candidates.by_vectors(first, second, config.candidates)
        pairs = candidates.union(pairs, found, columns=len(right))
        encoded = features.encoded(first, second, pairs)
    if not (read.left.words.size and read.right.words.size):
        only = encoded if encoded is not None else np.zeros((len(pairs), len(features.ENCODED)))
        return Compared(orders, pairs, only, features.ENCODED)
    own = features.lexical(read, pairs, _habits(read, pairs))
    if encoded is None:
        return Compared(orders, pairs, own, comparing.LEXICAL)
    return Compared(orders, pairs, np.column_stack([own, encoded]), comparing.LEXICAL + features.ENCODED)


def fit(compared: Compared, truth: Mapping[int, int | None], config: Matching) -> Model:
    """A model from things whose partner is known.

    Args:
        compared: both sides; those without a label help nothing and harm nothing.
        truth: for left things the right one that belongs to it, None if there is none.
        config: as for `choose`; scores are of pairs that are chosen in the same way.

    Raises:
        ConfigError: fewer than a hundred labels, or only right or only wrong candidates among them.
    """
    pairs, orders = compared.pairs, compared.orders
    partner = np.full(len(orders[0]), -2)
    for one, other in truth.items():
        partner[one] = -1 if other is None else other
    known = partner[orders[0]][pairs.left]
    true = orders[1][pairs.right] == known
    labelled = known > -2
    if len(truth) < _FEWEST_LABELS or len(set(true[labelled].tolist())) < 2:
        raise ConfigError(
            f"{len(truth)} labels, {int(true.sum())} of them right among the candidates: too few to learn from",
            where="alignment: labels",
            remedy=f"label at least {_FEWEST_LABELS} things, or leave the labels away",
        )
    pair = model.fit_pair(compared.features[labelled], true[labelled])
    odds = pair.log_odds(compared.features)
    taken = _taken(pairs, odds, config)
    judged = taken[labelled[taken]]
    seen = model.in_context(compared.features, odds, assignment.rivals(pairs, odds, taken))
    return Model(pair, model.fit_chosen(seen[judged], true[judged]))


def choose(compared: Compared, config: Matching, *, fitted: Model | None = None) -> Association:
    """Chooses pairs of what was looked at. As `associate`."""
    pairs, orders = compared.pairs, compared.orders
    judge = fitted or shipped.of(compared.names)
    odds = judge.pair.log_odds(compared.features)
    taken = _taken(pairs, odds, config)
    scores = judge.scores(compared.features, odds, assignment.rivals(pairs, odds, taken))
    kept = taken[scores[taken] >= config.min_score]
    left, right = orders[0][pairs.left[kept]], orders[1][pairs.right[kept]]
    place = np.argsort(left, kind="stable")
    best = _two_best(pairs, odds, len(orders[0]))
    second = np.where(best[:, 0] == _partners(pairs, kept, len(orders[0])), best[:, 1], best[:, 0])
    likely = np.zeros(len(orders[0]), bool)
    likely[pairs.left[odds >= np.log(_LIKELY / (1 - _LIKELY))]] = True
    likely[pairs.left[kept]] = False
    doubtful = np.flatnonzero(likely)
    doubtful = doubtful[np.argsort(orders[0][doubtful])]
    alone = np.setdiff1d(np.arange(len(orders[0])), np.concatenate((left, orders[0][doubtful])))
    return Association(
        left=left[place],
        right=right[place],
        scores=scores[kept][place],
        rivals=_given(orders[1], second[pairs.left[kept]])[place],
        ambiguous=orders[0][doubtful],
        contenders=_given(orders[1], best[doubtful]),
        unmatched_left=alone,
        unmatched_right=np.setdiff1d(np.arange(len(orders[1])), right),
    )


def _taken(pairs: Pairs, odds: np.ndarray, config: Matching) -> np.ndarray:
    if config.how == "one_to_one":
        return assignment.one_to_one(pairs, odds, _LEAST_LOG_ODDS)
    best = assignment.mutual_best(pairs, odds)
    return best[odds[best] > _LEAST_LOG_ODDS]


def _wanted(left: Things, right: Things, config: Matching) -> encoders.Encoder | None:
    if left.vectors is not None and right.vectors is not None:
        return None
    return encoders.named(config.encoder)


def _vectors(left: Things, right: Things, encoder: encoders.Encoder | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Vectors of length 1 of both sides: those that were given, else of all their lines; None without an encoder."""
    if encoder is None and left.vectors is None and right.vectors is None:
        return None
    first, second = (_of_side(side, encoder) for side in (left, right))
    if first.shape[1] != second.shape[1]:
        raise ConfigError(
            f"vectors of {first.shape[1]} and of {second.shape[1]} dimensions cannot be compared",
            where="alignment: encoder",
            remedy="encode both sides by one encoder",
        )
    return first, second


def _of_side(side: Things, encoder: encoders.Encoder | None) -> np.ndarray:
    vectors = side.vectors
    if vectors is None:
        if encoder is None:
            raise ConfigError(
                "one side has vectors and the other has none, nor is there an encoder to make them",
                where="alignment: encoder",
                remedy="give the encoder of the vectors",
            )
        vectors = encoder.encode([", ".join(lines) for lines in side.lines])
    return _unit(np.asarray(vectors, np.float32))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _order(side: Things) -> np.ndarray:
    """The things sorted by content."""
    vectors = side.vectors
    return np.array(
        sorted(
            range(len(side)),
            key=lambda index: (tuple(side.lines[index]), b"" if vectors is None else vectors[index].tobytes()),
        ),
        np.int64,
    )


def _habits(read: features.Texts, pairs: Pairs) -> features.Habits:
    """What the pairs beyond doubt say about words, found in two rounds without any label."""
    habits = features.Habits.unknown(len(read.vocabulary.words))
    for _ in range(_ROUNDS):
        own = features.lexical(read, pairs, habits)
        alike = (
            own[:, comparing.LEXICAL.index("name_agreement")] + own[:, comparing.LEXICAL.index("least_coverage")]
        ) / 2
        best = assignment.mutual_best(pairs, alike)
        near = assignment.rivals(pairs, alike, best)
        margin = np.minimum(near.of_left, near.of_right)[best]
        sure = best[(alike[best] >= _SURE) & (margin >= _SURE_MARGIN)]
        habits = features.learn(read, Pairs(pairs.left[sure], pairs.right[sure]))
    return habits


def _two_best(pairs: Pairs, odds: np.ndarray, things: int) -> np.ndarray:
    """For each left thing its two best right ones, -1 where there are fewer: int64 [things, 2]."""
    order = np.lexsort((pairs.right, -odds, pairs.left))
    left = pairs.left[order]
    ranks = np.arange(len(left)) - np.searchsorted(left, left)
    found = np.full((things, 2), -1, np.int64)
    first = ranks < 2
    found[left[first], ranks[first]] = pairs.right[order][first]
    return found


def _partners(pairs: Pairs, kept: np.ndarray, things: int) -> np.ndarray:
    found = np.full(things, -1, np.int64)
    found[pairs.left[kept]] = pairs.right[kept]
    return found


def _given(order: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Indices as things were given, of places in the sorted order; -1 stays."""
    if not len(order):
        return places
    return np.where(places >= 0, order[places], -1)
