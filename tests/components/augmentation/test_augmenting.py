import argparse
import inspect
import json
import os.path
import shutil
import statistics
import tempfile
import textwrap

import numpy as np
import pytest
from PIL import Image
from tfx.types import channel

from components.augmentation import augmenting
from components.augmentation.component import Augment
from components.augmentation.config import AllCopies, AugmentationConfig, Copies
from components.augmentation.executor import Executor
from components.cleaning.config import CleaningConfig
from components.cleaning.images import encode
from schemas import artifacts, records, tables

ALL = Copies(fraction=1.0)


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
        "code": f"def add_{number}(given):\n    # Adds.\n    total = given + {number}\n    return total\n",
        "source": "mine",
        "record_ids": [f"record {number}"],
        "weight": 1.0,
        "attributes": {"code_language": "python", "group": "food"},
        "method": "key",
        "score": 1.0,
        "cluster": f"cluster {number}",
        "split": split,
    }


SAMPLES = [
    sample(number, ("train", "train", "eval", "test")[number % 4], image=number % 3 != 0) for number in range(120)
]


def copies_of(**kinds):
    return AugmentationConfig(copies=AllCopies(**kinds))


@pytest.fixture
def augment(tmp_path):
    """Augments samples that are stored in batches of some size; the rows that came, the copies and what was counted."""

    def run(name="run", batch=120, seed=0, config=None, rows=SAMPLES, cleaning=None):
        batches = [tables.from_rows(rows[at : at + batch], records.SAMPLE) for at in range(0, len(rows), batch)]
        tables.write(tmp_path / name / "samples", batches, records.SAMPLE)
        told = augmenting.augment(
            tmp_path / name / "samples",
            tmp_path / name / "augmented",
            config or copies_of(image=Copies(fraction=0.25)),
            cleaning or CleaningConfig(),
            seed,
        )
        written = list(tables.rows(tmp_path / name / "augmented"))
        assert told.rows == len(written) == len(rows) + sum(told.copies.values())
        return written[: len(rows)], written[len(rows) :], told

    return run


def test_samples_stay_and_copies_name_their_parents(augment):
    kept, copies, _ = augment(config=copies_of(image=ALL, code=ALL))
    assert kept == tables.to_rows(tables.from_rows(SAMPLES, records.SAMPLE))
    parents = {row["sample_id"]: row for row in kept}
    kinds = {copy["attributes"]["augmentation"] for copy in copies}
    assert kinds == {"image", "code"}
    for copy in copies:
        parent, kind = parents[copy["parent"]], copy["attributes"]["augmentation"]
        changed = {name for name in copy if copy[name] != parent[name]}
        assert changed == {"sample_id", kind, "parent", "attributes"}
    assert len({row["sample_id"] for row in kept + copies}) == 120 + len(copies)


def test_only_training_samples_with_the_modality_get_copies(augment):
    _, copies, told = augment(config=copies_of(image=ALL))
    expected = {row["sample_id"] for row in SAMPLES if row["split"] == "train" and row["image"]}
    assert {copy["parent"] for copy in copies} == expected and told.copies == {"image": len(expected)}
    assert {copy["split"] for copy in copies} == {"train"}


def test_copies_are_in_the_cluster_of_their_parents(augment):
    kept, copies, _ = augment(config=copies_of(image=ALL, code=ALL))
    clusters = {row["sample_id"]: (row["cluster"], row["split"]) for row in kept}
    assert all((copy["cluster"], copy["split"]) == clusters[copy["parent"]] for copy in copies)


def test_a_fraction_of_nothing_gives_no_copy(augment):
    assert augment(config=copies_of())[1] == []


def test_the_fraction_is_kept():
    taken = sum(bool(augmenting.chosen(f"sample {n}", "image", 0, Copies(fraction=0.25))) for n in range(4000))
    assert taken / 4000 == pytest.approx(0.25, abs=0.03)


def test_the_number_and_the_weight_of_copies_are_as_said(augment):
    _, copies, _ = augment(config=copies_of(image=Copies(fraction=1.0, number=3, weight=0.5)))
    by_parent = {}
    for copy in copies:
        by_parent.setdefault(copy["parent"], []).append(copy)
        assert copy["weight"] == 0.5
    assert {len({copy["image"] for copy in own}) for own in by_parent.values()} == {3}


def test_more_copies_leave_the_first_as_it_is(augment):
    one, three = (
        {copy["sample_id"]: copy for copy in augment(str(n), config=copies_of(image=Copies(fraction=0.5, number=n)))[1]}
        for n in (1, 3)
    )
    assert one.items() <= three.items()


def test_copies_do_not_depend_on_how_the_samples_are_divided(augment):
    config = copies_of(image=ALL, code=ALL)
    one, other = augment("one", batch=120, config=config), augment("other", batch=7, config=config)
    assert one[2] == other[2]
    assert sorted(one[1], key=lambda row: row["sample_id"]) == sorted(other[1], key=lambda row: row["sample_id"])


