"""Finds records that share sequences of words with a benchmark, as GPT-3's authors did for their evaluation.

Brown et al. 2020, arXiv:2005.14165, appendix C: sequences of 13 lower-case words without punctuation. There, parts of
a document around the overlap are cut out; here the record is rejected. Hashes of 32 bits tell where to look, an exact
comparison of the words decides.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import logging
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from components.cleaning.decontamination import benchmarks
from components.cleaning.decontamination.benchmarks import Item
from components.cleaning.decontamination.config import Decontamination
from components.cleaning.decontamination.reasons import Reason
from components.cleaning.faults import Fault
from components.cleaning.near_duplicates.shingles import shingle
from schemas import storage

_LOG = logging.getLogger(__name__)
_WORD = re.compile(r"\w+")


def index_of(config: Decontamination) -> Index | None:
    """The index of a configuration's benchmarks, None if it names none. Built once in a process.

    Raises:
        ConfigError, SourceError, StorageError: as `benchmarks.read`.
    """
    if not config.benchmarks:
        return None
    return _index_of(config, tuple(_state(path) for path in config.benchmarks))


def file_digest(path: str) -> str:
    """The SHA-256 of a benchmark's file.

    Raises:
        SourceError: there is no such file.
        StorageError: it cannot be read.
    """
    digest = hashlib.sha256()
    with storage.failing(path), storage.open_input(storage.location(path)) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Index:
    """The sequences of words of benchmarks.

    Attributes:
        too_short: the number of benchmark texts that are not looked for because they have too few words.
    """

    def __init__(self, items: Sequence[Item], config: Decontamination):
        """
        Args:
            items: the benchmarks' texts.
            config: how many words count.
        """
        by_length: dict[int, list[_Sought]] = {}
        self.too_short = 0
        for item in items:
            words = _words(item.text)
            length = min(len(words), config.ngram)
            if length < min(config.min_ngram, config.ngram):
                self.too_short += 1
            else:
                by_length.setdefault(length, []).append(_Sought(item, words))
        self._tables = [_Table(length, by_length[length]) for length in sorted(by_length, reverse=True)]

    @classmethod
    def build(cls, config: Decontamination) -> Index:
        """Reads the benchmarks of a configuration; says in the log how many texts are too short to be looked for.

        Raises:
            ConfigError, SourceError, StorageError: as `benchmarks.read`.
        """
        items = [item for path in config.benchmarks for item in benchmarks.read(path, config.fields)]
        index = cls(items, config)
        if index.too_short:
            _LOG.warning(
                "%d of %d benchmark texts have fewer than %d words and are not looked for",
                index.too_short,
                len(items),
                min(config.min_ngram, config.ngram),
            )
        return index

    def fault(self, text: str) -> Fault | None:
        """Which benchmark a text overlaps, None if it overlaps none."""
        return self.faults([text])[0]

    def faults(self, texts: Sequence[str]) -> list[Fault | None]:
        """As `fault` of each text, faster."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        found: list[Fault | None] = [None] * len(texts)
        for table in self._tables:
            for row, suspects in itertools.groupby(table.suspects(encoded), key=lambda suspect: suspect.row):
                if found[row] is None:
                    found[row] = table.confirmed(_words(encoded[row].decode()), suspects)
        return found


class _Sought(NamedTuple):
    item: Item
    words: list[str]


class _Suspect(NamedTuple):
    row: int  # of the text
    place: int  # of the first word
    entry: int  # of the table, the first with this hash


class _Table:
    """Benchmark texts by the hashes of their sequences of one length."""

    def __init__(self, length: int, sought: list[_Sought]):
        self._length = length
        self._sought = sought
        shingled = shingle(pa.array([" ".join(words) for _, words in sought], pa.large_string()), length)
        order = np.argsort(shingled.hashes, kind="stable")
        self._hashes = shingled.hashes[order]
        rows = np.repeat(np.arange(len(sought)), np.diff(shingled.offsets))
        self._rows = rows[order]
        self._places = (np.arange(len(rows)) - shingled.offsets[rows])[order]

    def suspects(self, texts: list[bytes]) -> list[_Suspect]:
        """Where texts have sequences with the hash of one that is sought, in order."""
        shingled = shingle(pa.array(texts, pa.large_binary()), self._length)
        nearest = np.searchsorted(self._hashes, shingled.hashes)
        hits = np.flatnonzero(self._hashes[np.minimum(nearest, len(self._hashes) - 1)] == shingled.hashes)
        rows = np.searchsorted(shingled.offsets, hits, side="right") - 1
        columns = rows, hits - shingled.offsets[rows], nearest[hits]
        return list(itertools.starmap(_Suspect, zip(*(column.tolist() for column in columns), strict=True)))

    def confirmed(self, words: list[str], suspects: Iterable[_Suspect]) -> Fault | None:
        """The first place in a text at which the words are really those of a benchmark."""
        for _, place, entry in suspects:
            sequence = words[place : place + self._length]
            value = self._hashes[entry]
            while entry < len(self._hashes) and self._hashes[entry] == value:
                item, theirs = self._sought[self._rows[entry]]
                start = self._places[entry]
                if theirs[start : start + self._length] == sequence:
                    return Fault(
                        Reason.IN_BENCHMARK,
                        f"{self._length} words in common with {item.path} {item.place}",
                        f"{self._length - 1} words in common",
                    )
                entry += 1
        return None


def _words(text: str) -> list[str]:
    """The words of a text as `shingle` sees them: character by character in lower case."""
    return [
        word.lower() if word.isascii() else "".join(character.lower()[0] for character in word)
        for word in _WORD.findall(text)
    ]


def _state(path: str) -> tuple[int, int] | None:
    """What tells whether a file here has changed; remote ones are taken to stay as they are."""
    local = storage.local(storage.location(path))
    if local is None or not local.is_file():
        return None
    status = local.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=2)
def _index_of(config: Decontamination, states: tuple[tuple[int, int] | None, ...]) -> Index:
    return Index.build(config)
