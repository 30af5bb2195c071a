"""The figure `augment.images_per_s`: images turned, cropped, mirrored and recoloured in a second on one core.

Beside albumentations, with the same ranges of the same changes: rotation, crop, mirroring, brightness, contrast,
saturation and hue, all of them on each image. It is the light one among those who do this, and made for speed on
processors; torchvision's packages bring several gigabytes for graphics cards along. Images are drawings as large as
the default run's, made up, so that nothing need be fetched: what is measured does not depend on what they show.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.contest import Contender, contest
from benchmarks.harness import Benchmark, Line, Options, rate
from components.augmentation.image.config import ImageAugmentation
from schemas.config import to_json

FIGURE = "augment.images_per_s"
FULL, QUICK = 20_000, 3_000
_PARTS = {"": False, ".with_png": True}
_NOTES = {
    "": "64x64 pixels in memory, each image with random amounts of its own",
    ".with_png": "from PNG to PNG, both at level 6 of compression",
}
_SIDE = 64
_DETAIL = 4  # drawn so many times larger, for soft edges
_DRAWINGS = 500


def speed(options: Options) -> Iterator[Line]:
    """Images a second on one core, in memory and from PNG to PNG."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        path = pathlib.Path(folder, "images.npy")
        np.save(path, drawings(_DRAWINGS, options.seed))
        for part, png in _PARTS.items():
            if not options.wants(FIGURE + part):
                continue
            arguments = {
                "images": str(path),
                "count": (QUICK if options.quick else FULL) // (5 if png else 1),
                "png": png,
                "seed": options.seed,
                "config": to_json(ImageAugmentation()),
            }
            ours, peer = contest(
                [
                    Contender("benchmarks.workers.image_augmentation", arguments),
                    Contender(
                        "benchmarks.workers.albumentations_image_augmentation",
                        arguments,
                        "albumentations",
                        "albumentations",
                    ),
                ],
                runs=3 if options.quick else 7,
            )
            yield rate(FIGURE + part, ours, peer, unit="images/s", note=_NOTES[part])


def drawings(number: int, seed: int) -> np.ndarray:
    """Made-up drawings: uint8 `[number, 64, 64, 3]`, a dozen soft-edged shapes on white each."""
    random = np.random.default_rng(seed)
    whole = _SIDE * _DETAIL
    images = []
    for _ in range(number):
        image = Image.new("RGB", (whole, whole), "white")
        draw = ImageDraw.Draw(image)
        for _ in range(12):
            left, top = random.integers(0, whole - whole // 4, 2).tolist()
            right, bottom = (np.array([left, top]) + random.integers(whole // 16, whole // 2, 2)).tolist()
            draw.ellipse((left, top, right, bottom), fill=tuple(random.integers(0, 256, 3).tolist()))
        images.append(np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX)))
    return np.stack(images)


BENCHMARKS = (Benchmark(tuple(FIGURE + part for part in _PARTS), speed),)
