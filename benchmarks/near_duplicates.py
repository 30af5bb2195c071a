"""The figures of `near_duplicates`: speed, what is found, and what is found wrongly, on a corpus with planted copies."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from benchmarks import corpus, truth
from benchmarks.contest import Contender, Reading, Standing, contest
from benchmarks.harness import Benchmark, Line, Options, compare, rate

FULL, QUICK = 50_000, 10_000
BOILERPLATE, BOILERPLATE_QUICK = 20_000, 5_000
MILLION = 1_000_000
_SLOW_PEERS = 5_000
_THRESHOLD = 0.7
# 16 bands of 8 rows put the middle of rensa's S-curve near 0.7.
_RENSA_BANDS = 16
_UNIT = "documents/s"


def rensa(path: pathlib.Path, sketch: str = "full", *, limit: int | None = None, labels: str = "") -> Contender:
    """rensa on a stored corpus; `sketch` is one of its worker's ways."""
    arguments = {
        "corpus": str(path),
        "limit": limit,
        "sketch": sketch,
        "labels": labels,
        "threshold": _THRESHOLD,
        "bands": _RENSA_BANDS,
    }
    return Contender(
        "benchmarks.workers.rensa_near_duplicates", arguments, "rensa", f"rensa ({sketch}, unverified LSH)"
    )


def headrace(path: pathlib.Path, labels: str = "/dev/null") -> Contender:
    """Ours on a stored corpus."""
    return Contender("benchmarks.workers.near_duplicates", {"corpus": str(path), "labels": labels})


def speed(options: Options) -> Iterator[Line]:
    """Documents a second on one core, beside rensa, and beside the slower tools on a part of the corpus."""
    figure = "near_duplicates.docs_per_s"
    path = corpus.stored(corpus.Recipe("documents", QUICK if options.quick else FULL, options.seed, 0.1))
    runs = 3 if options.quick else 5
    contenders = {"": rensa(path)}
    if not options.quick:
        contenders[".rensa_rho"] = rensa(path, "rho")
    ours, *peers = contest([headrace(path), *contenders.values()], runs=runs)
    for part, peer in zip(contenders, peers, strict=True):
        yield rate(figure + part, ours, peer, unit=_UNIT)
    if options.quick:
        return
    slow = corpus.stored(corpus.Recipe("documents", _SLOW_PEERS, options.seed, 0.1))
    for name, module in (("datatrove", "datatrove_near_duplicates"), ("text-dedup", "text_dedup_near_duplicates")):
        arguments = {"corpus": str(slow), "limit": None, "labels": "/dev/null"}
        contender = Contender(f"benchmarks.workers.{module}", arguments, name, f"{name} (unverified LSH)")
        ours, peer = contest([headrace(slow), contender], runs=3)
        note = f"{_SLOW_PEERS:,} documents"
        yield rate(f"{figure}.{name.replace('-', '_')}", ours, peer, unit=_UNIT, note=note)


def accuracy(options: Options) -> Iterator[Line]:
    """Recall of the pairs of true similarity 0.7 and above, and precision of what is clustered together."""
    path = corpus.stored(corpus.Recipe("documents", QUICK if options.quick else FULL, options.seed, 0.1))
    table = corpus.load(path)
    true = truth.stored(path, table["text"].to_pylist())
    shares = table["edited"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        standings = contest([headrace(path, f"{folder}/ours"), rensa(path, "pairs", labels=f"{folder}/peer")], runs=1)
        labels = [
            np.fromfile(f"{folder}/{name}", np.int64) if standing.readings else None
            for name, standing in zip(("ours", "peer"), standings, strict=True)
        ]
    note = f"{len(true.first):,} true pairs among {len(shares):,} documents"
    parts = [("", true)]
    for share in corpus.EDITS:
        of_share = (shares[true.first] == share) | (shares[true.second] == share)
        pairs = truth.Pairs(true.first[of_share], true.second[of_share], true.similarity[of_share])
        parts.append((f".edited_{share:.0%}".rstrip("%"), pairs))
    for part, pairs in parts:
        values = [None if label is None else truth.recall(pairs, label) for label in labels]
        yield _share(
            f"near_duplicates.recall{part}", standings, values, note if not part else f"{len(pairs.first):,} pairs"
        )
    values = [None if label is None else truth.precision(true, label) for label in labels]
    yield _share("near_duplicates.precision", standings, values, "of the pairs clustered together")


def boilerplate(options: Options) -> Iterator[Line]:
    """Documents a second where all share a long header, and whether true pairs are lost by it."""
    count = BOILERPLATE_QUICK if options.quick else BOILERPLATE
    path = corpus.stored(corpus.Recipe("boilerplate", count, options.seed, 0.2))
    true = truth.stored(path, corpus.load(path)["text"].to_pylist())
    with tempfile.TemporaryDirectory() as folder:
        ours, peer = contest([headrace(path, f"{folder}/labels"), rensa(path)], runs=3)
        found = np.fromfile(f"{folder}/labels", np.int64) if ours.readings else None
    yield rate("near_duplicates.boilerplate_docs_per_s", ours, peer, unit=_UNIT, note=f"{count:,} documents")
    if found is not None:
        for name, of in (("recall", truth.recall), ("precision", truth.precision)):
            figure = f"near_duplicates.boilerplate_docs_per_s.{name}"
            yield Line(figure, of(true, found), "share", why="of ours alone", note=f"{len(true.first):,} true pairs")


def million(options: Options) -> Iterable[Line]:
    """A million documents: speed, and the most memory held, texts included."""
    path = corpus.stored(corpus.Recipe("documents", MILLION, options.seed, 0.1))
    ours, peer = contest([headrace(path), rensa(path)], runs=1)
    yield rate("near_duplicates.million_docs_per_s", ours, peer, unit=_UNIT)

    def gigabytes(reading: Reading) -> float:
        return reading.peak_bytes / 1e9

    yield compare(
        "near_duplicates.million_docs_per_s.peak_memory",
        ours,
        peer,
        gigabytes,
        unit="GB",
        more_is_better=False,
        note=f"the texts, {path.stat().st_size / 1e9:.2f} GB, included",
    )


def _share(figure: str, standings: tuple[Standing, ...], values: list[float | None], note: str) -> Line:
    ours, peer = standings
    return Line(
        figure,
        values[0],
        "share",
        peer=values[1],
        ratio=values[0] / values[1] if values[0] is not None and values[1] else None,
        peer_name=peer.contender.name,
        peer_version=peer.version or None,
        runs=1,
        why="; ".join(f"{standing.contender.name}: {standing.why}" for standing in (ours, peer) if standing.why),
        note=note,
    )


BENCHMARKS = (
    Benchmark(
        (
            "near_duplicates.docs_per_s",
            "near_duplicates.docs_per_s.rensa_rho",
            "near_duplicates.docs_per_s.datatrove",
            "near_duplicates.docs_per_s.text_dedup",
        ),
        speed,
    ),
    Benchmark(("near_duplicates.recall", "near_duplicates.precision"), accuracy),
    Benchmark(("near_duplicates.boilerplate_docs_per_s",), boilerplate),
    Benchmark(("near_duplicates.million_docs_per_s",), million, quick=False),
)