def test_the_seed_decides(augment):
    assert augment("one", seed=1) == augment("same", seed=1)
    assert augment("one", seed=1)[1] != augment("other", seed=2)[1]


def test_a_copy_that_the_cleaning_would_reject_is_not_made(augment):
    rules = CleaningConfig(min_code_bytes=10_000)
    _, copies, told = augment(config=copies_of(code=ALL), cleaning=rules)
    assert copies == [] and told.skipped["code: too_short"] > 30


def test_what_cannot_be_varied_is_counted(augment):
    rows = [{**row, "attributes": {"code_language": "cobol"}} for row in SAMPLES]
    _, copies, told = augment(config=copies_of(code=ALL), rows=rows)
    assert copies == [] and told.skipped == {"code: nothing_to_vary": 60}


def test_regions_move_along(augment):
    box = {"record_id": "r", "modality": "image", "label": "block", "bounds": [4, 4, 20, 12], "link": None}
    lines = {"record_id": "r", "modality": "code", "label": "sum", "bounds": [3, 3, 0, 0], "link": None}
    rows = [{**row, "regions": [box, lines]} for row in SAMPLES if row["image"]]
    _, copies, _ = augment(config=copies_of(image=ALL, code=ALL), rows=rows)
    for copy in copies:
        varied, kept = ("image", lines) if copy["attributes"]["augmentation"] == "image" else ("code", box)
        assert kept in copy["regions"]
        [moved] = [region for region in copy["regions"] if region["modality"] == varied]
        if varied == "code":
            first, last, _, _ = moved["bounds"]
            assert "+" in "".join(copy["code"].splitlines()[first - 1 : last])
    assert any(copy["regions"][-1]["bounds"] not in (box["bounds"], lines["bounds"]) for copy in copies)


def test_the_executor_writes_samples(tmp_path):
    component = Augment(
        samples=channel.Channel(type=artifacts.Samples), config=copies_of(image=ALL), cleaning=CleaningConfig(), seed=5
    )
    assert component.id == "Augment"
    source, augmented = artifacts.Samples(), artifacts.Samples()
    source.uri, augmented.uri = str(tmp_path / "samples"), str(tmp_path / "augmented")
    tables.write(source.uri, [tables.from_rows(SAMPLES, records.SAMPLE)], records.SAMPLE)
    Executor().Do({"samples": [source]}, {"augmented": [augmented]}, component.exec_properties)
    copies = json.loads(augmented.get_string_custom_property("copies"))
    assert augmented.get_int_custom_property("rows") == tables.count(augmented.uri) == 120 + copies["image"] > 120
    assert augmented.get_string_custom_property("digest") == tables.digest(augmented.uri)


def docstrings():
    """First paragraphs of real docstrings."""
    found = [
        inspect.getdoc(function).split("\n\n")[0]
        for module in (argparse, inspect, json, os.path, shutil, statistics, tempfile, textwrap)
        for _, function in sorted(inspect.getmembers(module, inspect.isfunction))
        if inspect.getdoc(function)
    ]
    return sorted(text for text in set(found) if 40 < len(text) < 300)[:100]


def written(language="en"):
    return [
        {**row, "text": text, "split": "train", "attributes": {"text_language": language}}
        for row, text in zip(SAMPLES, docstrings(), strict=False)
    ]


@pytest.mark.parametrize("kind", ["synonyms", "back_translation"])
def test_texts_are_said_in_other_words(augment, kind, text_tools):
    rows = written()
    kept, copies, told = augment(config=copies_of(**{kind: ALL}), rows=rows)
    assert copies and told.copies == {kind: len(copies)}
    parents = {row["sample_id"]: row for row in kept}
    for copy in copies:
        parent = parents[copy["parent"]]
        assert copy["text"] != parent["text"] and copy["code"] == parent["code"] and copy["image"] == parent["image"]
    assert len(copies) + sum(told.skipped.values()) == len(rows)


@pytest.mark.parametrize("kind", ["synonyms", "back_translation"])
def test_texts_in_another_language_are_left_alone(augment, kind, text_tools):
    rows = written("de")
    _, copies, told = augment(config=copies_of(**{kind: ALL}), rows=rows)
    assert copies == [] and told.skipped == {f"{kind}: other_language": len(rows)}


def test_spans_move_along_with_synonyms(augment, text_tools):
    rows = written()
    for row in rows:
        last = row["text"].rindex(" ") + 1
        row["regions"] = [
            {
                "record_id": "r",
                "modality": "text",
                "label": "last",
                "bounds": [last, len(row["text"]), 0, 0],
                "link": None,
            }
        ]
    _, copies, _ = augment(config=copies_of(synonyms=ALL), rows=rows)
    parents = {row["sample_id"]: row["text"] for row in rows}
    assert any(len(copy["text"]) != len(parents[copy["parent"]]) for copy in copies)
    for copy in copies:
        [region] = copy["regions"]
        assert copy["text"][region["bounds"][0] : region["bounds"][1]] == copy["text"].split(" ")[-1]
