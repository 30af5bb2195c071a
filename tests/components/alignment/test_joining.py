import pathlib

import pytest
from tfx.types import channel

from components.alignment import joining, splits
from components.alignment.component import Align
from components.alignment.config import AlignmentConfig, KeyJoin
from components.alignment.executor import Executor
from components.alignment.report import AlignmentReport
from components.cleaning.attributes import NEAR_DUPLICATES
from schemas import artifacts, records, tables
from schemas.config import to_json
from schemas.errors import IntegrityError, SourceError


def record(key, modality, content, source="mine", dataset="things", cluster=None, number=0):
    attributes = {"key": key, "dataset": dataset, "origin": key} | ({"cluster": cluster} if cluster else {})
    return {
        "record_id": records.record_id(source, f"{key} {modality} {number}"),
        "content_sha256": records.content_sha256(content),
        "modality": modality,
        "media_type": "text/plain",
        "content": content,
        "source": source,
        "attributes": attributes,
    }


FILLING = [record(f"filling {number}", "text", f"filling {number}".encode()) for number in range(30)]


@pytest.fixture
def align(tmp_path):
    """Aligns records; the samples by text or code, and the report."""

    def run(rows, name="run", seed=0, config=None):
        tables.write(tmp_path / name / "records", [tables.from_rows(rows, records.RECORD)], records.RECORD)
        told = joining.align(
            tmp_path / name / "records", tmp_path / name / "samples", config or AlignmentConfig(), seed
        )
        return list(tables.rows(tmp_path / name / "samples")), told

    return run


def sample_of(samples, text):
    [found] = [sample for sample in samples if text in (sample["text"] or sample["code"])]
    return found


def test_records_of_one_key_become_one_sample(align):
    rows = [record("soup", "text", b"Soup"), record("soup", "image", b"png"), record("soup", "code", b"boil()")]
    samples, told = align([*FILLING, *rows])
    soup = sample_of(samples, "Soup")
    assert (soup["text"], soup["image"], soup["code"]) == ("Soup", b"png", "boil()")
    assert sorted(soup["record_ids"]) == sorted(row["record_id"] for row in rows)
    assert (soup["source"], soup["method"], soup["score"], soup["parent"]) == ("things", "key", 1.0, None)
    assert soup["cluster"] == "things:soup"
    assert told.by_modality == {"text": 30, "text+image+code": 1}


def test_a_modality_may_be_missing(align):
    samples, _ = align([*FILLING, record("soup", "code", b"boil()")])
    soup = sample_of(samples, "boil")
    assert soup["text"] is None and soup["image"] is None


def test_records_of_different_data_sets_are_not_joined(align):
    rows = [record("1", "text", b"one", dataset="a"), record("1", "code", b"two()", dataset="b")]
    samples, _ = align([*FILLING, *rows])
    assert sample_of(samples, "one")["code"] is None
    assert sample_of(samples, "one")["sample_id"] != sample_of(samples, "two")["sample_id"]


def test_distinct_texts_come_a_line_apart_in_the_order_of_their_sources(align):
    rows = [
        record("soup", "text", b"last", source="z"),
        record("soup", "text", b"first", source="a"),
        record("soup", "text", b"first", source="b"),
    ]
    samples, told = align([*FILLING, *rows])
    soup = sample_of(samples, "first")
    assert soup["text"] == "first\nlast"
    assert soup["record_ids"] == [rows[1]["record_id"], rows[0]["record_id"]]
    assert told.surplus == 0


def test_of_several_images_and_codes_the_first_is_taken(align):
    rows = [
        record("soup", "code", b"second()", source="b"),
        record("soup", "code", b"first()", source="a"),
        record("soup", "image", b"second", source="b"),
        record("soup", "image", b"first", source="a"),
    ]
    samples, told = align([*FILLING, *rows])
    soup = sample_of(samples, "first()")
    assert (soup["image"], soup["code"]) == (b"first", "first()")
    assert told.surplus == 2


def test_images_alone_are_left_out_and_counted(align):
    samples, told = align([*FILLING, record("photo", "image", b"png")])
    assert len(samples) == 30 == told.samples
    assert told.image_only == 1
    assert told.unmatched == {"text": 30, "image": 1, "code": 0}


