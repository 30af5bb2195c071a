"""Ours: images varied one by one, as the stored copies are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import worker
from components.augmentation.image import varying
from components.augmentation.image.config import ImageAugmentation
from components.cleaning.images import encode
from schemas.config import from_json


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Takes `images` (the path of an array, uint8 `[count, height, width, 3]`), `count`, `png`, `seed` and `config`."""
    config = from_json(ImageAugmentation, arguments["config"])
    images = [Image.fromarray(pixels) for pixels in np.load(arguments["images"])]
    contents = [encode(image) for image in images]
    random = np.random.default_rng(arguments["seed"])

    def vary(count: int) -> None:
        if arguments["png"]:
            for content in itertools.islice(itertools.cycle(contents), count):
                varying.vary(content, (), config, random, flip=True)
        else:
            for image in itertools.islice(itertools.cycle(images), count):
                varying.changed(image, varying.drawn(config, random, flip=True))

    def work() -> dict[str, Any]:
        vary(arguments["count"])
        return {"items": arguments["count"]}

    vary(len(images))
    return work


if __name__ == "__main__":
    worker.serve(prepare)
