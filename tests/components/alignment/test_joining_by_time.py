import datetime
import json

import numpy as np
import pytest

from benchmarks.timestamp_streams import START_US, derived, random_events
from components.alignment import joining
from components.alignment.config import AlignmentConfig, TimestampJoin
from components.alignment.report import AlignmentReport
from schemas import records, tables
from schemas.config import from_json, to_json
from schemas.errors import SourceError

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def record(source, number, modality, time_us, content=None, dataset="days"):
    content = content or f"{source} {number}".encode()
    return {
        "record_id": records.record_id(source, f"{number} {modality}"),
        "content_sha256": records.content_sha256(content),
        "modality": modality,
        "media_type": "text/plain",
        "content": content,
        "timestamp": None if time_us is None else EPOCH + datetime.timedelta(microseconds=int(time_us)),
        "source": source,
        "attributes": {"key": f"rows:{number}", "dataset": dataset, "origin": str(number)},
    }


@pytest.fixture
def align(tmp_path):
    """Aligns records; the samples by text or code, and the report."""

    def run(rows, name="run", **joins):
        config = AlignmentConfig(timestamps={"days": TimestampJoin(reference="log", **joins)})
        tables.write(tmp_path / name / "records", [tables.from_rows(rows, records.RECORD)], records.RECORD)
        told = joining.align(tmp_path / name / "records", tmp_path / name / "samples", config, 0)
        told.write(tmp_path / name / "report")
        assert AlignmentReport.read(tmp_path / name / "report") == told
        return {sample["text"] or sample["code"]: sample for sample in tables.rows(tmp_path / name / "samples")}, told

    return run


SECOND = 1_000_000
LOG = [record("log", number, "text", START_US + number * 60 * SECOND) for number in range(10)]


def test_records_without_a_common_key_are_joined_by_time(align):
    code = record("changes", 77, "code", START_US + 180 * SECOND + 2000)
    samples, told = align([*LOG, code], estimate_clock=False, tolerance_s=1)
    joined = samples["log 3"]
    assert (joined["code"], joined["method"]) == ("changes 77", "timestamp")
    assert joined["record_ids"] == [LOG[3]["record_id"], code["record_id"]]
    assert 0 < joined["score"] <= 1
    assert (samples["log 4"]["code"], samples["log 4"]["method"], samples["log 4"]["score"]) == (None, "key", 1.0)
    assert told.by_method == {"key": 9, "timestamp": 1}
    [stream] = told.streams
    assert (stream.source, stream.reference, stream.pairs) == ("changes", "log", 1)
    assert (stream.unmatched_reference, stream.unmatched, stream.offset_s) == (9, 0, None)
    assert stream.gaps_s["50%"] == 0.002


def test_equal_keys_of_different_sources_join_nothing_in_a_data_set_joined_by_time(align):
    samples, _ = align([*LOG, record("changes", 3, "code", START_US)], estimate_clock=False, tolerance_s=1)
    assert samples["log 3"]["code"] is None
    assert samples["log 0"]["code"] == "changes 3"


def test_records_of_one_source_and_key_stay_together(align):
    rows = [*LOG, record("log", 3, "image", None, b"png"), record("changes", 1, "code", START_US + 180 * SECOND)]
    samples, _ = align(rows, estimate_clock=False, tolerance_s=1)
    assert (samples["log 3"]["image"], samples["log 3"]["code"]) == (b"png", "changes 1")


def test_what_has_no_partner_or_no_time_stays_alone_and_is_counted(align):
    rows = [*LOG, record("changes", 1, "code", START_US + 30 * SECOND), record("changes", 2, "code", None)]
    samples, told = align(rows, estimate_clock=False, tolerance_s=1)
    assert samples["changes 1"]["text"] is None and samples["changes 2"]["text"] is None
    assert (told.streams[0].unmatched, told.streams[0].untimed, told.unmatched["code"]) == (2, 1, 2)


def test_in_a_window_all_texts_are_taken_in_order_and_of_codes_the_nearest(align):
    at = START_US + 180 * SECOND
    rows = [
        *LOG,
        record("changes", 1, "code", at - 900_000),
        record("changes", 2, "code", at + 100_000),
        record("notes", 1, "text", at + 800_000),
        record("notes", 2, "text", at - 700_000),
    ]
    samples, told = align(rows, estimate_clock=False, tolerance_s=1, how="windowed")
    joined = samples["log 3\nnotes 2\nnotes 1"]
    assert joined["code"] == "changes 2"
    assert told.surplus == 1


