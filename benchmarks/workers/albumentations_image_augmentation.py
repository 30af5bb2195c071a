"""albumentations: the same changes in one resampling and one change of colours, as fast as it has them.

Rotation and crop are one `Affine`: it scales up by what a crop to its sides would, and shifts by as much as that crop
could lie aside; a `Rotate` after a `RandomResizedCrop` took longer.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import numpy as np

from benchmarks import worker

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks the network for newer versions when it is imported

import albumentations  # noqa: E402
import cv2  # noqa: E402

_WHITE = 255
_LEVEL = 6


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Takes `images` (the path of an array, uint8 `[count, height, width, 3]`), `count`, `png`, `seed` and `config`."""
    cv2.setNumThreads(1)
    most = json.loads(arguments["config"])
    turned, cut, hue = most["rotation_degrees"], most["crop"], most["hue_degrees"] / 360
    varied = albumentations.Compose(
        [
            albumentations.Affine(
                rotate=(-turned, turned),
                scale=(1.0, 1 / (1 - cut)),
                translate_percent=(-cut / 2, cut / 2),
                interpolation=cv2.INTER_LINEAR,
                fill=_WHITE,
                p=1.0,
            ),
            albumentations.HorizontalFlip(p=most["flip"]),
            albumentations.ColorJitter(
                brightness=(1 - most["brightness"], 1 + most["brightness"]),
                contrast=(1 - most["contrast"], 1 + most["contrast"]),
                saturation=(1 - most["saturation"], 1 + most["saturation"]),
                hue=(-hue, hue),
                p=1.0,
            ),
        ],
        seed=arguments["seed"],
    )
    images = list(np.load(arguments["images"]))
    level = [cv2.IMWRITE_PNG_COMPRESSION, _LEVEL]
    contents = [np.asarray(cv2.imencode(".png", image[:, :, ::-1], level)[1]) for image in images]

    def vary(count: int) -> None:
        if arguments["png"]:
            for content in itertools.islice(itertools.cycle(contents), count):
                image = cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
                changed = varied(image=image)["image"]
                cv2.imencode(".png", cv2.cvtColor(changed, cv2.COLOR_RGB2BGR), level)
        else:
            for image in itertools.islice(itertools.cycle(images), count):
                varied(image=image)

    def work() -> dict[str, Any]:
        vary(arguments["count"])
        return {"items": arguments["count"]}

    vary(len(images))
    return work


if __name__ == "__main__":
    worker.serve(prepare, "albumentations")
