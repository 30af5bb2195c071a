"""The figures of `sensitive_data`: what is found on a held-out labelled set, by kind, and how fast on ordinary texts."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterable, Iterator

import pyarrow as pa

from benchmarks import corpus, sensitive_values
from benchmarks.contest import Contender, Standing, contest
from benchmarks.harness import Benchmark, Line, Options, rate, ratio
from components.cleaning.sensitive.config import Sensitive

_DOCUMENTS, _DOCUMENTS_QUICK = 20_000, 5_000
_PEER_DOCUMENTS, _PEER_DOCUMENTS_QUICK = 2_000, 400
_PER_KIND, _PER_KIND_QUICK = 20, 6
_PEER = "presidio-analyzer (no model)"
_SCANNERS = ("scrubadub", "datafog", "detect-secrets")
_NOTHING_SUCH = "has no recogniser of it or found none"


def accuracy(options: Options) -> Iterator[Line]:
    """Recall and precision by kind, and the least of them, beside presidio and, in full, three scanners."""
    documents = sensitive_values.labelled(
        options.seed, held_out=True, per_kind=_PER_KIND_QUICK if options.quick else _PER_KIND
    )
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder, "labelled.arrow")
        table = pa.table({"text": [document.text for document in documents]})
        with pa.ipc.new_file(place, table.schema) as file:
            file.write_table(table)
        contenders = [_ours(place, "find"), _presidio(place)]
        if not options.quick:
            contenders += [
                Contender(
                    "benchmarks.workers.scanner_sensitive",
                    {"corpus": str(place), "limit": None, "tool": tool},
                    "scanners",
                    tool,
                )
                for tool in _SCANNERS
            ]
        ours, *peers = contest(contenders, runs=1)
    our_scores = _scores(ours, documents)
    for number, what in enumerate(("recall", "precision")):
        values = {kind: score[number] for kind, score in our_scores.items()}
        main = {kind: value for kind, value in values.items() if kind not in sensitive_values.APART}
        for peer in peers:
            part = "" if peer is peers[0] else "." + peer.contender.name.replace("-", "_")
            known = _known(peer, values)
            scores = {kind: score[number] for kind, score in _scores(peer, documents).items() if kind in known}
            common = [kind for kind in main if kind in scores]
            yield _line(
                f"sensitive_data.{what}{part}",
                _least(main.values()),
                _least(scores[kind] for kind in common),
                ours,
                peer,
                f"the least of {len(main)} kinds; the peer's of the {len(common)} that it knows; "
                f"{len(documents):,} held-out texts",
            )
            for kind, value in values.items():
                if part and kind not in scores:
                    continue
                yield _line(f"sensitive_data.{what}.{kind}{part}", value, scores.get(kind), ours, peer, _apart(kind))


def speed(options: Options) -> Iterator[Line]:
    """Documents a second on one core: redaction of ours, analysis of presidio's, on the same corpus."""
    count = _DOCUMENTS_QUICK if options.quick else _DOCUMENTS
    few = _PEER_DOCUMENTS_QUICK if options.quick else _PEER_DOCUMENTS
    path = corpus.stored(corpus.Recipe("documents", count, options.seed, 0.1))
    ours, peer = contest([_ours(path, "redact"), _presidio(path, few)], runs=3)
    note = f"ours on {count:,} documents, the peer on the first {few:,} of them"
    yield rate("sensitive_data.docs_per_s", ours, peer, unit="documents/s", note=note)


def _ours(path: pathlib.Path, task: str) -> Contender:
    return Contender("benchmarks.workers.sensitive", {"corpus": str(path), "limit": None, "task": task})


def _presidio(path: pathlib.Path, limit: int | None = None) -> Contender:
    arguments = {"corpus": str(path), "limit": limit, "regions": list(Sensitive().regions)}
    return Contender("benchmarks.workers.presidio_sensitive", arguments, "presidio", _PEER)


def _scores(standing: Standing, documents: list[sensitive_values.Document]) -> dict[str, tuple[float, float | None]]:
    """(recall, precision) by kind; what finds nothing of a kind has no precision there."""
    if not standing.readings:
        return {}
    found = [[(kind, start, end) for kind, start, end in each] for each in standing.readings[0].value["found"]]
    kinds = {kind for each in found for kind, *_ in each}
    if "phone" in kinds:
        kinds.add("phone_without_keyword")
    return {
        kind: (recall, precision if kind in kinds else None)
        for kind, (recall, precision) in sensitive_values.score(found, documents).items()
    }


def _known(peer: Standing, kinds: Iterable[str]) -> set[str]:
    knows = set(peer.readings[0].value["knows"]) if peer.readings else set()
    return {kind for kind in kinds if kind in knows or (kind == "phone_without_keyword" and "phone" in knows)}


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _apart(kind: str) -> str:
    return "reported apart: cannot be told by its form alone" if kind in sensitive_values.APART else ""


def _line(figure: str, value: float | None, peers: float | None, ours: Standing, peer: Standing, note: str) -> Line:
    reasons = [f"{standing.contender.name}: {standing.why}" for standing in (ours, peer) if standing.why]
    for number, (standing, measured) in enumerate(((ours, value), (peer, peers))):
        if measured is None and not standing.why:
            reasons.append(f"{standing.contender.name} {_NOTHING_SUCH if number else 'found none of it'}")
    return Line(
        figure,
        value,
        "share",
        peer=peers,
        ratio=ratio(value, peers),
        peer_name=peer.contender.name,
        peer_version=peer.version or None,
        why="; ".join(reasons),
        note=note,
    )


BENCHMARKS = (
    Benchmark(("sensitive_data.recall", "sensitive_data.precision"), accuracy),
    Benchmark(("sensitive_data.docs_per_s",), speed),
)
