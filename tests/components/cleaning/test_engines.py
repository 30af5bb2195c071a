"""The same records give the same bytes on every engine, however they are divided."""

import dataclasses
import io
import random

import apache_beam as beam
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from components.cleaning import beam_engine, plain_engine, spark_engine
from components.cleaning.attributes import NEAR_DUPLICATES
from components.cleaning.config import CleaningConfig
from components.cleaning.near_duplicates.config import DocumentDuplicates, NearDuplicates
from components.cleaning.quality.config import Quality, TextQuality
from components.cleaning.steps import Cleaning
from pipeline.dag import BEAM_ARGUMENTS
from schemas import tables

WORDS = [f"word{number}" for number in range(400)]


def document(seed, words=120):
    """Words without sense; rules for documents are switched off below."""
    return " ".join(random.Random(seed).choices(WORDS, k=words)).encode()


def configured(**near_duplicates):
    quality = Quality(text=TextQuality(document_words=1_000_000))
    return CleaningConfig(quality=quality, near_duplicates=NearDuplicates(**near_duplicates))


def edited(content, seed, edits):
    words = content.split()
    chooser = random.Random(seed)
    for _ in range(edits):
        words[chooser.randrange(len(words))] = b"edited"
    return b" ".join(words)


def picture(seed, size=96, quality=None):
    """A smooth picture that a perceptual hash can tell from others."""
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "PNG") if quality is None else image.save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture(scope="module")
def alike(record, mixed):
    """Records of every kind: broken ones, exact copies, near copies across sources, some with regions."""
    rows = [dict(row) for row in mixed]
    for number in range(40):
        original = document(number)
        rows.append(record(f"o{number}", "text", original, "ab"[number % 2]))
        rows.append(record(f"e{number}", "text", edited(original, number, 1 + number % 4), "c"))
        rows.append(record(f"k{number}", "code", b"def f():\n    return " + document(500 + number // 2), "c"))
    for number in range(6):
        rows.append(record(f"p{number}", "image", picture(number), "a"))
        rows.append(record(f"q{number}", "image", picture(number, quality=60), "b"))
    boxed = {"image": [5, 6, 80, 90], "text": [3, 9, 0, 0], "code": [1, 2, 0, 0]}
    for row in rows[::3]:
        row["regions"] = [{"label": "in", "bounds": boxed[row["modality"]]}, {"label": "out", "bounds": [-1, 5, 0, 0]}]
    return rows


@pytest.fixture
def run_on(spark):
    """The engines by name, as functions of a cleaning."""

    def on_beam(cleaning):
        with beam.Pipeline(argv=BEAM_ARGUMENTS) as pipeline:
            beam_engine.run(pipeline, cleaning.tasks(), cleaning.steps())

    return {
        "plain": lambda cleaning: plain_engine.run(cleaning.tasks(), cleaning.steps()),
        "beam": on_beam,
        "spark": lambda cleaning: spark_engine.run(spark, cleaning.tasks(), cleaning.steps()),
    }


@pytest.fixture
def clean(tmp_path, batch_of, run_on):
    """Cleans rows on an engine, divided into partitions; the cleaning that was done."""

    def run(name, rows, engine="plain", partitions=1, **changes):
        root = tmp_path / name
        for part in range(partitions):
            tables.write_shard(root / "source", part, batch_of(rows[part::partitions]))
        cleaning = Cleaning(
            source=str(root / "source"),
            work=str(root / "work"),
            cleaned=str(root / "cleaned"),
            rejected=str(root / "rejected"),
            index=str(root / "index"),
            **{"earlier": None, "config": configured(), **changes},
        )
        run_on[engine](cleaning)
        return cleaning

    return run


def bytes_of(cleaning):
    return {
        kind: [path.read_bytes() for path in tables.shards(getattr(cleaning, kind))]
        for kind in ("cleaned", "rejected", "index")
    }


INCREMENTAL = configured(incremental=True)


@pytest.mark.parametrize("engine", ["plain", "beam", "spark"])
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_engine_and_partitions_do_not_show(clean, alike, engine, partitions):
    expected = bytes_of(clean("expected", alike, config=INCREMENTAL, shard_bytes=30_000))
    assert len(expected["cleaned"]) > 3
    shuffled = random.Random(partitions).sample(alike, len(alike))
    found = clean("found", shuffled, engine, partitions, config=INCREMENTAL, shard_bytes=30_000)
    assert bytes_of(found) == expected


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_records_give_the_same_however_they_are_divided(clean, alike, data):
    rows = data.draw(st.lists(st.sampled_from(alike), max_size=30, unique_by=lambda row: row["record_id"]))
    run = data.draw(st.uuids())
    expected = bytes_of(clean(f"{run}-expected", rows))
    assert bytes_of(clean(f"{run}-beam", rows, "beam", data.draw(st.sampled_from([1, 2, 7])))) == expected


def test_shards_are_ranges_of_one_order(clean, alike):
    one = clean("one", alike)
    many = clean("many", alike, shard_bytes=10_000)
    assert len(tables.shards(one.cleaned)) == 1 < len(tables.shards(many.cleaned))
    for kind in ("cleaned", "rejected"):
        assert list(tables.rows(getattr(one, kind))) == list(tables.rows(getattr(many, kind)))


def test_of_near_duplicates_the_longest_survives_and_names_the_cluster(clean, record):
    original = document(1)
    longer = original + b" and a little more"
    rows = [record(1, "text", original, "a"), record(2, "text", longer, "b"), record(3, "text", document(2), "a")]
    cleaning = clean("run", rows)
    kept = {row["record_id"]: row["attributes"] for row in tables.rows(cleaning.cleaned)}
    assert kept.keys() == {rows[1]["record_id"], rows[2]["record_id"]}
    assert kept[rows[1]["record_id"]][NEAR_DUPLICATES] == rows[1]["record_id"]
    assert NEAR_DUPLICATES not in kept[rows[2]["record_id"]]
    [dropped] = tables.rows(cleaning.rejected)
    assert (dropped["reason"], dropped["limit"]) == ("near_duplicate", "0.7")
    assert dropped["measured"] == f"similarity 0.967 to {rows[1]['record_id']}"


def test_as_clusters_all_stay_and_know_each_other(clean, record):
    rows = [record(1, "text", document(1)), record(2, "text", edited(document(1), 0, 2))]
    cleaning = clean("run", rows, config=configured(text=DocumentDuplicates(action="cluster")))
    kept = list(tables.rows(cleaning.cleaned))
    assert len(kept) == 2
    assert len({row["attributes"][NEAR_DUPLICATES] for row in kept}) == 1


def test_switched_off_nothing_is_compared(clean, record):
    rows = [record(1, "text", document(1)), record(2, "text", edited(document(1), 0, 2))]
    cleaning = clean("run", rows, config=configured(text=DocumentDuplicates(action="off")))
    assert [NEAR_DUPLICATES in row["attributes"] for row in tables.rows(cleaning.cleaned)] == [False, False]


def test_images_saved_again_are_found(clean, record):
    rows = [record(1, "image", picture(1)), record(2, "image", picture(1, quality=60)), record(3, "image", picture(2))]
    cleaning = clean("run", rows)
    assert tables.count(cleaning.cleaned) == 2
    [dropped] = tables.rows(cleaning.rejected)
    assert dropped["reason"] == "near_duplicate"
    assert dropped["limit"] == "31 bits"


def test_a_new_day_is_compared_with_earlier_ones_and_hashes_only_what_is_new(clean, record, monkeypatch):
    from components.cleaning import sketches

    first = [record(number, "text", document(number), "monday") for number in range(5)]
    monday = clean("monday", first, config=INCREMENTAL)
    copy = record(10, "text", document(3) + b" longer than what it copies", "tuesday")
    second = [*first, copy, record(11, "text", document(77), "tuesday")]
    hashed = []
    original = sketches.shingle
    monkeypatch.setattr(
        sketches, "shingle", lambda texts, words: (hashed.append(len(texts)), original(texts, words))[1]
    )
    tuesday = clean("tuesday", second, config=INCREMENTAL, earlier=monday.index)
    assert sum(hashed) == 2, "only Tuesday's own"
    [dropped] = tables.rows(tuesday.rejected)
    assert dropped["record_id"] == copy["record_id"], "what was kept on Monday stays"
    alone = clean("alone", second[5:], config=INCREMENTAL, earlier=monday.index)
    assert [row["record_id"] for row in tables.rows(alone.rejected)] == [copy["record_id"]]
    assert tables.count(alone.index) == tables.count(tuesday.index) == 6


@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_a_damaged_shard_is_named_by_every_engine(clean, run_on, alike, tmp_path, engine):
    good = clean("good", alike)
    [shard] = tables.shards(good.source)
    content = bytearray(shard.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 4)  # but no footer
    shard.write_bytes(content)
    bad = dataclasses.replace(good, work=str(tmp_path / "work"), cleaned=str(tmp_path / "cleaned"))
    with pytest.raises(Exception, match=r"(?s)IntegrityError.*part-00000"):
        run_on[engine](bad)
    assert not (tmp_path / "cleaned").exists()