def test_a_record_that_is_in_two_samples_keeps_them_in_one_split(align):
    rows = [*LOG, *(record("notes", number, "text", START_US + (60 * number + 30) * SECOND) for number in range(5))]
    samples, told = align(rows, estimate_clock=False, tolerance_s=30, how="windowed")
    chained = [sample for sample in samples.values() if "notes" in sample["text"]]
    assert len(chained) == 6
    assert len({sample["split"] for sample in chained}) == len({sample["cluster"] for sample in chained}) == 1
    assert told.largest_cluster == 6


def test_the_clock_is_corrected_and_told(align):
    generator = np.random.default_rng(0)
    streams = derived(random_events(generator, 1500), generator, offset_us=4.2e6, drift_ppm=40)
    rows = [record("log", number, "text", time) for number, time in enumerate(streams.reference)]
    rows += [record("changes", number, "code", time) for number, time in enumerate(streams.other)]
    samples, told = align(rows)
    [stream] = told.streams
    assert stream.offset_s == pytest.approx(4.23, abs=0.01)  # the drift has added 30 ms in the middle
    assert stream.drift_ppm == pytest.approx(40, abs=3)
    assert stream.tolerance_s == pytest.approx(0.015, rel=0.15)
    assert abs(stream.gaps_s["50%"]) < 0.001
    assert stream.origin.startswith("2020-09-13T")
    joined = [sample for sample in samples.values() if sample["method"] == "timestamp"]
    for sample in joined:
        [join] = sample["joins"]
        assert join["record_id"] == sample["record_ids"][1] and join["score"] == sample["score"]
        assert join["clock_correction_us"] == pytest.approx(-4.23e6, abs=50_000) and abs(join["gap_us"]) < 20_000
    right = sum(streams.partner[int(sample["code"].split()[1])] == int(sample["text"].split()[1]) for sample in joined)
    assert right / len(joined) > 0.98 and right > 0.98 * (streams.partner >= 0).sum()


def test_samples_are_the_same_however_the_records_come(align):
    generator = np.random.default_rng(0)
    streams = derived(random_events(generator, 300), generator, offset_us=-4.2e6)
    rows = [record("log", number, "text", time) for number, time in enumerate(streams.reference)]
    rows += [record("changes", number, "code", time) for number, time in enumerate(streams.other)]
    assert align(rows, "one") == align(rows[::-1], "other")


@pytest.mark.parametrize(
    "times, reason",
    [
        (START_US + np.arange(100) * 60 * SECOND, "several offsets fit equally well"),
        (np.full(100, START_US), "all times of a stream are equal"),
        (START_US + 10**13 + np.arange(100) ** 2 * SECOND, "do not overlap in time"),
        ([None] * 100, "too few different times"),
    ],
)
def test_clocks_that_cannot_be_related_stop_the_run_with_the_reason(align, times, reason):
    log = [record("log", number, "text", START_US + number * 60 * SECOND) for number in range(100)]
    others = [record("changes", number, "code", time) for number, time in enumerate(times)]
    with pytest.raises(SourceError, match=reason) as caught:
        align([*log, *others], max_offset_s=300.0)
    assert "changes" in str(caught.value) and "estimate_clock" in caught.value.remedy


def test_a_reference_that_is_not_there_is_an_error_that_names_the_sources(align):
    with pytest.raises(SourceError, match="no record of the source `log`") as caught:
        align([record("notes", number, "text", START_US) for number in range(5)])
    assert "notes" in caught.value.remedy


def test_a_data_set_that_is_not_named_is_joined_by_key_as_ever(align, tmp_path):
    others = [
        record("a", 1, "text", START_US, b"soup", dataset="things"),
        record("b", 1, "code", START_US + 10**12, b"boil()", dataset="things"),
    ]
    samples, _ = align([*LOG, *others], estimate_clock=False, tolerance_s=1)
    assert (samples["soup"]["code"], samples["soup"]["method"], samples["soup"]["cluster"]) == (
        "boil()",
        "key",
        "things:rows:1",
    )
    tables.write(tmp_path / "records", [tables.from_rows([*LOG, *others], records.RECORD)], records.RECORD)
    told = joining.align(tmp_path / "records", tmp_path / "samples", AlignmentConfig(), 0)
    told.write(tmp_path / "report")
    assert json.loads((tmp_path / "report" / "report.json").read_text())["streams"] == []


def test_a_clock_that_is_not_estimated_needs_a_tolerance():
    with pytest.raises(ValueError, match="tolerance_s must be given"):
        TimestampJoin(reference="log", estimate_clock=False)
    config = AlignmentConfig(timestamps={"days": TimestampJoin(reference="log", tolerance_s=2.0)})
    assert from_json(AlignmentConfig, to_json(config)) == config
