"""Which records belong together: by key, by time or by what they say, as the configuration has it for their data set."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Sequence

from components.alignment import streams
from components.alignment.config import AlignmentConfig
from components.alignment.report import SemanticReport, StreamReport
from components.alignment.samples import Group, Link, Part, Records
from components.alignment.things import ImageText, Said, Thing

_BY_TIME, _BY_MEANING = "timestamp", "semantic"


@dataclasses.dataclass(frozen=True)
class Encoders:
    """What joins by meaning may use.

    Attributes:
        cache: a directory where an encoder's vectors are kept.
        image_text: an encoder of images and texts.
    """

    cache: pathlib.Path | None = None
    image_text: ImageText | None = None


@dataclasses.dataclass(frozen=True)
class Grouped:
    """What belongs together, and how sources without a common key were joined."""

    groups: list[Group]
    streams: list[StreamReport]
    associations: list[SemanticReport]


def grouped(known: Records, times_us: Sequence[int | None], config: AlignmentConfig, encoders: Encoders) -> Grouped:
    """The records that belong together.

    Args:
        known: the records.
        times_us: of each, UTC.
        config: how.
        encoders: what joins by meaning may use.

    Raises:
        SourceError: a reference is not there, or clocks cannot be related.
        ConfigError: an encoder's package is missing, or labels cannot be read.
    """
    rows_of: dict[tuple[str, str, str | None], list[int]] = collections.defaultdict(list)
    for row in sorted(range(len(known)), key=lambda row: (known.sources[row], known.ids[row])):
        own = known.attributes[row]
        apart = own["dataset"] in config.timestamps or own["dataset"] in config.semantic
        rows_of[own["dataset"], own["key"], known.sources[row] if apart else None].append(row)
    result = Grouped([], [], [])
    things: dict[str, list[Thing]] = {name: [] for name in (*config.timestamps, *config.semantic)}
    for (dataset, key, source), rows in rows_of.items():
        if source is None:
            result.groups.append(Group(dataset, key, tuple(Part(row, key) for row in rows)))
        else:
            time_us = next((times_us[row] for row in rows if times_us[row] is not None), None)
            things[dataset].append(Thing(source, key, tuple(rows), time_us))
    for dataset, own_things in sorted(things.items()):
        if dataset in config.timestamps:
            by_time, streams_told = streams.join(dataset, own_things, config.timestamps[dataset])
            result.groups.extend(_by_time(dataset, joined) for joined in by_time)
            result.streams.extend(streams_told)
        else:
            from components.alignment import associations  # SciPy, scikit-learn, FAISS, which no other join needs

            by_meaning, told = associations.join(
                dataset,
                own_things,
                lambda thing: _said(thing, known),
                config.semantic[dataset],
                cache=encoders.cache,
                image_text=encoders.image_text,
            )
            result.groups.extend(_by_meaning(dataset, thing, partners) for thing, partners in by_meaning)
            result.associations.extend(told)
    return result


def _by_time(dataset: str, joined: streams.Joined) -> Group:
    links = [
        (partner.thing, Link(_BY_TIME, partner.score, partner.gap_us, partner.clock_correction_us))
        for partner in joined.partners
    ]
    return _group(dataset, joined.thing, links)


def _by_meaning(dataset: str, thing: Thing, partners: Sequence[tuple[Thing, float]]) -> Group:
    return _group(dataset, thing, [(partner, Link(_BY_MEANING, score)) for partner, score in partners])


def _group(dataset: str, thing: Thing, links: Sequence[tuple[Thing, Link]]) -> Group:
    parts = [Part(row, _name(thing)) for row in thing.rows]
    parts += [Part(row, _name(partner), link) for partner, link in links for row in partner.rows]
    return Group(dataset, _name(thing), tuple(parts))


def _name(thing: Thing) -> str:
    return f"{thing.source}:{thing.key}"


def _said(thing: Thing, known: Records) -> Said:
    texts = [known.content(row).decode() for row in thing.rows if known.modalities[row] == "text"]
    images = [known.content(row) for row in thing.rows if known.modalities[row] == "image"]
    lines = tuple(line for text in texts for line in text.splitlines() if line.strip())
    return Said(lines, images[0] if images else None)
