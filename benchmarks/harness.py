"""What every benchmark is run by: which figures, how they are told.

    python -m benchmarks.NAME [--only FIGURE] [--quick] [--json] [--seed N]

`--only` takes a figure or what its dotted name begins with. `--json` prints one object a line:

    figure        its name
    ours, peer    medians over the runs; null where nothing could be measured, then `why` says why
    ratio         always so that above 1 ours is better; null without a peer
    unit          of ours and peer
    peer_name, peer_version
    spread        lowest and highest of the runs, for ours and for the peer
    runs          how many of each
    wall          ours and peer by the clock, where the figure itself is by processor time
    note          what a reader must know to compare
    machine       where it was measured
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import rich.console
import rich.table

from benchmarks.contest import Reading, Standing

_TOLD = ("numpy", "numba", "pyarrow", "hyperscan", "apache-beam", "pyspark", "tensorflow", "keras")
_PAGE = 160  # characters a line, where there is no terminal to fit


@dataclasses.dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        quick: on less work, within 45 seconds a figure.
        seed: what the generated data depend on.
        only: the figure asked for, or what its name begins with; empty for all.
    """

    quick: bool = False
    seed: int = 1
    only: str = ""

    def wants(self, figure: str) -> bool:
        """Whether a figure is asked for, by itself or as a part."""
        return not self.only or figure == self.only or figure.startswith(self.only + ".")


@dataclasses.dataclass(frozen=True)
class Line:
    """A figure as told."""

    figure: str
    ours: float | None
    unit: str
    peer: float | None = None
    ratio: float | None = None
    peer_name: str | None = None
    peer_version: str | None = None
    spread: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    runs: int = 1
    wall: dict[str, float] = dataclasses.field(default_factory=dict)
    why: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """What measures some figures.

    Attributes:
        figures: the names that it tells; parts of these may follow.
        measure: measures them.
        quick: whether it is part of `--quick`.
    """

    figures: tuple[str, ...]
    measure: Callable[[Options], Iterable[Line]]
    quick: bool = True

    def answers(self, options: Options) -> bool:
        """Whether it tells what is asked for."""
        asked = any(options.wants(figure) or options.only.startswith(figure + ".") for figure in self.figures)
        return asked and (self.quick or not options.quick)


def main(benchmarks: Sequence[Benchmark], arguments: Sequence[str] | None = None) -> int:
    """The command line of a benchmark. Returns the exit code: 2 if there is no such figure."""
    parser = argparse.ArgumentParser(description="Prints our figures beside a peer's.")
    parser.add_argument("--only", default="", metavar="FIGURE", help="this figure, or those whose names begin so")
    parser.add_argument("--quick", action="store_true", help="less work, within 45 s a figure")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--seed", type=int, default=1, help="of the generated data")
    given = parser.parse_args(arguments)
    options = Options(quick=given.quick, seed=given.seed, only=given.only)
    chosen = [benchmark for benchmark in benchmarks if benchmark.answers(options)]
    if not chosen:
        names = ", ".join(figure for benchmark in benchmarks for figure in benchmark.figures)
        print(
            f"no figure {options.only!r}{' in --quick' if options.quick else ''}; there are: {names}", file=sys.stderr
        )
        return 2
    lines = (line for benchmark in chosen for line in benchmark.measure(options) if options.wants(line.figure))
    if given.json:
        for line in lines:
            print(json.dumps({**dataclasses.asdict(line), "machine": machine()}), flush=True)
    else:
        console = rich.console.Console()
        if not console.is_terminal:
            console.width = _PAGE
        console.print(_table(list(lines)))
    return 0


def rate(
    figure: str,
    ours: Standing,
    peer: Standing | None,
    *,
    unit: str,
    why: str = "",
    note: str = "",
    per_core: bool = True,
) -> Line:
    """Work done in a second of processor time, ours beside the peer's.

    Each run says in its value how much it did, as `items`.

    Args:
        figure: its name.
        ours: our runs.
        peer: the peer's, or None.
        unit: of the figure.
        why: why there is no peer.
        note: what a reader must know.
        per_core: by processor time; otherwise by the clock.
    """

    def by_processor(reading: Reading) -> float:
        return float(reading.value["items"]) / reading.processor_s

    def by_clock(reading: Reading) -> float:
        return float(reading.value["items"]) / reading.wall_s

    main_rate, other = (by_processor, by_clock) if per_core else (by_clock, by_processor)
    line = compare(figure, ours, peer, main_rate, unit=unit, why=why, note=note)
    standings = {"ours": ours, "peer": peer}
    told = {name: standing.median(other) for name, standing in standings.items() if standing and standing.readings}
    return dataclasses.replace(line, wall=told)


def compare(
    figure: str,
    ours: Standing,
    peer: Standing | None,
    of: Callable[[Reading], float],
    *,
    unit: str,
    more_is_better: bool = True,
    why: str = "",
    note: str = "",
) -> Line:
    """A quantity of the runs, ours beside the peer's: medians, and the lowest and highest of each."""
    values = {
        name: sorted(map(of, standing.readings))
        for name, standing in (("ours", ours), ("peer", peer))
        if standing is not None and standing.readings
    }
    our_median = ours.median(of) if ours.readings else None
    peer_median = peer.median(of) if peer is not None and peer.readings else None
    reasons = [f"{standing.contender.name}: {standing.why}" for standing in (ours, peer) if standing and standing.why]
    return Line(
        figure=figure,
        ours=our_median,
        unit=unit,
        peer=peer_median,
        ratio=ratio(our_median, peer_median, more_is_better=more_is_better),
        peer_name=peer.contender.name if peer else None,
        peer_version=(peer.version or None) if peer else None,
        spread={name: [ordered[0], ordered[-1]] for name, ordered in values.items()},
        runs=len(ours.readings),
        why="; ".join(reasons or [why] * (peer is None)),
        note=note,
    )


def ratio(ours: float | None, peer: float | None, *, more_is_better: bool = True) -> float | None:
    """How many times better ours is than the peer's; None where that has no meaning."""
    if ours is None or peer is None:
        return None
    above, below = (ours, peer) if more_is_better else (peer, ours)
    return above / below if below else None


@functools.cache
def machine() -> dict[str, Any]:
    """Where it is measured: the processor, its cores, and the versions that matter."""
    information = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in information.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **dict(_versions()),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _TOLD:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def _table(lines: Sequence[Line]) -> rich.table.Table:
    where = machine()
    caption = ", ".join(f"{name} {value}" for name, value in where.items())
    table = rich.table.Table(caption=caption)
    for heading in ("figure", "ours", "peer", "ratio", "unit", "beside", "runs", "remarks"):
        numeric = heading in ("ours", "peer", "ratio", "runs")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric or heading == "figure")
    for line in lines:
        table.add_row(
            line.figure,
            *(_number(value) for value in (line.ours, line.peer, line.ratio)),
            line.unit,
            " ".join(filter(None, (line.peer_name, line.peer_version))) or "-",
            str(line.runs),
            "; ".join(filter(None, (line.why, line.note))),
        )
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
