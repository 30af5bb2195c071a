"""The aligned samples of the emoji packages, as the default run makes them, without a pipeline around it.

They are fetched, cleaned, joined by key and split by the very functions that the nodes call. What is alike is in one
split: variants of an emoji, equal images, near duplicates.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import shutil

from benchmarks.contest import ROOT
from benchmarks.corpus import CACHE
from components.alignment import joining
from components.cleaning import plain_engine
from components.cleaning.steps import Cleaning
from components.ingestion import sources
from lineage.fingerprint import fingerprint
from pipeline import config as configuration
from schemas.config import to_json
from schemas.home import Home

_DATASET = "emoji"


def stored() -> pathlib.Path:
    """Where the samples lie, made if they are not there; below `.tools`, which `make clean` removes.

    Raises:
        HeadraceError: the packages cannot be fetched.
    """
    config = configuration.load(ROOT / "headrace.yaml")
    wanted = {name: source for name, source in config.ingestion.sources.items() if source.dataset == _DATASET}
    ingestion = dataclasses.replace(config.ingestion, sources=wanted)
    made_by = [to_json(part) for part in (ingestion, config.cleaning, config.alignment)]
    made_by += [fingerprint(f"components.{node}.executor") for node in ("ingestion", "cleaning", "alignment")]
    name = hashlib.sha256("\0".join(made_by).encode()).hexdigest()[:8]
    place = CACHE / f"emoji-samples-{name}"
    if place.exists():
        return place
    home = Home(CACHE / "emoji-home")
    aside = place.with_suffix(".tmp")
    shutil.rmtree(aside, ignore_errors=True)
    folders = {part: aside / part for part in ("records", "unread", "work", "cleaned", "rejected", "index", "samples")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    sources.ingest(ingestion, home, str(folders["records"]), str(folders["unread"]))
    cleaning = Cleaning(
        source=str(folders["records"]),
        work=str(folders["work"]),
        cleaned=str(folders["cleaned"]),
        rejected=str(folders["rejected"]),
        index=str(folders["index"]),
        earlier=None,
        config=config.cleaning,
    )
    plain_engine.run(cleaning.tasks(), cleaning.steps())
    joining.align(folders["cleaned"], folders["samples"], config.alignment, config.seed)
    folders["samples"].replace(place)
    shutil.rmtree(aside)
    return place
