import collections

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.cleaning import rules
from components.cleaning.attributes import REDACTED
from components.cleaning.config import CleaningConfig, OwnRule
from components.cleaning.decontamination.config import Decontamination
from components.cleaning.faults import Fault
from components.cleaning.sensitive.config import Sensitive
from schemas import records, tables

CONFIG = CleaningConfig()
CONTENTS = st.sampled_from(
    [b"", b" ", b"\xff", b"name", b"name\r\n", b"n" * 80, b" " + b"n" * 80, b"def f(): return 1234", b"\0" * 30]
)
ROWS = st.lists(st.tuples(st.sampled_from(["text", "code", "image"]), CONTENTS, st.sampled_from("ab")), max_size=30)


def clean(batch, config=CONFIG):
    standard, unfit = rules.standardise(batch, config)
    kept, twice = rules.exact_duplicates(standard, config)
    return rules.in_order(kept), [*tables.to_rows(unfit), *tables.to_rows(twice)]


def ids(batch):
    return batch["record_id"].to_pylist()


@pytest.fixture
def rows_of(record):
    return lambda drawn: [record(number, *values) for number, values in enumerate(drawn)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_every_record_survives_or_is_rejected(rows_of, batch_of, drawn):
    batch = batch_of(rows_of(drawn))
    kept, rejected = clean(batch)
    assert collections.Counter(ids(batch)) == collections.Counter(ids(kept) + [row["record_id"] for row in rejected])
    assert kept.schema.equals(records.RECORD)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_cleaning_what_is_clean_changes_nothing(rows_of, batch_of, drawn):
    kept, _ = clean(batch_of(rows_of(drawn)))
    again, rejected = clean(kept)
    assert rejected == []
    assert again.equals(kept)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.randoms())
def test_the_order_of_records_does_not_matter(rows_of, batch_of, drawn, random):
    rows = rows_of(drawn)
    shuffled = random.sample(rows, len(rows))
    kept, rejected = clean(batch_of(rows))
    kept_too, rejected_too = clean(batch_of(shuffled))
    assert kept.equals(kept_too)
    assert sorted(rejected, key=str) == sorted(rejected_too, key=str)


def test_the_first_by_source_stays_and_the_others_name_it(record, batch_of):
    content = b"def same(): return 1  # long enough for a copy of it to count, unlike a short name"
    rows = [record(1, "text", content, "b"), record(2, "text", content, "a"), record(3, "code", content, "b")]
    kept, [dropped] = clean(batch_of(rows))
    assert set(ids(kept)) == {rows[2]["record_id"]} | {rows[1]["record_id"]}
    assert dropped == {
        "record_id": rows[0]["record_id"],
        "content_sha256": records.content_sha256(content.strip()),
        "source": "b",
        "modality": "text",
        "origin": "place 1",
        "stage": "cleaning",
        "reason": "exact_duplicate",
        "measured": rows[1]["record_id"],
        "limit": "",
    }


def test_short_names_may_recur_but_images_and_codes_may_not(mixed, batch_of):
    kept, rejected = clean(batch_of(mixed))
    names = [row["content"] for row in tables.to_rows(kept)]
    assert names.count(b"same name") == 2
    reasons = collections.Counter((row["modality"], row["reason"]) for row in rejected)
    assert reasons == {
        ("text", "exact_duplicate"): 40,
        ("code", "exact_duplicate"): 35,
        ("image", "exact_duplicate"): 45,
        ("text", "not_utf8"): 1,
        ("text", "empty"): 1,
        ("code", "too_short"): 1,
        ("image", "not_an_image"): 1,
        ("image", "broken_image"): 1,
    }


def test_what_is_standardised_has_a_new_identity(record, batch_of):
    kept, _ = clean(batch_of([record(1, "text", b"caf\xc3\x83\xc2\xa9 closed\r\n")]))
    [row] = tables.to_rows(kept)
    assert row["content"] == "café closed".encode()
    assert row["content_sha256"] == records.content_sha256(row["content"])
    assert row["attributes"] == {"origin": "place 1", "key": "1", "dataset": "mine"}


def test_images_say_that_they_are_png_now(mixed, batch_of):
    kept, _ = clean(batch_of(mixed))
    types = {(row["modality"], row["media_type"]) for row in tables.to_rows(kept)}
    assert types == {("text", "text/plain"), ("code", "text/plain"), ("image", "image/png")}


def test_no_records_are_no_trouble(batch_of):
    kept, rejected = clean(batch_of([]))
    assert kept.num_rows == 0 and rejected == []
    assert pa.Table.from_batches([kept]).schema.equals(records.RECORD)


def test_what_is_sensitive_is_redacted_and_the_record_says_so(record, batch_of):
    rows = [record(1, "text", b"write to jane.roe@example.org or john.doe@example.com"), record(2, "text", b"calm")]
    kept, rejected = clean(batch_of(rows))
    assert rejected == []
    by_id = {row["record_id"]: row for row in tables.to_rows(kept)}
    redacted, calm = (by_id[row["record_id"]] for row in rows)
    assert redacted["content"] == b"write to <EMAIL> or <EMAIL>"
    assert redacted["content_sha256"] == records.content_sha256(redacted["content"])
    assert redacted["attributes"][REDACTED] == "email:2"
    assert REDACTED not in calm["attributes"]


def test_a_policy_can_drop_what_is_sensitive_without_a_trace_of_it(record, batch_of):
    config = CleaningConfig(sensitive=Sensitive(email="drop"))
    kept, [dropped] = clean(batch_of([record(1, "text", b"write to jane.roe@example.org")]), config)
    assert kept.num_rows == 0
    assert dropped["reason"] == "sensitive_email"
    assert "jane" not in str(dropped)


def test_what_overlaps_a_benchmark_is_rejected_and_names_it(record, batch_of, tmp_path):
    exam = "which of these seven planets has the most moons that are known to us today"
    (tmp_path / "exam.txt").write_text(exam)
    config = CleaningConfig(decontamination=Decontamination(benchmarks=(str(tmp_path / "exam.txt"),)))
    rows = [record(1, "text", f"so they asked {exam} and waited".encode()), record(2, "text", b"another question")]
    kept, [dropped] = clean(batch_of(rows), config)
    assert ids(kept) == [rows[1]["record_id"]]
    assert dropped["record_id"] == rows[0]["record_id"]
    assert "exam.txt" in dropped["measured"]


def no_soup(batch, word):
    """A user's rule."""
    return [
        Fault("soup", word, "no soup") if word.encode() in content else None for content in batch["content"].to_pylist()
    ]


def test_a_rule_of_one_s_own_comes_last(record, batch_of):
    rule = OwnRule(function=f"{__name__}:no_soup", arguments={"word": "<EMAIL>"})
    rows = [record(1, "text", b"soup by jane.roe@example.org"), record(2, "text", b"bread")]
    kept, [dropped] = clean(batch_of(rows), CleaningConfig(rules=(rule,)))
    assert ids(kept) == [rows[1]["record_id"]]
    assert (dropped["reason"], dropped["measured"], dropped["limit"]) == ("soup", "<EMAIL>", "no soup")


def test_noise_is_rejected_and_languages_are_told(record, batch_of):
    noise = b"buy now " * 60
    rows = [record(1, "text", noise), record(2, "text", "Der Hund schläft heute lange in seinem Korb.".encode())]
    kept, [dropped] = clean(batch_of(rows))
    assert dropped["record_id"] == rows[0]["record_id"]
    assert kept["language"].to_pylist() == ["de"]
