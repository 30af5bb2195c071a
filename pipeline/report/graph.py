"""Where the nodes of a DAG go when it is drawn: a row a topological level, from top to bottom.

The layered method of K. Sugiyama, S. Tagawa and M. Toda, 'Methods for visual understanding of hierarchical system
structures', IEEE Trans. SMC 11 (1981), 109-125: levels, dummies where an arrow passes a level, barycentres for the
order within a level, then places.
"""

from __future__ import annotations

import dataclasses
import graphlib
import itertools
import statistics
from collections.abc import Mapping, Sequence

BOX_WIDTH, BOX_HEIGHT = 140, 42
_GAP_X, _GAP_Y, _MARGIN = 18, 30, 4
_PASS_WIDTH = 10  # what an arrow takes up where it passes a level
_SWEEPS = 12
_ROUNDS = 200
_STRAIGHT = (1, 2, 8)  # how much an edge wants to be upright, by how many of its ends are passing arrows
_MIDDLE = 0.02


@dataclasses.dataclass(frozen=True)
class Box:
    """A node, by its upper left corner, in pixels."""

    id: str
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class Arrow:
    """A dependency.

    Attributes:
        path: an SVG path from the lower edge of the source to the upper edge of the target.
    """

    source: str
    target: str
    path: str


@dataclasses.dataclass(frozen=True)
class Drawing:
    """All boxes are `BOX_WIDTH` by `BOX_HEIGHT`, within `width` by `height`, pixels."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def draw(upstream: Mapping[str, Sequence[str]]) -> Drawing:
    """Lays out a DAG.

    An arrow that follows from others (A -> C beside A -> B -> C) is left out; the picture is of the order.

    Args:
        upstream: every node with those that it waits for; others than the nodes themselves are ignored.

    Raises:
        graphlib.CycleError: it is no DAG.
    """
    graph = {node: [other for other in others if other in upstream] for node, others in upstream.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    edges = _reduced(graph, order)
    levels = _levels(edges, order)
    chains = {edge: _chain(edge, levels) for edge in edges}
    rows = _ordered(_rows(levels, order, chains), chains)
    centres = _places(rows, chains)
    left = min((centres[item] - _width(item) / 2 for row in rows for item in row), default=0) - _MARGIN
    right = max((centres[item] + _width(item) / 2 for row in rows for item in row), default=0) + _MARGIN
    centres = {item: x - left for item, x in centres.items()}
    tops = [_MARGIN + index * (BOX_HEIGHT + _GAP_Y) for index in range(len(rows))]
    return Drawing(
        width=right - left,
        height=len(rows) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN if rows else 0,
        boxes=tuple(Box(node, centres[node, ""] - BOX_WIDTH / 2, tops[levels[node]]) for node in order),
        arrows=tuple(
            Arrow(source, target, _path([(centres[item], tops[levels[source] + i]) for i, item in enumerate(chain)]))
            for (source, target), chain in chains.items()
        ),
    )


# An item of a row: a node (`(node, "")`), or an arrow that passes (`(source, target@level)`).
_Item = tuple[str, str]
_Chains = Mapping[tuple[str, str], Sequence[_Item]]


def _reduced(graph: Mapping[str, Sequence[str]], order: Sequence[str]) -> list[tuple[str, str]]:
    """The edges (source, target) that no longer path makes redundant."""
    ancestors: dict[str, set[str]] = {}
    edges = []
    for node in order:
        parents = dict.fromkeys(graph[node])
        ancestors[node] = set(parents).union(*(ancestors[parent] for parent in parents))
        for parent in parents:
            if not any(parent in ancestors[other] for other in parents):
                edges.append((parent, node))
    return edges


def _levels(edges: Sequence[tuple[str, str]], order: Sequence[str]) -> dict[str, int]:
    """Longest path from a root; a root itself stands right above the first that needs it."""
    levels = dict.fromkeys(order, 0)
    for node in order:
        levels[node] = max((levels[source] + 1 for source, target in edges if target == node), default=0)
    targets = {target for _, target in edges}
    for node in order:
        below = [levels[target] for source, target in edges if source == node]
        if node not in targets and below:
            levels[node] = min(below) - 1
    return levels


def _chain(edge: tuple[str, str], levels: Mapping[str, int]) -> list[_Item]:
    source, target = edge
    between = range(levels[source] + 1, levels[target])
    return [(source, ""), *((source, f"{target}@{level}") for level in between), (target, "")]


def _rows(levels: Mapping[str, int], order: Sequence[str], chains: _Chains) -> list[list[_Item]]:
    rows: list[list[_Item]] = [[] for _ in range(max(levels.values(), default=-1) + 1)]
    for node in order:
        rows[levels[node]].append((node, ""))
    for (source, _), chain in chains.items():
        for step, item in enumerate(chain[1:-1], 1):
            rows[levels[source] + step].append(item)
    return rows


def _neighbours(chains: _Chains) -> tuple[dict[_Item, list[_Item]], dict[_Item, list[_Item]]]:
    above: dict[_Item, list[_Item]] = {}
    below: dict[_Item, list[_Item]] = {}
    for chain in chains.values():
        for upper, lower in itertools.pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    return above, below


def _ordered(rows: list[list[_Item]], chains: _Chains) -> list[list[_Item]]:
    """The order seen with the fewest crossings, of those that barycentre sweeps up and down go through."""
    above, below = _neighbours(chains)
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(_SWEEPS):
        rows = [list(row) for row in rows]
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            place = {item: index / max(len(other), 1) for other in rows for index, item in enumerate(other)}
            near = above if downwards else below
            centre = {
                item: statistics.fmean([place[other] for other in near[item]] if item in near else [place[item]])
                for item in row
            }
            row.sort(key=lambda item, centre=centre: centre[item])  # type: ignore[misc]
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: Sequence[Sequence[_Item]], below: Mapping[_Item, Sequence[_Item]]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(rows):
        place = {item: index for index, item in enumerate(lower)}
        ends = [(i, place[other]) for i, item in enumerate(upper) for other in below.get(item, ())]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[i + 1 :])
    return total


def _places(rows: Sequence[Sequence[_Item]], chains: _Chains) -> dict[_Item, float]:
    """The centre of each item: as near as its row's order allows to those that it is tied to, and to the middle.

    Sum of squared distances, minimised a row at a time; an arrow that passes a level is to run straight above all.
    """
    ties: dict[_Item, list[tuple[_Item, int]]] = {}
    for chain in chains.values():
        for upper, lower in itertools.pairwise(chain):
            weight = _STRAIGHT[bool(upper[1]) + bool(lower[1])]
            ties.setdefault(upper, []).append((lower, weight))
            ties.setdefault(lower, []).append((upper, weight))
    centres: dict[_Item, float] = {}
    for row in rows:
        start = -sum(_width(item) + _GAP_X for item in row) / 2
        for item in row:
            centres[item] = start + _width(item) / 2
            start += _width(item) + _GAP_X
    for round_ in range(_ROUNDS):
        for row in rows if round_ % 2 == 0 else reversed(rows):
            weights = [sum(weight for _, weight in ties.get(item, ())) + _MIDDLE for item in row]
            pulls = [sum(weight * centres[other] for other, weight in ties.get(item, ())) for item in row]
            wanted = [pull / weight for pull, weight in zip(pulls, weights, strict=True)]
            centres.update(zip(row, _apart(row, wanted, weights), strict=True))
    return centres


def _apart(row: Sequence[_Item], wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The centres nearest to those wanted at which nothing overlaps (isotonic regression: pool adjacent violators)."""
    offsets = [0.0]
    for one, other in itertools.pairwise(row):
        offsets.append(offsets[-1] + _distance(one, other))
    pools: list[tuple[float, float, int]] = []  # where it stands, its weight, how many items move together
    for offset, place, weight in zip(offsets, wanted, weights, strict=True):
        pool = (place - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            before = pools.pop()
            total = before[1] + pool[1]
            pool = ((before[0] * before[1] + pool[0] * pool[1]) / total, total, before[2] + pool[2])
        pools.append(pool)
    places = [place for place, _, items in pools for _ in range(items)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


def _distance(one: _Item, other: _Item) -> float:
    return (_width(one) + _width(other)) / 2 + _GAP_X


def _width(item: _Item) -> int:
    return _PASS_WIDTH if item[1] else BOX_WIDTH


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Through centres and tops of a chain of items: curves between the rows, straight down where it passes one."""
    parts: list[str] = []
    for (x, top), (next_x, next_top) in itertools.pairwise(points):
        bottom, middle = top + BOX_HEIGHT, (top + BOX_HEIGHT + next_top) / 2
        parts.append(f"{'L' if parts else 'M'}{x:.1f} {bottom:.1f}")
        parts.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_top:.1f}")
    return "".join(parts)
