"""The decoders that int8 is measured on, and what they learn: the emoji of the default run as its sources give them,
joined by code points, uncleaned. Variants of an emoji are on one side of the split.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from benchmarks.corpus import CACHE
from components.ingestion import emoji, packages
from components.ingestion.items import Document
from schemas.home import Home

_HELD_OUT = 10  # one cluster in so many
_LARGEST_FILE = 1 << 20


@dataclasses.dataclass(frozen=True)
class Case:
    """A network of `components.training.gpt` and its training.

    Attributes:
        vocabulary: most token ids.
        steps: updates, of `batch` samples each.
        samples: most samples, held-out ones included; None for all.
        held_out: most samples to measure the loss on.
        pruning_steps: further updates, in which half of the weights of its matrices go; 0 to leave them.
    """

    width: int
    depth: int
    heads: int
    vocabulary: int
    steps: int
    learning_rate: float
    batch: int = 8
    samples: int | None = None
    held_out: int = 200
    pruning_steps: int = 0


LARGE = Case(width=256, depth=8, heads=8, vocabulary=8192, steps=200, learning_rate=1.5e-3)
"""As large as the one that `benchmarks.training` trains."""

DEFAULT = Case(width=128, depth=3, heads=4, vocabulary=2048, steps=300, learning_rate=4e-3, pruning_steps=150)
"""The default run's."""

QUICK = dataclasses.replace(DEFAULT, steps=40, samples=600, held_out=60, pruning_steps=20)


def rows(case: Case) -> list[dict[str, Any]]:
    """Samples with what `schemas.records.SAMPLE` says of `sample_id`, `text`, `image`, `code`, `split` and `parent`.

    Raises:
        HeadraceError: the packages cannot be fetched.
    """
    home = Home(CACHE / "emoji-home")
    samples: dict[str, dict[str, Any]] = {}
    for package, read in (
        (packages.OPENMOJI, emoji.read_openmoji),
        (packages.EMOJI_DATASOURCE, emoji.read_emoji_datasource),
    ):
        archive = packages.fetch(package, home)
        for item in read(archive, max_file_bytes=_LARGEST_FILE, limit=case.samples):
            if not isinstance(item, Document):
                continue
            row = samples.setdefault(item.key, _empty(item))
            # The second package's names are of the image; the first one's texts say more.
            if row[item.modality] is None:
                row[item.modality] = item.content if item.modality == "image" else item.content.decode()
    return [samples[key] for key in sorted(samples)]


def _empty(item: Document) -> dict[str, Any]:
    digest = hashlib.sha256((item.cluster or item.key).encode()).digest()
    split = "eval" if digest[-1] % _HELD_OUT == 0 else "train"
    return {"sample_id": item.key, "text": None, "image": None, "code": None, "split": split, "parent": None}
