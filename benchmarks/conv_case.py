"""The classifier of images that compression is measured on: a small residual network with batch normalisation, and the
emoji of the default run, of which it tells the category.

Variants of an emoji, such as those of its skin tones, are on one side of the split.
"""

from __future__ import annotations

import dataclasses
import hashlib

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from benchmarks.corpus import CACHE
from components.ingestion import emoji, packages
from components.ingestion.config import EmojiDatasource
from components.ingestion.items import Document
from schemas.home import Home
from serving import images

_HELD_OUT = 3  # one cluster in so many
_LARGEST_FILE = 1 << 20
_MOMENTUM = 0.9  # of the norms' averages; the training is short


@dataclasses.dataclass(frozen=True)
class Case:
    """What is learnt, and how long.

    Attributes:
        size: side of an image, pixels.
        images: most images, held-out ones included; None for all.
        stages: width of the first block of each stage, which halves the image from the second on, and how many blocks.
        epochs: how often each image is seen.
    """

    size: int = 64
    images: int | None = None
    stages: tuple[tuple[int, int], ...] = ((24, 1), (48, 1), (72, 2))
    epochs: int = 14
    batch: int = 32
    learning_rate: float = 3e-3


QUICK = Case(size=32, images=900, epochs=3)


@dataclasses.dataclass(frozen=True)
class Images:
    """One side of the split.

    Attributes:
        pixels: float32 `[images, size, size, 3]` in 0..1.
        categories: int32 `[images]`.
    """

    pixels: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.categories)


def read(case: Case) -> tuple[Images, Images, list[str]]:
    """What is learnt from, what is held out, and the names of the categories.

    Raises:
        HeadraceError: the package cannot be fetched.
    """
    archive = packages.fetch(packages.EMOJI_DATASOURCE, Home(CACHE / "emoji-home"))
    limit = case.images or EmojiDatasource().limit
    items = emoji.read_emoji_datasource(archive, max_file_bytes=_LARGEST_FILE, limit=limit)
    found = [item for item in items if isinstance(item, Document) and item.modality == "image"]
    names = sorted({item.attributes["group"] for item in found})
    sides = []
    for wanted in (False, True):
        side = [item for item in found if is_held_out(item) is wanted]
        pixels = np.stack([images.pixels(item.content, case.size) for item in side])
        categories = [names.index(item.attributes["group"]) for item in side]
        sides.append(Images(pixels, np.array(categories, np.int32)))
    return sides[0], sides[1], names


def is_held_out(item: Document) -> bool:
    """Whether it is not learnt from, which is one for all variants of an emoji."""
    return hashlib.sha256((item.cluster or item.key).encode()).digest()[-1] % _HELD_OUT == 0


def build(case: Case, categories: int) -> keras.Model:
    """Pixels in 0..1 to logits; blocks as in He et al. 2016, the stem as small as the images are."""
    pixels = keras.Input((case.size, case.size, 3), name="pixels")
    x = _convolved(pixels, case.stages[0][0], stride=2)
    for number, (width, blocks) in enumerate(case.stages):
        for block in range(blocks):
            stride = 2 if number and not block else 1
            inner = _convolved(_convolved(x, width, stride=stride), width, active=False)
            skip = x if stride == 1 and x.shape[-1] == width else _convolved(x, width, 1, stride, active=False)
            x = layers.ReLU()(layers.Add()([inner, skip]))
    return keras.Model(pixels, layers.Dense(categories)(layers.GlobalAveragePooling2D()(x)))


def _convolved(
    x: keras.KerasTensor, width: int, kernel: int = 3, stride: int = 1, *, active: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
    return layers.ReLU()(x) if active else x


def train(case: Case, examples: Images, categories: int, seed: int) -> keras.Model:
    """Learns, each image mirrored at random in each epoch."""
    keras.utils.set_random_seed(seed)
    model = build(case, categories)
    steps = case.epochs * (len(examples) // case.batch)
    schedule = keras.optimizers.schedules.CosineDecay(case.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-2)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    random = np.random.default_rng(seed)
    for _ in range(case.epochs):
        order = random.permutation(len(examples))
        mirrored = random.random(len(examples)) < 0.5
        pixels = np.where(mirrored[:, None, None, None], examples.pixels[:, :, ::-1], examples.pixels)
        model.fit(pixels[order], examples.categories[order], batch_size=case.batch, shuffle=False, verbose=0)
    return model
