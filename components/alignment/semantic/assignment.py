"""Who belongs to whom, given how much speaks for each pair that was looked at; and how near the rivals come."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from components.alignment.semantic.candidates import Pairs

FAR = 8.0
"""The largest margin that is told apart from none being near, in log-odds."""
_LEAST = 1e-6


@dataclasses.dataclass(frozen=True)
class Rivals:
    """How far below each pair its rivals are, in log-odds, within plus and minus `FAR`: float64 [pairs] each.

    Attributes:
        of_left: the best other pair of the same left thing.
        of_right: and of the same right thing.
        regret: what all pairs together would lose if either took its best other partner, and that one's had none.
        equals: how many pairs of the same left or right thing have the same odds, itself among them.
    """

    of_left: np.ndarray
    of_right: np.ndarray
    regret: np.ndarray
    equals: np.ndarray


def mutual_best(pairs: Pairs, odds: np.ndarray) -> np.ndarray:
    """Which pairs are the best of both their things, rising indices; of equal ones the first."""
    return np.intersect1d(_firsts(pairs.left, odds), _firsts(pairs.right, odds))


def one_to_one(pairs: Pairs, odds: np.ndarray, least: float) -> np.ndarray:
    """The pairs, each thing in one at most, whose odds above `least` add up to the most: rising indices.

    Solved for each connected part of what is above `least` (Jonker and Volgenant 1987, sparse, in SciPy).
    """
    above = np.flatnonzero(odds > least)
    if not len(above):
        return above
    rows, left = np.unique(pairs.left[above], return_inverse=True)
    columns, right = np.unique(pairs.right[above], return_inverse=True)
    count = len(rows)
    graph = scipy.sparse.coo_matrix(
        (np.ones(len(above)), (left, count + right)), shape=(count + len(columns), count + len(columns))
    )
    parts = connected_components(graph, directed=False)[1][left]
    sizes = np.bincount(parts)
    alone = sizes[parts] == 1
    taken = [above[alone]]
    rest = np.flatnonzero(~alone)
    rest = rest[np.argsort(parts[rest], kind="stable")]
    for part in np.split(rest, np.flatnonzero(np.diff(parts[rest])) + 1) if len(rest) else []:
        taken.append(above[part[_matching(left[part], right[part], odds[above[part]] - least)]])
    return np.sort(np.concatenate(taken))


def rivals(pairs: Pairs, odds: np.ndarray, taken: np.ndarray) -> Rivals:
    """How near the rivals of each pair come.

    Args:
        pairs: that were looked at.
        odds: float64 [pairs], the log-odds of each.
        taken: indices of those that were chosen.
    """
    things = int(pairs.left.max(initial=-1)) + 1, int(pairs.right.max(initial=-1)) + 1
    held = [np.zeros(number) for number in things]
    for own, values in zip((pairs.left, pairs.right), held, strict=True):
        values[own[taken]] = np.maximum(odds[taken], 0)
    of_left = odds - _best_other(pairs.left, odds)
    of_right = odds - _best_other(pairs.right, odds)
    # Another partner is worth the less, the surer that one is of its own.
    by_left = odds - _best_other(pairs.left, odds - held[1][pairs.right])
    by_right = odds - _best_other(pairs.right, odds - held[0][pairs.left])
    return Rivals(
        of_left=np.clip(of_left, -FAR, FAR),
        of_right=np.clip(of_right, -FAR, FAR),
        regret=np.clip(np.minimum(by_left, by_right), -FAR, FAR),
        equals=np.maximum(_equals(pairs.left, odds), _equals(pairs.right, odds)),
    )


def _firsts(things: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """The best pair of each thing, of equal ones the first."""
    order = np.lexsort((np.arange(len(odds)), -odds, things))
    first = np.ones(len(order), bool)
    first[1:] = things[order][1:] != things[order][:-1]
    return order[first]


def _best_other(things: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """For each pair the odds of the best other pair of its thing; minus infinity without one."""
    order = np.lexsort((np.arange(len(odds)), -odds, things))
    sorted_things, sorted_odds = things[order], odds[order]
    starts = np.flatnonzero(np.concatenate(([True], sorted_things[1:] != sorted_things[:-1]))[: len(order)])
    counts = np.diff(np.concatenate((starts, [len(order)])))
    best = np.repeat(sorted_odds[starts], counts)
    padded = np.concatenate((sorted_odds, [-np.inf]))
    second = np.repeat(np.where(counts > 1, padded[np.minimum(starts + 1, len(order))], -np.inf), counts)
    is_best = np.zeros(len(order), bool)
    is_best[starts] = True
    found = np.empty(len(order))
    found[order] = np.where(is_best, second, best)
    return found


def _equals(things: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """For each pair how many of its thing have the same odds."""
    order = np.lexsort((odds, things))
    if not len(order):
        return order
    new = (np.diff(things[order]) != 0) | (np.diff(odds[order]) != 0)
    groups = np.concatenate(([0], np.cumsum(new)))
    found = np.empty(len(order), np.int64)
    found[order] = np.bincount(groups)[groups]
    return found


def _matching(left: np.ndarray, right: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Of one connected part the pairs that gain most together: indices."""
    rows, own_left = np.unique(left, return_inverse=True)
    columns, own_right = np.unique(right, return_inverse=True)
    many, few = len(rows), len(columns)
    # Each row has a column of its own for having no partner; its cost is the highest of all.
    ceiling = gains.max() + 1
    costs = scipy.sparse.coo_matrix(
        (
            np.concatenate((ceiling - gains, np.full(many, ceiling))) + _LEAST,
            (np.concatenate((own_left, np.arange(many))), np.concatenate((own_right, few + np.arange(many)))),
        ),
        shape=(many, few + many),
    ).tocsr()
    matched_rows, matched = min_weight_full_bipartite_matching(costs)
    partner = np.full(many, -1)
    partner[matched_rows] = matched
    return np.flatnonzero(partner[own_left] == own_right)
