"""Samples and varied copies of some of them. A copy depends on its parent and the seed alone."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.augmentation import variations
from components.augmentation.config import AugmentationConfig, Copies
from components.augmentation.synonyms.replacing import Corpus
from components.cleaning import rules
from components.cleaning.config import CleaningConfig
from schemas import progress, records, tables

NODE = "Augment"
_SPLIT = "train"
_KIND = "augmentation"


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of copies.

    Attributes:
        name: as in the configuration.
        modality: what is varied.
        vary: how.
        judged: whether the cleaner's rules must pass a copy. An image that is turned breaks none of them.
    """

    name: str
    modality: str
    vary: variations.Variation
    judged: bool = True


KINDS = (
    Kind("image", "image", variations.vary_images, judged=False),
    Kind("code", "code", variations.vary_codes),
    Kind("synonyms", "text", variations.replace_words),
    Kind("back_translation", "text", variations.translate_back),
)


@dataclasses.dataclass(frozen=True)
class Augmented:
    """What was made.

    Attributes:
        rows: samples and copies.
        copies: how many copies there are of each kind.
        skipped: why there is no copy where one was wanted, by `kind: reason`.
    """

    rows: int
    copies: dict[str, int]
    skipped: dict[str, int]


def augment(
    samples_directory: pathlib.Path,
    augmented_directory: pathlib.Path,
    config: AugmentationConfig,
    cleaning: CleaningConfig,
    seed: int,
    cache: pathlib.Path | None = None,
) -> Augmented:
    """Writes all samples in their order, and then the copies in the order of their parents.

    Only samples of the training split get copies; each names its parent, is of its cluster, and passes the rules of the
    cleaning.

    Args:
        samples_directory: a table of `schemas.records.SAMPLE`.
        augmented_directory: where such a table is written.
        config: how many copies, and how they differ.
        cleaning: the rules.
        seed: which samples are copied and how they are varied.
        cache: a directory where translations are kept.

    Raises:
        SourceError: WordNet or a translator is not installed; names the packages.
    """
    corpus = Corpus.of(_training_texts(samples_directory)) if config.copies.synonyms.fraction else None
    maker = _Maker(config, cleaning, seed, variations.Context(cache, corpus))
    batches = itertools.chain(_read(samples_directory), maker.copies(samples_directory))
    rows = tables.write(augmented_directory, batches, records.SAMPLE)
    return Augmented(rows, dict(sorted(maker.made.items())), dict(sorted(maker.skipped.items())))


def chosen(sample_id: str, kind: str, seed: int, copies: Copies) -> list[np.random.Generator]:
    """The random numbers for each copy of a sample; none if it gets no copy."""
    found = []
    for number in range(1, copies.number + 1):
        key = hashlib.sha256(f"augment\0{seed}\0{kind}\0{number}\0{sample_id}".encode()).digest()
        random = np.random.Generator(np.random.Philox(key=np.frombuffer(key[:16], np.uint64)))
        if number == 1 and random.uniform() >= copies.fraction:
            return []
        found.append(random)
    return found


class _Maker:
    """Makes copies, and counts them."""

    def __init__(self, config: AugmentationConfig, cleaning: CleaningConfig, seed: int, context: variations.Context):
        self._config, self._cleaning, self._seed, self._context = config, cleaning, seed, context
        self.made: collections.Counter[str] = collections.Counter()
        self.skipped: collections.Counter[str] = collections.Counter()

    def copies(self, directory: pathlib.Path) -> Iterator[pa.RecordBatch]:
        for batch in _read(directory):
            samples = [sample for sample in tables.to_rows(batch) if sample["split"] == _SPLIT]
            yield tables.from_rows([copy for kind in KINDS for copy in self._of_kind(kind, samples)], records.SAMPLE)

    def _of_kind(self, kind: Kind, samples: Sequence[variations.Sample]) -> list[variations.Sample]:
        copies: Copies = getattr(self._config.copies, kind.name)
        wanted = [
            (sample, number, random)
            for sample in samples
            if sample[kind.modality] is not None
            for number, random in enumerate(chosen(sample["sample_id"], kind.name, self._seed, copies), 1)
        ]
        if not wanted:
            return []
        outcomes = kind.vary(
            [sample for sample, _, _ in wanted], self._config, [random for _, _, random in wanted], self._context
        )
        found = []
        for (sample, number, _), outcome in zip(wanted, outcomes, strict=True):
            if isinstance(outcome, str):
                self.skipped[f"{kind.name}: {outcome}"] += 1
            else:
                own = {
                    "sample_id": records.record_id(sample["sample_id"], f"{kind.name} {number}"),
                    "parent": sample["sample_id"],
                    "weight": sample["weight"] * copies.weight,
                    "attributes": {**sample["attributes"], _KIND: kind.name},
                }
                found.append({**sample, **outcome, **own})
        kept = self._judged(kind, found) if kind.judged else found
        self.made[kind.name] += len(kept)
        return kept

    def _judged(self, kind: Kind, copies: Sequence[variations.Sample]) -> list[variations.Sample]:
        """The copies that the rules of the cleaning let pass as they are."""
        given = [_record(copy, kind.modality) for copy in copies]
        passed, rejected = rules.standardise(tables.from_rows(given, records.RECORD), self._cleaning)
        for reason in rejected["reason"].to_pylist():
            self.skipped[f"{kind.name}: {reason}"] += 1
        contents = dict(zip(passed["record_id"].to_pylist(), passed["content"].to_pylist(), strict=True))
        kept = []
        for copy in copies:
            content = contents.get(copy["sample_id"])
            if content == copy[kind.modality].encode():
                kept.append(copy)
            elif content is not None:
                self.skipped[f"{kind.name}: changed_by_cleaning"] += 1
        return kept


def _record(copy: variations.Sample, modality: str) -> dict[str, Any]:
    content = copy[modality].encode()
    return {
        "record_id": copy["sample_id"],
        "content_sha256": records.content_sha256(content),
        "modality": modality,
        "media_type": "text/plain",
        "content": content,
        "source": copy["source"],
        "language": copy["attributes"].get(f"{modality}_language"),
        "attributes": {"dataset": copy["source"], "key": copy["sample_id"], "origin": copy["parent"]},
    }


def _training_texts(directory: pathlib.Path) -> Iterator[str]:
    table = tables.columns(directory, ["text", "split"])
    for text, split in zip(table["text"].to_pylist(), table["split"].to_pylist(), strict=True):
        if text is not None and split == _SPLIT:
            yield text


def _read(directory: pathlib.Path) -> Iterator[pa.RecordBatch]:
    for shard, group in tables.groups(directory):
        batch = tables.read_group(shard, group)
        progress.advance(NODE, batch.num_rows)
        yield batch
