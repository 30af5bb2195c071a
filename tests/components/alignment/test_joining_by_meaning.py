"""Sources without a common key, joined by what they say."""

import csv

import numpy as np
import pytest

from components.alignment import joining
from components.alignment.config import AlignmentConfig, SemanticJoin, TimestampJoin
from components.alignment.grouping import Encoders
from components.alignment.report import AlignmentReport
from components.alignment.semantic.config import Matching
from components.alignment.things import ImageText
from pipeline import config as configuration
from schemas import records, tables
from schemas.errors import ConfigError, SourceError

ADJECTIVES = ("red", "small", "wooden", "old", "broken", "golden")
NOUNS = ("kettle", "bicycle", "violin", "lighthouse", "umbrella", "tractor", "compass", "anchor")
NAMES = [f"{adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]


def record(source, key, modality, content):
    content = content if isinstance(content, bytes) else content.encode()
    return {
        "record_id": records.record_id(source, f"{key} {modality}"),
        "content_sha256": records.content_sha256(content),
        "modality": modality,
        "media_type": "text/plain",
        "content": content,
        "source": source,
        "attributes": {"key": key, "dataset": "shop", "origin": key},
    }


def catalogue():
    return [record("catalogue", f"c{n}", "text", name.title()) for n, name in enumerate(NAMES)]


def drawings(names=NAMES):
    """The same things in another source: the words in another order, and a code each."""
    rows = []
    for n, name in enumerate(names):
        rows.append(record("drawings", f"d{n}", "text", " ".join(reversed(name.split()))))
        rows.append(record("drawings", f"d{n}", "code", f"draw({n}, {name!r})"))
    return rows


@pytest.fixture
def align(tmp_path):
    """Aligns records; the samples by the first line of their text or code, and the report."""

    def run(rows, name="run", encoders=Encoders(), **join):  # noqa: B008 (frozen)
        config = AlignmentConfig(semantic={"shop": SemanticJoin(**{"reference": "catalogue", **join})})
        tables.write(tmp_path / name / "records", [tables.from_rows(rows, records.RECORD)], records.RECORD)
        told = joining.align(tmp_path / name / "records", tmp_path / name / "samples", config, 0, encoders)
        told.write(tmp_path / name / "report")
        assert AlignmentReport.read(tmp_path / name / "report") == told
        samples = tables.rows(tmp_path / name / "samples")
        return {(sample["text"] or sample["code"]).splitlines()[0]: sample for sample in samples}, told

    return run


def test_things_that_say_the_same_become_one_sample(align):
    samples, told = align([*catalogue(), *drawings()])
    for n, name in enumerate(NAMES):
        sample = samples[name.title()]
        assert sample["code"] == f"draw({n}, {name!r})" and sample["method"] == "semantic"
        assert 0.8 <= sample["score"] <= 1
        assert {join["record_id"] for join in sample["joins"]} == set(sample["record_ids"][1:])
        assert {(join["method"], join["gap_us"]) for join in sample["joins"]} == {("semantic", None)}
    [report] = told.associations
    assert (report.pairs, report.unmatched, report.encoder, sum(report.scores)) == (48, 0, "lexical", 48)
    assert told.by_method == {"semantic": 48}


def test_what_has_no_partner_stays_alone_and_is_named(align):
    samples, told = align([*catalogue(), *drawings(["purple submarine", *NAMES[1:]])])
    assert samples[NAMES[0].title()]["method"] == "key" and samples[NAMES[0].title()]["code"] is None
    assert samples["submarine purple"]["code"].startswith("draw(0")
    [report] = told.associations
    assert (report.unmatched, report.unmatched_reference, report.unmatched_examples) == (1, 1, ("d0",))


def test_the_samples_are_the_same_however_the_records_come(align):
    rows = [*catalogue(), *drawings()]
    assert align(rows, "one") == align(rows[::-1], "other")


def test_images_without_a_text_are_told_by_an_encoder_of_images(align):
    axes = np.eye(len(NAMES), dtype=np.float32)

    def texts(lines):
        return np.stack([axes[NAMES.index(line.lower())] for line in lines])

    def images(contents):
        return np.stack([axes[int(content.split()[1])] for content in contents])

    pictures = [record("photos", f"p{n}", "image", b"png %d" % n) for n in range(len(NAMES))]
    samples, told = align([*catalogue(), *pictures], encoders=Encoders(image_text=ImageText(texts, images)),
                          matching=Matching(min_score=0.0))  # fmt: skip
    right = sum(samples[name.title()]["image"] == b"png %d" % n for n, name in enumerate(NAMES))
    assert right == len(NAMES) and told.associations[0].encoder == "image_text"
    with pytest.raises(SourceError, match="there is no encoder for images yet"):
        align([*catalogue(), *pictures], "without")


def test_scores_are_calibrated_by_labels(align, tmp_path):
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["left", "right"])
        writer.writerows([f"c{n}", f"d{n}"] for n in range(len(NAMES)))
    labels = Matching(labels=str(tmp_path / "labels.csv"))
    with pytest.raises(ConfigError, match="48 labels"):
        align([*catalogue(), *drawings()], matching=labels)
    with pytest.raises(ConfigError, match="cannot be read"):
        align([*catalogue(), *drawings()], "missing", matching=Matching(labels=str(tmp_path / "none.csv")))


def test_a_label_without_a_partner_says_that_there_is_none_and_a_label_of_something_else_says_nothing(align, tmp_path):
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["left", "right"], ["c0", ""], ["unknown", "d1"], ["c1", "unknown"]])
        writer.writerows([f"c{n}", f"d{n}"] for n in range(2, len(NAMES)))
    with pytest.raises(ConfigError, match="47 labels, 46 of them right"):
        align([*catalogue(), *drawings()], matching=Matching(labels=str(tmp_path / "labels.csv")))


def test_a_reference_that_is_not_there_is_named(align):
    with pytest.raises(SourceError, match="no record of the source `catalog`"):
        align([*catalogue(), *drawings()], reference="catalog")


def test_a_data_set_is_joined_in_one_way():
    with pytest.raises(ValueError, match="only one is possible: shop"):
        AlignmentConfig(
            semantic={"shop": SemanticJoin(reference="a")}, timestamps={"shop": TimestampJoin(reference="a")}
        )
    assert configuration.load().alignment.semantic == {}
