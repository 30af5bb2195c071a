import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tfx.types import channel

from components.augmentation import augmenting
from components.augmentation.component import Augment
from components.augmentation.config import AugmentationConfig
from components.augmentation.executor import Executor
from components.augmentation.images import vary
from components.cleaning.images import encode
from schemas import artifacts, records, tables

STILL = AugmentationConfig(rotation_degrees=0.0, crop=0.0, colour=0.0)


def picture(seed=0, size=(24, 16)):
    """A white image with a coloured block in it."""
    random = np.random.default_rng(seed)
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    pixels[4:12, 4:20] = random.integers(0, 200, 3)
    return encode(Image.fromarray(pixels))


def sample(number, split="train", image=True):
    return {
        "sample_id": f"{number:032x}",
        "text": f"text {number}",
        "image": picture(number) if image else None,
        "code": f"code({number})",
        "source": "mine",
        "record_ids": [f"record {number}"],
        "weight": 1.0,
        "attributes": {},
        "method": "key",
        "score": 1.0,
        "cluster": f"cluster {number}",
        "split": split,
    }


SAMPLES = [
    sample(number, ("train", "train", "eval", "test")[number % 4], image=number % 3 != 0) for number in range(120)
]


@pytest.fixture
def augment(tmp_path):
    """Augments samples that are stored in batches of some size; the rows that came and the copies."""

    def run(name="run", batch=120, seed=0, config=AugmentationConfig()):  # noqa: B008 (frozen)
        batches = [tables.from_rows(SAMPLES[at : at + batch], records.SAMPLE) for at in range(0, 120, batch)]
        tables.write(tmp_path / name / "samples", batches, records.SAMPLE)
        count = augmenting.augment(tmp_path / name / "samples", tmp_path / name / "augmented", config, seed)
        rows = list(tables.rows(tmp_path / name / "augmented"))
        assert len(rows) == count
        return rows[:120], rows[120:]

    return run


def test_samples_stay_and_copies_name_their_parents(augment):
    kept, copies = augment()
    assert kept == [{**row, "parent": None} for row in SAMPLES]
    parents = {row["sample_id"]: row for row in kept}
    assert copies
    for copy in copies:
        parent = parents[copy["parent"]]
        assert copy["image"] != parent["image"]
        changed = {name for name in copy if copy[name] != parent[name]}
        assert changed == {"sample_id", "image", "parent"}
    assert len({row["sample_id"] for row in kept + copies}) == 120 + len(copies)


def test_only_training_samples_with_an_image_get_copies(augment):
    _, copies = augment(config=AugmentationConfig(fraction=1.0))
    expected = {row["sample_id"] for row in SAMPLES if row["split"] == "train" and row["image"]}
    assert {copy["parent"] for copy in copies} == expected
    assert {copy["split"] for copy in copies} == {"train"}


def test_a_fraction_of_nothing_gives_no_copy(augment):
    assert augment(config=AugmentationConfig(fraction=0.0))[1] == []


def test_the_fraction_is_kept():
    taken = sum(augmenting.copy_of(f"sample {number}", 0, 0.25) is not None for number in range(4000))
    assert taken / 4000 == pytest.approx(0.25, abs=0.03)


def test_copies_do_not_depend_on_how_the_samples_are_divided(augment):
    assert augment("one", batch=120) == augment("other", batch=7)


def test_the_seed_decides(augment):
    assert augment("one", seed=1) == augment("same", seed=1)
    assert augment("one", seed=1)[1] != augment("other", seed=2)[1]


@given(st.integers(0, 2**32), st.tuples(st.integers(8, 40), st.integers(8, 40)))
def test_a_varied_image_has_its_size_and_keeps_what_it_shows(seed, size):
    content = encode(Image.new("RGB", size, (250, 60, 60)))
    varied = Image.open(io.BytesIO(vary(content, AugmentationConfig(), np.random.default_rng(seed))))
    assert (varied.size, varied.mode, varied.format) == (size, "RGB", "PNG")
    red, green, blue = varied.getpixel((size[0] // 2, size[1] // 2))
    assert red > max(green, blue) + 60, "the middle is still red"


def test_no_change_is_no_change():
    assert vary(picture(), STILL, np.random.default_rng(0)) == picture()


@pytest.mark.parametrize("change", [{"rotation_degrees": 10.0}, {"crop": 0.3}, {"colour": 0.2}])
def test_each_change_changes_the_image(change):
    values = {"rotation_degrees": 0.0, "crop": 0.0, "colour": 0.0, **change}
    assert vary(picture(), AugmentationConfig(**values), np.random.default_rng(1)) != picture()


def test_what_turns_into_view_is_white():
    turned = AugmentationConfig(rotation_degrees=45.0, crop=0.0, colour=0.0)
    black = encode(Image.new("RGB", (32, 32)))
    varied = Image.open(io.BytesIO(vary(black, turned, np.random.default_rng(0))))
    assert varied.getpixel((0, 0)) == (255, 255, 255)


def test_the_executor_writes_samples(tmp_path):
    component = Augment(samples=channel.Channel(type=artifacts.Samples), config=AugmentationConfig(), seed=5)
    assert component.id == "Augment"
    source, augmented = artifacts.Samples(), artifacts.Samples()
    source.uri, augmented.uri = str(tmp_path / "samples"), str(tmp_path / "augmented")
    tables.write(source.uri, [tables.from_rows(SAMPLES, records.SAMPLE)], records.SAMPLE)
    Executor().Do({"samples": [source]}, {"augmented": [augmented]}, component.exec_properties)
    assert augmented.get_int_custom_property("rows") == tables.count(augmented.uri) > 120
    assert augmented.get_string_custom_property("digest") == tables.digest(augmented.uri)