def test_variants_and_copies_share_a_split_whatever_the_seed(align):
    rows = list(FILLING)
    for number in range(20):  # variants by cluster, and chains of equal images and codes
        rows.append(record(f"variant {number}", "text", f"v{number}".encode(), cluster="thing"))
        rows.append(record(f"copy {number}", "text", f"c{number}".encode()))
        rows.append(record(f"copy {number}", "image", b"image %d" % (number // 2)))
        rows.append(record(f"copy {number}", "code", b"code %d" % ((number + 1) // 2)))
    for seed in range(4):
        samples, told = align(rows, f"seed {seed}", seed)
        for first in "vc":
            alike = [sample for sample in samples if sample["text"].startswith(first)]
            assert len(alike) == 20
            assert len({sample["split"] for sample in alike}) == 1
            assert len({sample["cluster"] for sample in alike}) == 1
        assert (told.clusters, told.largest_cluster, told.straddling_clusters) == (32, 20, 0)


def test_near_duplicates_land_in_one_split(align):
    alike = [record(f"near {number}", "text", b"near %d" % number) for number in range(20)]
    for row in alike:
        row["attributes"][NEAR_DUPLICATES] = alike[3]["record_id"]
    for seed in range(4):
        samples, told = align([*FILLING, *alike], f"seed {seed}", seed)
        near = [sample for sample in samples if sample["text"].startswith("near")]
        assert len({sample["split"] for sample in near}) == len({sample["cluster"] for sample in near}) == 1
        assert told.largest_cluster == 20


def test_a_leak_in_what_was_written_fails_the_node(align, monkeypatch):
    rows = [*FILLING, *(record(f"v{number}", "text", b"v%d" % number, cluster="thing") for number in range(3))]
    write = tables.write

    def leak(directory, batches, schema):
        rows = [row for batch in batches for row in tables.to_rows(batch)]
        alike = [row for row in rows if row["cluster"] == "thing"]
        alike[0]["split"] = "test" if alike[1]["split"] == "train" else "train"
        return write(directory, [tables.from_rows(rows, schema)], schema)

    align(rows)
    monkeypatch.setattr(joining.tables, "write", lambda *given: (leak if given[2] is records.SAMPLE else write)(*given))
    with pytest.raises(IntegrityError, match="cluster thing is in the splits"):
        align(rows, "leaking")


def test_the_report_counts_by_source_and_split(align):
    samples, told = align([*FILLING, record("x", "text", b"x", dataset="other")])
    assert sum(told.by_split.values()) == 31
    assert sum(told.by_source["other"].values()) == 1
    for split in splits.NAMES:
        assert told.by_split[split] == sum(sample["split"] == split for sample in samples)


def test_samples_are_the_same_however_the_records_come(align):
    rows = [*FILLING, record("soup", "text", b"a"), record("soup", "text", b"b", number=1)]
    assert align(rows, "one")[0] == align(rows[::-1], "other")[0]


@pytest.mark.parametrize("rows", [[], FILLING[:2]])
def test_too_few_records_are_an_error_in_words(align, rows):
    with pytest.raises(SourceError, match="cannot be divided"):
        align(rows)


def test_the_executor_writes_samples_and_report(tmp_path):
    component = Align(records=channel.Channel(type=artifacts.Records), config=AlignmentConfig(), seed=3)
    assert component.id == "Align"
    source = artifacts.Records()
    source.uri = str(tmp_path / "records")
    tables.write(source.uri, [tables.from_rows(FILLING, records.RECORD)], records.RECORD)
    samples, report = artifacts.Samples(), artifacts.AlignmentReport()
    samples.uri, report.uri = str(tmp_path / "samples"), str(tmp_path / "report")
    assert component.exec_properties["config"] == to_json(AlignmentConfig())
    Executor().Do({"records": [source]}, {"samples": [samples], "report": [report]}, component.exec_properties)
    assert samples.get_int_custom_property("rows") == 30
    assert samples.get_string_custom_property("digest") == tables.digest(samples.uri)
    told = AlignmentReport.read(pathlib.Path(report.uri))
    assert told.samples == 30 and told.seconds > 0


def test_one_text_with_many_images_makes_a_sample_of_each_by_rule(align):
    rows = [record("soup", "text", b"Soup"), *(record("soup", "image", b"png %d" % n, number=n) for n in range(3))]
    samples, told = align([*FILLING, *rows], config=AlignmentConfig(keys={"things": KeyJoin(images="each")}))
    soups = [sample for sample in samples if sample["text"] == "Soup"]
    assert sorted(sample["image"] for sample in soups) == [b"png 0", b"png 1", b"png 2"]
    assert len({sample["sample_id"] for sample in soups}) == 3 and len({sample["split"] for sample in soups}) == 1
    assert told.surplus == 0


def test_many_texts_of_one_image_make_a_sample_of_each_by_rule(align):
    rows = [record("soup", "image", b"png"), *(record("soup", "text", b"Soup %d" % n, number=n) for n in range(2))]
    samples, _ = align([*FILLING, *rows], config=AlignmentConfig(keys={"things": KeyJoin(texts="each")}))
    soups = [sample for sample in samples if "Soup" in sample["text"]]
    assert [sample["image"] for sample in soups] == [b"png", b"png"]


def test_a_sample_of_a_pair_keeps_its_id_when_another_comes(align):
    rules = AlignmentConfig(keys={"things": KeyJoin(images="each")})
    rows = [record("soup", "text", b"Soup"), *(record("soup", "image", b"png %d" % n, number=n) for n in range(3))]
    before, _ = align([*FILLING, *rows[:3]], "before", config=rules)
    after, _ = align([*FILLING, *rows], "after", config=rules)
    assert {sample["sample_id"] for sample in before} < {sample["sample_id"] for sample in after}


def test_only_the_first_text_is_taken_by_rule_and_the_others_are_surplus(align):
    rows = [record("soup", "text", b"Soup %s" % source.encode(), source=source) for source in "ba"]
    samples, told = align([*FILLING, *rows], config=AlignmentConfig(keys={"things": KeyJoin(texts="first")}))
    assert sample_of(samples, "Soup")["text"] == "Soup a" and told.surplus == 1


def test_a_key_with_too_many_samples_is_refused(align):
    rows = [
        record("soup", name, b"%s %d" % (name.encode(), n), number=n) for name in ("text", "code") for n in range(32)
    ]
    rules = AlignmentConfig(keys={"things": KeyJoin(texts="each", codes="each")})
    with pytest.raises(SourceError, match=r"alignment\.keys\.things: 1,024 samples of the one key `soup`"):
        align([*FILLING, *rows], config=rules)


def test_what_the_records_are_about_goes_with_the_sample(align):
    rows = [record("soup", "text", b"Soup", source="a"), record("soup", "code", b"boil()", source="b")]
    rows[0]["attributes"] |= {"group": "food", NEAR_DUPLICATES: "x"}
    rows[1]["attributes"] |= {"group": "verbs", "author": "me"}
    rows[1]["language"] = "python"
    samples, _ = align([*FILLING, *rows])
    assert sample_of(samples, "Soup")["attributes"] == {"group": "food", "author": "me", "code_language": "python"}
    assert sample_of(samples, "Soup")["joins"] is None


def test_regions_go_with_the_sample_and_are_linked_by_label(align):
    rows = [
        record("soup", "text", b"Soup", source="a"),
        record("soup", "text", b"with onions", source="b"),
        record("soup", "code", b"pot()\nonions()\n", source="c"),
    ]
    rows[0]["regions"] = [{"label": "dish", "bounds": [0, 4, 0, 0]}, {"label": "beyond", "bounds": [2, 90, 0, 0]}]
    rows[1]["regions"] = [{"label": "onions", "bounds": [5, 11, 0, 0]}]
    rows[2]["regions"] = [{"label": "onions", "bounds": [2, 2, 0, 0]}]
    samples, told = align([*FILLING, *rows])
    soup = sample_of(samples, "Soup")
    dish, word, line = soup["regions"]
    assert (dish["label"], dish["bounds"], dish["link"]) == ("dish", [0, 4, 0, 0], None)
    assert soup["text"][slice(*word["bounds"][:2])] == "onions" and word["record_id"] == rows[1]["record_id"]
    assert (line["modality"], line["bounds"]) == ("code", [2, 2, 0, 0])
    assert word["link"] is not None and word["link"] == line["link"]
    assert told.regions == {"kept": 3, "linked": 2, "outside": 1}
