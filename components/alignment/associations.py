"""Joins the sources of a data set by what they say, one after the other, to the one that is the reference.

What is joined are things: the records of one source that share a key. What a thing says are the lines of its texts, the
first being its name. Things without a text are told by their image, where an encoder for images is at hand.
"""

from __future__ import annotations

import collections
import csv
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from components.alignment.config import SemanticJoin
from components.alignment.report import Associated, SemanticReport
from components.alignment.semantic import association
from components.alignment.semantic.association import Association, Things
from components.alignment.semantic.encoders import Encoder, named
from components.alignment.semantic.model import Model
from components.alignment.things import ImageText, Said, Thing
from schemas.errors import ConfigError, SourceError

_BINS = 10


def join(
    dataset: str,
    things: Sequence[Thing],
    said: Callable[[Thing], Said],
    config: SemanticJoin,
    *,
    cache: pathlib.Path | None = None,
    image_text: ImageText | None = None,
) -> tuple[list[tuple[Thing, list[tuple[Thing, float]]]], list[SemanticReport]]:
    """Joins the things of a data set.

    Args:
        dataset: its name.
        things: of all its sources.
        said: what each says.
        config: how.
        cache: a directory where an encoder's vectors are kept.
        image_text: the encoder for things without a text.

    Returns:
        Every thing of the reference with its partners and how sure each is, then those of other sources that have none;
        and how each source was joined.

    Raises:
        SourceError: the reference is not among the sources.
        ConfigError: the encoder's package is missing, or the labels cannot be read.
    """
    by_source: dict[str, list[Thing]] = collections.defaultdict(list)
    for thing in sorted(things, key=lambda thing: thing.key):
        by_source[thing.source].append(thing)
    where = f"alignment.semantic.{dataset}"
    if config.reference not in by_source:
        raise SourceError(
            f"the data set has no record of the source `{config.reference}`, which the others are to be joined to",
            where=f"{where}.reference",
            remedy=f"name one of: {', '.join(sorted(by_source))}" if by_source else "check the name of the data set",
        )
    reference = by_source.pop(config.reference)
    partners: list[list[tuple[Thing, float]]] = [[] for _ in reference]
    alone: list[tuple[Thing, list[tuple[Thing, float]]]] = []
    reports = []
    for source, others in sorted(by_source.items()):
        sides = [said(thing) for thing in reference], [said(thing) for thing in others]
        by_image = not any(one.lines for one in sides[1]) and any(one.image for one in sides[1])
        if by_image and image_text is None:
            raise SourceError(
                f"the things of `{source}` have images and no text, and there is no encoder for images yet",
                where=where,
                remedy="run once with alignment.image_text.train on data whose images have texts, then with .use on these",
            )
        left, right = _sides(*sides, image_text if by_image else None)
        encoder = None if by_image else named(config.matching.encoder, cache)
        found = _associated(left, right, reference, others, config, encoder, where)
        for one, other, score in zip(found.left.tolist(), found.right.tolist(), found.scores.tolist(), strict=True):
            partners[one].append((others[other], score))
        alone.extend((others[index], []) for index in found.unmatched_right.tolist())
        method = "image_text" if by_image else config.matching.encoder
        reports.append(_report(dataset, source, reference, others, found, config, method))
    return [*zip(reference, partners, strict=True), *alone], reports


def _sides(reference: Sequence[Said], others: Sequence[Said], image_text: ImageText | None) -> tuple[Things, Things]:
    lines = [one.lines for one in reference]
    if image_text is None:
        return Things(lines), Things([one.lines for one in others])
    texts = image_text.texts(["\n".join(own) for own in lines])
    pictured = [index for index, one in enumerate(others) if one.image is not None]
    vectors = np.zeros((len(others), texts.shape[1]), np.float32)  # without an image like nothing
    vectors[pictured] = image_text.images([others[index].image or b"" for index in pictured])
    return Things(lines, texts), Things([()] * len(others), vectors)


def _associated(
    left: Things,
    right: Things,
    reference: Sequence[Thing],
    others: Sequence[Thing],
    config: SemanticJoin,
    encoder: Encoder | None,
    where: str,
) -> Association:
    if config.matching.labels is None:
        return association.associate(left, right, config.matching, encoder=encoder)
    compared = association.compare(left, right, config.matching, encoder=encoder)
    truth = _labels(pathlib.Path(config.matching.labels), reference, others, where)
    fitted: Model = association.fit(compared, truth, config.matching)
    return association.choose(compared, config.matching, fitted=fitted)


def _labels(
    path: pathlib.Path, reference: Sequence[Thing], others: Sequence[Thing], where: str
) -> dict[int, int | None]:
    """The right partners of the reference's things, by index; labels of things that are not there are passed over."""
    left = {thing.key: index for index, thing in enumerate(reference)}
    right = {thing.key: index for index, thing in enumerate(others)}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["left"], row["right"]) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise ConfigError(
            f"labels cannot be read from {path}: {error}",
            where=f"{where}.matching.labels",
            remedy="write a CSV file with the columns left and right",
        ) from error
    return {left[one]: right.get(other) for one, other in rows if one in left and (not other or other in right)}


def _report(
    dataset: str,
    source: str,
    reference: Sequence[Thing],
    others: Sequence[Thing],
    found: Association,
    config: SemanticJoin,
    method: str,
) -> SemanticReport:
    def keys(indices: np.ndarray) -> tuple[str, ...]:
        return tuple(others[index].key for index in indices.tolist() if index >= 0)

    unsure = np.argsort(found.scores, kind="stable")[: config.examples]
    histogram, _ = np.histogram(found.scores, bins=_BINS, range=(0, 1))
    return SemanticReport(
        dataset=dataset,
        reference=config.reference,
        source=source,
        encoder=method,
        how=config.matching.how,
        min_score=config.matching.min_score,
        pairs=len(found.left),
        expected_wrong=float((1 - found.scores).sum()),
        scores=tuple(histogram.tolist()),
        ambiguous=len(found.ambiguous),
        unmatched_reference=len(reference) - len(found.left),
        unmatched=len(found.unmatched_right),
        least_sure=tuple(
            Associated(reference[int(found.left[pair])].key, keys(found.right[[pair]]), float(found.scores[pair]))
            for pair in unsure.tolist()
        ),
        ambiguous_examples=tuple(
            Associated(reference[one].key, keys(contenders), None)
            for one, contenders in list(zip(found.ambiguous.tolist(), found.contenders, strict=True))[: config.examples]
        ),
        unmatched_examples=keys(found.unmatched_right[: config.examples]),
    )
