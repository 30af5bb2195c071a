"""Drawings of coloured shapes with their names: what a dual encoder learns in seconds, held-out combinations included."""

from __future__ import annotations

import io
import itertools
import pathlib

import numpy as np
from PIL import Image, ImageDraw

from components.dual_encoder.config import DualEncoderConfig, TowersConfig
from components.dual_encoder.pairs import Pairs
from schemas import tables
from schemas.records import SAMPLE

COLOURS = ("red", "green", "blue", "orange", "purple", "black", "cyan", "magenta")
SHAPES = ("square", "disc", "bar", "column", "ring", "corner")
SIZE = 16
TINY = DualEncoderConfig(
    towers=TowersConfig(dim=16, buckets=256, text_width=16, text_features=32, image_size=SIZE, image_width=8),
    steps=120,
    batch_size=24,
    learning_rate=1e-2,
    shift=1,
    min_pairs=10,
)


def png(colour: str, shape: str, size: int = SIZE) -> bytes:
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    low, middle, high = size // 5, size // 2, size - size // 5
    if shape == "square":
        draw.rectangle((low, low, high, high), fill=colour)
    elif shape == "disc":
        draw.ellipse((low, low, high, high), fill=colour)
    elif shape == "bar":
        draw.rectangle((low, middle - 1, high, middle + 1), fill=colour)
    elif shape == "column":
        draw.rectangle((middle - 1, low, middle + 1, high), fill=colour)
    elif shape == "ring":
        draw.ellipse((low, low, high, high), outline=colour, width=2)
    else:
        draw.polygon([(low, low), (high, low), (low, high)], fill=colour)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def combinations(split: str) -> list[tuple[str, str]]:
    """Every sixth is held out."""
    every = list(itertools.product(COLOURS, SHAPES))
    return [one for number, one in enumerate(every) if (number * 5 % 6 == 0) == (split == "eval")]


def pairs(split: str) -> Pairs:
    chosen = combinations(split)
    images = [np.asarray(Image.open(io.BytesIO(png(*one)))) for one in chosen]
    names = tuple(" ".join(one) for one in chosen)
    return Pairs(names, np.stack(images), names)


def write(directory: pathlib.Path, **changed: object) -> pathlib.Path:
    """The same as aligned samples; a copy of each train sample, and some without image, lie among them."""
    rows = []
    for split in ("train", "eval"):
        for colour, shape in combinations(split):
            row = {
                "sample_id": f"{colour}-{shape}",
                "text": f"{colour} {shape}",
                "image": png(colour, shape),
                "code": None,
                "source": "drawings",
                "record_ids": [f"{colour}-{shape}"],
                "method": "key",
                "score": 1.0,
                "cluster": f"{colour}-{shape}",
                "split": split,
                "parent": None,
                "weight": 1.0,
                "attributes": {},
                **changed,
            }
            rows += [row, row | {"sample_id": f"{colour}-{shape}-text", "image": None}]
            if split == "train":
                rows.append(row | {"sample_id": f"{colour}-{shape}-copy", "parent": row["sample_id"]})
    tables.write(directory, [tables.from_rows(rows, SAMPLE)], SAMPLE)
    return directory
