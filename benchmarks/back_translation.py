"""The figures of `augment.back_translation`: sentences a second through apertium, on docstrings of the standard library."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Iterator

from benchmarks.contest import Contender, Standing, contest
from benchmarks.harness import Benchmark, Line, Options, rate
from components.augmentation.back_translation import sentences
from components.ingestion.items import Document
from components.ingestion.python_library import read_python, standard_library

FIGURE = "augment.back_translation_sentences_per_s"
_SENTENCES, _SENTENCES_QUICK = 6000, 600
_PEER_SENTENCES, _PEER_SENTENCES_QUICK = 1000, 60
_BATCH = 20
_MAX_FILE_BYTES = 1_000_000
_UNIT = "sentences/s"


def speed(options: Options) -> Iterator[Line]:
    """A translation a sentence; and apart, the whole way: set names aside, there, back, put them back, judge."""
    parts = {
        "": ("one_way", ["eng-spa"], "one translation a sentence"),
        ".round_trip": ("round_trip", ["eng-spa", "spa-eng"], "two translations a sentence; ours judges the results"),
    }
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder, "sentences.json")
        place.write_text(json.dumps(real_sentences(_SENTENCES_QUICK if options.quick else _SENTENCES, options.seed)))
        for part, (task, modes, note) in parts.items():
            if not options.wants(FIGURE + part):
                continue
            ours, peer = contest([_ours(place, task), _peer(place, modes, options)], runs=3)
            line = rate(FIGURE + part, ours, peer, unit=_UNIT, note=note)
            yield dataclasses.replace(line, peer_version=_version(peer))


def real_sentences(count: int, seed: int) -> list[str]:
    """Different sentences of the standard library's docstrings, in an order that depends on the seed."""
    found: dict[str, None] = {}
    for item in read_python(standard_library(), max_file_bytes=_MAX_FILE_BYTES, limit=None):
        if isinstance(item, Document) and item.modality == "text":
            text = item.content.decode()
            found |= dict.fromkeys(" ".join(text[span.start : span.end].split()) for span in sentences.spans(text))
    ordered = list(found)
    start = seed * count % len(ordered)
    return [*ordered[start:], *ordered[:start]][:count]


def _ours(place: pathlib.Path, task: str) -> Contender:
    return Contender("benchmarks.workers.back_translation", {"sentences": str(place), "task": task})


def _peer(place: pathlib.Path, modes: list[str], options: Options) -> Contender:
    limit = _PEER_SENTENCES_QUICK if options.quick else _PEER_SENTENCES
    arguments = {"sentences": str(place), "modes": modes, "limit": limit, "batch": _BATCH}
    name = f"apertium, started for each {_BATCH} sentences"
    return Contender("benchmarks.workers.apertium_translation", arguments, name=name)


def _version(peer: Standing) -> str | None:
    return str(peer.readings[0].value["version"]) if peer.readings else None


BENCHMARKS = (Benchmark((FIGURE, f"{FIGURE}.round_trip"), speed),)
