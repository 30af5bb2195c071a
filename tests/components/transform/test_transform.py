"""What the Transform graph makes of samples is what a server would make of them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from components.training import examples
from schemas import tables
from serving import images, sequence
from serving.tokens import Tokenizer
from tests.fixtures import transformed


@pytest.fixture(scope="module")
def paths() -> transformed.Transformed:
    return transformed.made()


@pytest.fixture(scope="module")
def train(paths: transformed.Transformed) -> examples.Examples:
    return examples.load(str(paths.examples / "Split-train"), transformed.BUDGETS)


def test_only_what_is_trained_and_watched_is_transformed(paths: transformed.Transformed) -> None:
    assert {path.name for path in paths.examples.iterdir()} == {"Split-train", "Split-eval"}


def test_tokens_bytes_and_images_are_those_of_the_servers(
    paths: transformed.Transformed, train: examples.Examples
) -> None:
    tokenizer = Tokenizer(paths.tokenizer / "tokenizer.model")
    budgets = transformed.BUDGETS
    expected = []
    for row in tables.rows(paths.samples):
        if row["split"] != "train":
            continue
        text, text_bytes = tokenizer.encode(row["text"], budgets.text_tokens)
        code, code_bytes = tokenizer.encode(row["code"], budgets.code_tokens)
        ids, segments = sequence.layout(text, code, text_tokens=budgets.text_tokens, code_tokens=budgets.code_tokens)
        pixels = images.pixels(row["image"], budgets.image_size) if row["image"] else None
        expected.append((ids, segments, (text_bytes, code_bytes), pixels))
    assert len(expected) == len(train)
    left = list(range(len(train)))
    for ids, segments, sizes, pixels in expected:  # the order is another
        [found, *_] = [
            n
            for n in left
            if (train.ids[n] == ids).all()
            and (train.segments[n] == segments).all()
            and tuple(train.sizes[n]) == sizes
            and bool(train.has_image[n]) == (pixels is not None)
            and (pixels is None or np.abs(train.images[n] / 255.0 - pixels).max() < 1.5 / 255)
        ]
        left.remove(found)


def test_every_modality_may_be_absent(train: examples.Examples) -> None:
    assert 0 < train.has_image.sum() < len(train)
    assert (train.sizes[:, 0] == 0).any() and (train.sizes[:, 0] > 0).any()


def test_the_order_does_not_depend_on_how_the_examples_were_written(
    paths: transformed.Transformed, train: examples.Examples, tmp_path: pathlib.Path
) -> None:
    import tensorflow as tf

    files = sorted(str(path) for path in (paths.examples / "Split-train").iterdir())
    records = [record.numpy() for record in tf.data.TFRecordDataset(files, compression_type="GZIP")]
    for shard, part in enumerate((records[::-2], records[-2::-2])):
        with tf.io.TFRecordWriter(str(tmp_path / f"part-{shard}"), "GZIP") as writer:
            for record in part:
                writer.write(record)
    again = examples.load(str(tmp_path), transformed.BUDGETS)
    np.testing.assert_array_equal(again.ids, train.ids)
    np.testing.assert_array_equal(again.images, train.images)
